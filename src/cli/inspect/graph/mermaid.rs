//! The language of Mermaid (mermaid.js.org, flowcharts).

use std::fmt::Write;

use super::{Graph, Kind};

pub(super) fn write(graph: &Graph) -> String {
    let mut out = String::from("flowchart LR\n");
    for (id, node) in graph.nodes.iter().enumerate() {
        let lines: Vec<_> = node.lines.iter().map(|line| entities(line)).collect();
        let _ = writeln!(out, "  n{id}[\"{}\"]:::{}", lines.join("<br>"), node.kind.name());
    }
    for edge in &graph.edges {
        let label = if edge.label.is_empty() { String::new() } else { format!("|{}|", entities(&edge.label)) };
        let _ = writeln!(out, "  n{} -->{label} n{}", edge.from, edge.to);
    }
    for kind in Kind::ALL {
        let (name, fill) = (kind.name(), kind.fill());
        let _ = writeln!(out, "  classDef {name} fill:{fill},stroke:#888,color:#111,text-align:left");
    }
    out
}

/// Writes whatever could be markup, or Mermaid's or Markdown's own, as numbered entities.
fn entities(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " .,:/@+-_=()…".contains(c);
    text.chars().map(|c| if plain(c) { c.to_string() } else { format!("#{};", u32::from(c)) }).collect()
}
