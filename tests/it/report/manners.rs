//! How the command behaves: where the page goes, what it never replaces, what it says.

use std::fs;

use super::page;
use crate::inspect::{platforms, two_images};
use crate::support::{Sandbox, Style, docker, file, image};

fn put(sandbox: &Sandbox) {
    sandbox.put_tree("in.tar", &docker(&[image().layer(file("a", "b")).tag("demo/app:1")], Style::Plain));
}

#[test]
fn a_page_appears_whole_and_replaces_nothing_unasked() {
    let sandbox = Sandbox::new();
    put(&sandbox);
    let run = sandbox.command(["report", "in.tar", "-o", "a.html"]).ok();
    assert!(run.stdout.is_empty() && run.stderr.starts_with("a.html: 1 image, "), "{run}");
    sandbox.assert_holds(&["a.html", "in.tar"]);
    let first = fs::read(sandbox.path("a.html")).expect("a page");
    sandbox.put("a.html", b"mine");
    let message = sandbox.command(["report", "in.tar", "-o", "a.html"]).fails(5);
    assert!(message.contains("a.html: already there"), "{message}");
    assert_eq!(fs::read(sandbox.path("a.html")).expect("a file"), b"mine");
    let run = sandbox.command(["report", "--quiet", "--force", "in.tar", "-o", "a.html"]).ok();
    assert_eq!(run.stderr, "");
    assert_eq!(fs::read(sandbox.path("a.html")).expect("a page"), first);
    let piped = sandbox.command(["report", "in.tar", "-o", "-"]).ok();
    assert_eq!(piped.stdout, first, "standard output gets the same bytes");
    let archive = fs::read(sandbox.path("in.tar")).expect("the archive");
    let spooled = sandbox.command(["report", "-", "--output=-"]).stdin(archive.clone()).ok();
    assert!(String::from_utf8_lossy(&spooled.stdout).contains("<h1>standard input</h1>"));
    sandbox.assert_holds(&["a.html", "in.tar"]);
    let message = sandbox.command(["report", "--force", "in.tar", "-o", "./in.tar"]).fails(2);
    assert!(message.contains("place of the archive"), "{message}");
    assert_eq!(fs::read(sandbox.path("in.tar")).expect("the archive"), archive);
}

#[test]
fn what_fails_leaves_no_page() {
    let sandbox = Sandbox::new();
    put(&sandbox);
    sandbox.put("no.tar", b"nothing of the kind");
    fs::create_dir(sandbox.path("folder")).expect("a folder");
    for (args, code) in [
        (&["no.tar", "-o", "out.html"][..], 3),
        (&["absent.tar", "-o", "out.html"], 75),
        (&["in.tar", "-o", "absent/out.html"], 75),
        (&["in.tar", "--force", "-o", "folder"], 5),
        (&["in.tar", "--image", "other:1", "-o", "out.html"], 4),
        (&["in.tar", "--platform", "linux/s390x", "-o", "out.html"], 4),
    ] {
        sandbox.command(["report"]).args(args).fails(code);
    }
    for args in [&["in.tar"][..], &["-o", "out.html"], &[]] {
        assert_eq!(sandbox.command(["report"]).args(args).run().code, 2, "{args:?}");
    }
    sandbox.assert_holds(&["folder", "in.tar", "no.tar"]);
}

#[test]
fn every_image_and_platform_has_a_section() {
    let sandbox = Sandbox::new();
    sandbox.put("two.tar", &two_images());
    sandbox.put_tree("multi.tar", &platforms().tree());
    let (page, html, _) = page(&sandbox, "two.tar", &[]);
    for text in ["docker.io/demo/app:1", "docker.io/demo/child:1", "Images and the layers that they share", "A", "B"] {
        assert!(page.says(text), "{text}: {html}");
    }
    assert!(html.contains("href=\"#image-2\"") && html.contains("also in image 1"), "{html}");
    // Everything of the config that is shown.
    for text in
        ["[\"/bin/app\", \"--serve\"]", "PATH=/bin", "80/tcp", "/data", "1000:1000", "SIGQUIT", "RUN true", "two words"]
    {
        assert!(page.says(text), "{text}: {html}");
    }
    assert!(page.says("curl -f http://localhost, every 30 s, 3 tries"));
    let (multi, html, _) = super::page(&sandbox, "multi.tar", &[]);
    assert!(multi.says("linux/amd64") && multi.says("linux/arm64/v8"), "{html}");
    assert_eq!(html.matches("class=\"image\"").count(), 2);
    let (_, html, _) = super::page(&sandbox, "multi.tar", &["--platform", "linux/arm64/v8"]);
    assert_eq!(html.matches("class=\"image\"").count(), 1);
    assert!(!html.contains("linux/amd64<") || !html.contains("id=\"image-2\""));
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let sandbox = Sandbox::new();
    sandbox.put("two.tar", &two_images());
    let (page, html, _) = page(&sandbox, "two.tar", &[]);
    assert!(html.contains("default-src 'none'; style-src 'unsafe-inline'"), "{html}");
    assert!(!html.contains("url(") && !html.contains("@import") && !html.contains("src="));
    assert!(page.count("svg") > 5 && page.count("title") > page.count("svg") / 2, "{:?}", page.elements);
    assert_eq!((page.count("h1"), page.count("main"), page.count("nav")), (1, 1, 1));
    assert!(html.contains("prefers-color-scheme: dark") && html.contains("@media print"));
}

#[test]
fn threads_and_places_do_not_change_the_page() {
    let sandbox = Sandbox::new();
    sandbox.put("two.tar", &two_images());
    let run = |threads: &str| sandbox.command(["report", "two.tar", "-o", "-", "--threads", threads]).ok().stdout;
    let first = run("1");
    assert!(first == run("1") && first == run("8"), "pages differ");
}
