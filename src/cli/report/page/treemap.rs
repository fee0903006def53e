//! A treemap: areas are bytes, colours are layers. Rectangles are laid out as squarely as they can be (Bruls, Huizing,
//! van Wijk, "Squarified Treemaps").

use maud::{Markup, html};
use transload::{NodeKind, UsageNode};

use super::layers::tone;
use super::text::{bytes_of, counted, shown};

/// A rectangle in units of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

/// Sizes for one kind of screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canvas {
    pub(super) class: &'static str,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// For screens and paper.
pub(super) const WIDE: Canvas = Canvas { class: "wide", width: 1080.0, height: 560.0 };
/// For phones.
pub(super) const NARROW: Canvas = Canvas { class: "narrow", width: 360.0, height: 480.0 };

/// Height of a directory's name above what is in it.
const HEADING: f64 = 17.0;
/// Between a directory's edge and what is in it.
const PADDING: f64 = 2.0;
/// A directory is taken apart when it is at least so wide and high.
const OPEN: (f64, f64) = (56.0, 44.0);
/// A rectangle has its name on it when it is at least so wide and high.
const NAMED: (f64, f64) = (34.0, 16.0);
/// Width of a character, on average, and what is left free.
const CHARACTER: f64 = 6.3;
const MARGIN: f64 = 5.0;
/// What is less wide or high is not drawn.
const SPECK: f64 = 1.2;

/// Divides an area among weights, which are in falling order; the sum of the areas is the area.
pub(super) fn squarify(weights: &[u64], area: Area) -> Vec<Area> {
    let sum: f64 = weights.iter().map(|&weight| weight as f64).sum();
    let mut areas = Vec::with_capacity(weights.len());
    let mut left = area;
    let mut rest = sum;
    let mut from = 0;
    while from < weights.len() && rest > 0.0 {
        let scale = left.width * left.height / rest;
        let side = left.width.min(left.height);
        // A row grows as long as its worst rectangle gets no worse.
        let largest = weights[from] as f64 * scale;
        let (mut to, mut total, mut worst) = (from, 0.0, f64::INFINITY);
        while to < weights.len() {
            let smallest = weights[to] as f64 * scale;
            let with = total + smallest;
            let aspect = (side * side * largest / (with * with)).max(with * with / (side * side * smallest));
            if aspect > worst {
                break;
            }
            (to, total, worst) = (to + 1, with, aspect);
        }
        // Weights of nothing have no side to be held against.
        let to = to.max(from + 1);
        let depth = if side > 0.0 { total / side } else { 0.0 };
        let mut at = 0.0;
        for &weight in &weights[from..to] {
            let along = if total > 0.0 { weight as f64 * scale / total * side } else { 0.0 };
            areas.push(if left.width >= left.height {
                Area { x: left.x, y: left.y + at, width: depth, height: along }
            } else {
                Area { x: left.x + at, y: left.y, width: along, height: depth }
            });
            at += along;
            rest -= weight as f64;
        }
        left = if left.width >= left.height {
            Area { x: left.x + depth, width: (left.width - depth).max(0.0), ..left }
        } else {
            Area { y: left.y + depth, height: (left.height - depth).max(0.0), ..left }
        };
        from = to;
    }
    areas.resize(weights.len(), Area { width: 0.0, height: 0.0, ..area });
    areas
}

/// Draws a tree. `layers` is how many the image has.
pub(super) fn draw(tree: &UsageNode, layers: usize, canvas: Canvas) -> Markup {
    let view = format!("0 0 {} {}", canvas.width, canvas.height);
    let mut cells = Vec::new();
    let area = Area { x: 0.0, y: 0.0, width: canvas.width, height: canvas.height };
    let drawing = Drawing { whole: tree.bytes, layers };
    drawing.inside(tree, "", area, &mut cells);
    html! {
        svg class=(format!("treemap {}", canvas.class)) viewBox=(view) role="img" {
            title { "What takes the space: " (bytes_of(tree.bytes, tree.bytes)) " in " (counted(tree.files, "file")) }
            @for cell in &cells { (cell) }
        }
    }
}

struct Drawing {
    whole: u64,
    layers: usize,
}

impl Drawing {
    /// Draws what a directory consists of. Trees are cut down before: they are as deep as they have nodes at most.
    fn inside(&self, node: &UsageNode, path: &str, area: Area, cells: &mut Vec<Markup>) {
        let weights: Vec<u64> = node.children.iter().map(|child| child.bytes).collect();
        // The rest is the last, whatever it weighs.
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by_key(|&at| std::cmp::Reverse(weights[at]));
        let sorted: Vec<u64> = order.iter().map(|&at| weights[at]).collect();
        for (&at, area) in order.iter().zip(squarify(&sorted, area)) {
            if area.width >= SPECK && area.height >= SPECK {
                self.node(&node.children[at], path, area, cells);
            }
        }
    }

    fn node(&self, node: &UsageNode, above: &str, area: Area, cells: &mut Vec<Markup>) {
        let path = format!("{above}/{}", node.name);
        let Area { x, y, width, height } = area;
        let open = !node.children.is_empty() && width >= OPEN.0 && height >= OPEN.1;
        let of_layer = if open { String::new() } else { format!(", layer {}", node.layer) };
        let files =
            if node.kind == NodeKind::File { String::new() } else { format!(", {}", counted(node.files, "file")) };
        let name = match node.kind {
            NodeKind::Rest => format!("{above}/ (others)"),
            NodeKind::Directory => format!("{path}/"),
            _ => path.clone(),
        };
        let told = format!("{}: {}{files}{of_layer}", shown(&name), bytes_of(node.bytes, self.whole));
        let class = match (open, node.kind) {
            (true, _) => "folder".to_owned(),
            (false, NodeKind::Rest) => format!("cell rest {}", tone(node.layer, self.layers)),
            (false, _) => format!("cell {}", tone(node.layer, self.layers)),
        };
        let label = self.label(node, width, height, open);
        cells.push(html! {
            svg class=(class) x=(unit(x)) y=(unit(y)) width=(unit(width)) height=(unit(height)) {
                title { (told) }
                rect width="100%" height="100%" {}
                @if let Some(label) = label {
                    text x=(unit(MARGIN)) y="12.5" { (label) }
                }
            }
        });
        if open {
            let inner = Area {
                x: x + PADDING,
                y: y + HEADING,
                width: width - 2.0 * PADDING,
                height: height - HEADING - PADDING,
            };
            self.inside(node, &path, inner, cells);
        }
    }

    /// Returns the name that fits on a rectangle.
    fn label(&self, node: &UsageNode, width: f64, height: f64, open: bool) -> Option<String> {
        if width < NAMED.0 || height < NAMED.1 {
            return None;
        }
        let name = match node.kind {
            NodeKind::Rest => counted(node.files, "other"),
            NodeKind::Directory => format!("{}/", shown(&node.name)),
            _ => shown(&node.name),
        };
        let room = ((width - 2.0 * MARGIN) / CHARACTER) as usize;
        let length = name.chars().count();
        if length <= room {
            let size = format!("{name} · {}", crate::cli::render::bytes(node.bytes));
            return Some(if open && size.chars().count() <= room { size } else { name });
        }
        // Three letters and an ellipsis tell nothing.
        (room > 4).then(|| name.chars().take(room - 1).chain(['…']).collect())
    }
}

/// Writes a length: tenths are finer than any screen.
fn unit(length: f64) -> String {
    format!("{length:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area { x: 10.0, y: 20.0, width: 600.0, height: 400.0 };

    #[test]
    fn areas_are_the_weights_and_fill_the_whole() {
        for weights in
            [&[6, 6, 4, 3, 2, 2, 1][..], &[1], &[1_000_000_000, 1], &[5, 0, 0], &[7; 50], &[u64::MAX, u64::MAX, 3]]
        {
            let areas = squarify(weights, AREA);
            assert_eq!(areas.len(), weights.len());
            let sum: f64 = weights.iter().map(|&weight| weight as f64).sum();
            for (area, &weight) in areas.iter().zip(weights) {
                let want = weight as f64 / sum * AREA.width * AREA.height;
                assert!((area.width * area.height - want).abs() < 1e-3, "{weights:?}: {area:?} is not {want}");
                assert!(area.x >= AREA.x - 1e-6 && area.x + area.width <= AREA.x + AREA.width + 1e-6, "{area:?}");
                assert!(area.y >= AREA.y - 1e-6 && area.y + area.height <= AREA.y + AREA.height + 1e-6, "{area:?}");
            }
        }
    }

    #[test]
    fn areas_do_not_overlap_and_are_nearly_square() {
        let areas = squarify(&[6, 6, 4, 3, 2, 2, 1], AREA);
        for (i, a) in areas.iter().enumerate() {
            for b in &areas[i + 1..] {
                let across = (a.x + a.width).min(b.x + b.width) - a.x.max(b.x);
                let down = (a.y + a.height).min(b.y + b.height) - a.y.max(b.y);
                assert!(across < 1e-6 || down < 1e-6, "{a:?} and {b:?}");
            }
            let aspect = (a.width / a.height).max(a.height / a.width);
            assert!(aspect < 3.0, "{a:?}");
        }
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(squarify(&[], AREA), []);
        let areas = squarify(&[0, 0], AREA);
        assert!(areas.iter().all(|area| area.width * area.height == 0.0));
    }
}
