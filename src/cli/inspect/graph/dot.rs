//! The language of graphviz (graphviz.org, dot language).

use std::fmt::Write;

use super::{Graph, Kind};

pub(super) fn write(graph: &Graph) -> String {
    let mut out =
        String::from("digraph images {\n  rankdir=LR\n  node [shape=box, style=filled, fontname=\"monospace\"]\n");
    for (id, node) in graph.nodes.iter().enumerate() {
        // Every line ends with \l, which sets it flush left.
        let lines: String = node.lines.iter().map(|line| format!("{}\\l", quoted(line))).collect();
        let _ = writeln!(out, "  n{id} [label=\"{lines}\", fillcolor=\"{}\"]", fill(node.kind));
    }
    for edge in &graph.edges {
        let label = if edge.label.is_empty() { String::new() } else { format!(" [label=\"{}\"]", quoted(&edge.label)) };
        let _ = writeln!(out, "  n{} -> n{}{label}", edge.from, edge.to);
    }
    out.push_str("}\n");
    out
}

fn fill(kind: Kind) -> &'static str {
    match kind {
        Kind::Index => "#e4dcf7",
        Kind::Image => "#d5e5fa",
        Kind::Layer => "#f1f1f1",
        Kind::Shared => "#d8f0d8",
        Kind::Companion => "#fbeecb",
        Kind::Absent => "#f9d5d5",
    }
}

/// Inside quotes a quote and a backslash are escaped; `\l` and the like would be commands.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
