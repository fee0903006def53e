//! Archives that other people's tools made all have a page, or an error.

use crate::inspect::corpora::rows;
use crate::support::page::Page;
use crate::support::shared::shared;
use crate::support::tally::tally;
use crate::support::{Run, Sandbox};

#[test]
fn every_archive_has_a_page_or_an_error() {
    for (folder, table) in [("fixtures", "fixtures.tsv"), ("engines", "archives.tsv")] {
        let Some(root) = shared(folder) else { continue };
        tally(&format!("report: {folder}"), &rows(&root, table, 1, 1), |row| {
            let sandbox = Sandbox::new();
            let looked: Run = sandbox.command(["inspect", "--json"]).arg(&row.file).run();
            let run = sandbox.command(["report", "-o", "-"]).arg(&row.file).run();
            // Whatever is wrong with layers is told on the page.
            assert_eq!(run.code, looked.code, "{run}");
            if run.code == 0 {
                let page = Page::read(&String::from_utf8(run.stdout).expect("a page is UTF-8"));
                let images = looked.json()["images"].as_array().map_or(0, Vec::len);
                assert!(page.count("section") > images, "{:?}", page.elements);
            } else {
                assert!(matches!(run.code, 3 | 4), "{run}");
                assert!(run.stdout.is_empty(), "half a page");
            }
            sandbox.assert_holds(&[]);
        });
    }
}
