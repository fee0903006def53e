//! A picture, drawn without anybody's help: indexes, images and layers in columns, light or dark as the viewer is.

use std::collections::BTreeMap;
use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::{Graph, Kind, Node};

/// Sizes in pixels.
const CHARACTER: f64 = 7.25;
const LINE: f64 = 17.0;
const PADDING: f64 = 9.0;
/// Between boxes of one column.
const GAP: f64 = 10.0;
/// Between columns, for the edges.
const AISLE: f64 = 90.0;
const MARGIN: f64 = 20.0;
const BASELINE: f64 = 13.0;

const STYLE: &str = "\
text{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1c2128}\
.m{fill:#57606a}rect{stroke-width:1;stroke:#8c959f}path{fill:none;stroke:#8c959f;stroke-width:1.2}\
.bg{fill:#fff;stroke:none}.n{font-size:10px;fill:#57606a}\
.index{fill:#e9e1fb}.image{fill:#dbe9fb}.layer{fill:#f3f4f6}.shared{fill:#dcf3df}.companion{fill:#fdf1d0}.absent{fill:#fbdcdc}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.m,.n{fill:#9aa4af}.bg{fill:#0d1117}\
.index{fill:#3b2f5e}.image{fill:#1d3a5f}.layer{fill:#22272e}.shared{fill:#1f4428}.companion{fill:#4d3d10}.absent{fill:#5c2323}}";

struct Placed {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

pub(super) fn write(graph: &Graph) -> String {
    let (places, width, height) = place(&graph.nodes);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n<title>Images and layers</title>\n<style>{STYLE}</style>\n\
         <rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n"
    );
    // Edges first, so that they end behind the boxes.
    for edge in &graph.edges {
        let (from, to) = (&places[edge.from], &places[edge.to]);
        let (x1, y1) = (from.x + from.width, from.y + from.height / 2.0);
        let (x2, y2) = (to.x, to.y + to.height / 2.0);
        let path = if x2 > x1 {
            let middle = f64::midpoint(x1, x2);
            format!("M{x1:.1} {y1:.1}C{middle:.1} {y1:.1} {middle:.1} {y2:.1} {x2:.1} {y2:.1}")
        } else {
            // Both in one column: along its left side.
            let (left, x1) = (x2.min(from.x) - PADDING * 2.0, from.x);
            format!("M{x1:.1} {y1:.1}C{left:.1} {y1:.1} {left:.1} {y2:.1} {x2:.1} {y2:.1}")
        };
        let _ = writeln!(out, "<path d=\"{path}\"/>");
    }
    for (to, labels) in labels(graph) {
        let (x, y) = (places[to].x - 5.0, places[to].y + places[to].height / 2.0 - 4.0);
        let labels = markup(&labels.join(", "));
        let _ = writeln!(out, "<text class=\"n\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\">{labels}</text>");
    }
    for (node, place) in graph.nodes.iter().zip(&places) {
        let Placed { x, y, width, height } = place;
        let title = markup(&node.lines.join("\n"));
        let class = node.kind.name();
        let _ = write!(
            out,
            "<g><title>{title}</title><rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\" rx=\"5\"/>"
        );
        for (i, line) in node.lines.iter().enumerate() {
            let (x, y) = (x + PADDING, y + PADDING + BASELINE + LINE * i as f64 - 2.0);
            let class = if i == 0 { "" } else { " class=\"m\"" };
            let _ =
                write!(out, "<text{class} x=\"{x:.1}\" y=\"{y:.1}\" xml:space=\"preserve\">{}</text>", markup(line));
        }
        out.push_str("</g>\n");
    }
    out.push_str("</svg>\n");
    out
}

/// Lists what stands at the end of edges, each word once.
fn labels(graph: &Graph) -> BTreeMap<usize, Vec<&str>> {
    let mut labels: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for edge in graph.edges.iter().filter(|edge| !edge.label.is_empty()) {
        let own = labels.entry(edge.to).or_default();
        if !own.contains(&edge.label.as_str()) {
            own.push(&edge.label);
        }
    }
    labels
}

/// Puts each node into its kind's column, columns one beside another and centred; returns the size of it all.
fn place(nodes: &[Node]) -> (Vec<Placed>, f64, f64) {
    let column = |kind| match kind {
        Kind::Index => 0,
        Kind::Image | Kind::Companion => 1,
        Kind::Layer | Kind::Shared | Kind::Absent => 2,
    };
    let text = |node: &Node| node.lines.iter().map(|line| line.width()).max().unwrap_or(0) as f64 * CHARACTER;
    let tall = |node: &Node| node.lines.len() as f64 * LINE + PADDING * 2.0 - 4.0;
    let of = |at: usize| nodes.iter().filter(move |node| column(node.kind) == at);
    let widths: Vec<f64> = (0..3).map(|at| of(at).map(|node| text(node) + PADDING * 2.0).fold(0.0, f64::max)).collect();
    let heights: Vec<f64> = (0..3).map(|at| of(at).map(|node| tall(node) + GAP).sum::<f64>() - GAP).collect();
    let height = heights.iter().copied().fold(0.0, f64::max);
    let mut lefts = Vec::new();
    let mut x = MARGIN;
    for &width in &widths {
        lefts.push(x);
        x += if width > 0.0 { width + AISLE } else { 0.0 };
    }
    let mut next: Vec<f64> = heights.iter().map(|own| MARGIN + (height - own) / 2.0).collect();
    let places = nodes.iter().map(|node| {
        let (at, tall) = (column(node.kind), tall(node));
        let y = next[at];
        next[at] += tall + GAP;
        Placed { x: lefts[at], y, width: widths[at], height: tall }
    });
    (places.collect(), x - AISLE + MARGIN, height + MARGIN * 2.0)
}

/// Escapes text for XML.
fn markup(text: &str) -> String {
    let one = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(one).collect()
}
