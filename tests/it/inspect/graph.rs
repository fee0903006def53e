//! `--graph`: the same nodes and edges in three languages, and nothing of an archive that could be one of theirs.

use super::{platforms, two_images};
use crate::support::Sandbox;

fn draw(sandbox: &Sandbox, input: &str, language: &str) -> String {
    let run = sandbox.command(["inspect", "--graph", language, input]).ok();
    String::from_utf8(run.stdout).expect("text")
}

/// Tells whether every element is closed in its order, and no text holds a bare `<` or `&`.
fn is_well_formed(xml: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        if text.contains('>') || !entities_are_known(text) {
            return false;
        }
        let Some(end) = rest[at..].find('>') else { return false };
        let tag = &rest[at + 1..at + end];
        rest = &rest[at + end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap_or(tag));
        }
    }
    open.is_empty() && rest.trim().is_empty()
}

fn entities_are_known(text: &str) -> bool {
    let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
    text.split('&').skip(1).all(|rest| known.iter().any(|entity| rest.starts_with(entity)))
}

#[test]
fn a_layer_that_images_share_is_drawn_once() {
    let sandbox = Sandbox::new();
    sandbox.put("in.tar", &two_images());
    // Two images, three layers of which the first two are shared; five edges.
    let dot = draw(&sandbox, "in.tar", "dot");
    assert_eq!(dot.matches(" [label=\"").count() - dot.matches("-> ").count(), 5, "{dot}");
    assert_eq!(dot.matches(" -> ").count(), 5, "{dot}");
    let mermaid = draw(&sandbox, "in.tar", "mermaid");
    assert!(mermaid.starts_with("flowchart LR\n"));
    assert_eq!((mermaid.matches(":::shared").count(), mermaid.matches(":::image").count()), (2, 2), "{mermaid}");
    assert_eq!(mermaid.matches(" -->").count(), 5, "{mermaid}");
    let svg = draw(&sandbox, "in.tar", "svg");
    assert!(is_well_formed(&svg), "{svg}");
    assert_eq!((svg.matches("<g><title>").count(), svg.matches("<path ").count()), (5, 5), "{svg}");
    assert_eq!(svg.matches("class=\"shared\"").count(), 2, "{svg}");
}

#[test]
fn indexes_and_companions_are_drawn_too() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &platforms().tree());
    let mermaid = draw(&sandbox, "in.tar", "mermaid");
    for (class, count) in [("index", 1), ("image", 2), ("companion", 2), ("shared", 2), ("layer", 1)] {
        assert_eq!(mermaid.matches(&format!(":::{class}\n")).count(), count, "{class}: {mermaid}");
    }
    assert!(mermaid.contains("docker.io/demo/multi:1"), "{mermaid}");
}

#[test]
fn drawings_hold_no_markup_of_an_archive() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &super::hostile::tree());
    let svg = draw(&sandbox, "in.tar", "svg");
    assert!(is_well_formed(&svg) && !svg.contains("<script"), "{svg}");
    let dot = draw(&sandbox, "in.tar", "dot");
    for line in dot.lines().filter(|line| line.contains("[label=")) {
        let quotes = line.replace("\\\\", "").replace("\\\"", "").matches('"').count();
        assert_eq!(quotes % 2, 0, "a quote that ends a label early: {line}");
    }
    let mermaid = draw(&sandbox, "in.tar", "mermaid");
    for line in mermaid.lines().filter(|line| line.contains("[\"")) {
        let label = line.split_once("[\"").and_then(|(_, rest)| rest.rsplit_once("\"]")).expect("a label").0;
        assert!(!label.replace("<br>", "").contains(['<', '>', '"', '`', '[', ']']), "{line}");
    }
}
