//! The language of Mermaid (mermaid.js.org, flowcharts).

use std::fmt::Write;

use super::{Graph, Kind};

pub(super) fn write(graph: &Graph) -> String {
    let mut out = String::from("flowchart LR\n");
    for (id, node) in graph.nodes.iter().enumerate() {
        let lines: Vec<_> = node.lines.iter().map(|line| entities(line)).collect();
        let _ = writeln!(out, "  n{id}[\"{}\"]:::{}", lines.join("<br>"), class(node.kind));
    }
    for edge in &graph.edges {
        let label = if edge.label.is_empty() { String::new() } else { format!("|{}|", entities(&edge.label)) };
        let _ = writeln!(out, "  n{} -->{label} n{}", edge.from, edge.to);
    }
    for (kind, fill) in [
        (Kind::Index, "#e4dcf7"),
        (Kind::Image, "#d5e5fa"),
        (Kind::Layer, "#f1f1f1"),
        (Kind::Shared, "#d8f0d8"),
        (Kind::Companion, "#fbeecb"),
        (Kind::Absent, "#f9d5d5"),
    ] {
        let _ = writeln!(out, "  classDef {} fill:{fill},stroke:#888,color:#111,text-align:left", class(kind));
    }
    out
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Index => "index",
        Kind::Image => "image",
        Kind::Layer => "layer",
        Kind::Shared => "shared",
        Kind::Companion => "companion",
        Kind::Absent => "absent",
    }
}

/// Writes whatever could be markup, or Mermaid's or Markdown's own, as numbered entities.
fn entities(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " .,:/@+-_=()…".contains(c);
    text.chars().map(|c| if plain(c) { c.to_string() } else { format!("#{};", u32::from(c)) }).collect()
}
