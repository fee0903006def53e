//! A page and its numbers, byte by byte. `UPDATE_GOLDEN=1` writes them anew; review them like code.

use transload::{Context, UsageOptions};

use super::{page, usage};
use crate::inspect::golden::check_file;
use crate::inspect::{full, platforms, two_images};
use crate::support::{Sandbox, Style, docker};

/// Takes out what the predictions say, which have tests of their own and depend on the machine's platform.
fn without_engines(html: &str) -> String {
    let (start, rest) = html.split_once("<p class=\"about\"><a href=\"#engines\">").expect("a summary");
    let (_, rest) = rest.split_once("</a></p>").expect("its end");
    let (middle, rest) = rest.split_once("<section id=\"engines\">").expect("a section on engines");
    let (table, end) = rest.split_once("</section>").expect("its end");
    assert!(table.contains("docker 1.10") && table.contains("podman load"), "{table}");
    // One line for each element that begins one: for whoever reviews it.
    [start, middle, end].concat().replace("><", ">\n<")
}

#[test]
fn pages_are_pinned() {
    let hybrid = docker(&[full().tag("demo/app:1").tag("demo/app:2")], Style::Hybrid).tar();
    for (name, bytes) in [("classic", two_images()), ("platforms", platforms().tree().tar()), ("hybrid", hybrid)] {
        let sandbox = Sandbox::new();
        let input = sandbox.put("app.tar", &bytes);
        let (_, html, _) = page(&sandbox, &input, &[]);
        check_file(&format!("report/{name}.html"), &without_engines(&html));
        let told = usage(&input, &UsageOptions::default(), &Context::default());
        check_file(&format!("report/{name}.json"), &(serde_json::to_string_pretty(&told).expect("JSON") + "\n"));
    }
}
