//! The language of graphviz (graphviz.org, dot language).

use std::fmt::Write;

use super::Graph;

pub(super) fn write(graph: &Graph) -> String {
    let mut out =
        String::from("digraph images {\n  rankdir=LR\n  node [shape=box, style=filled, fontname=\"monospace\"]\n");
    for (id, node) in graph.nodes.iter().enumerate() {
        // Every line ends with \l, which sets it flush left.
        let lines: String = node.lines.iter().map(|line| format!("{}\\l", quoted(line))).collect();
        let _ = writeln!(out, "  n{id} [label=\"{lines}\", fillcolor=\"{}\"]", node.kind.fill());
    }
    for edge in &graph.edges {
        let label = if edge.label.is_empty() { String::new() } else { format!(" [label=\"{}\"]", quoted(&edge.label)) };
        let _ = writeln!(out, "  n{} -> n{}{label}", edge.from, edge.to);
    }
    out.push_str("}\n");
    out
}

/// Inside quotes a quote and a backslash are escaped; `\l` and the like would be commands.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
