//! Bars whose lengths are bytes.

use maud::{Markup, html};

use super::text::share;

/// A part of a bar.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) bytes: u64,
    /// Its colour.
    pub(super) class: String,
    /// What is said when one points at it.
    pub(super) told: String,
    /// What stands on it when there is room.
    pub(super) mark: String,
}

/// Parts that are less of the bar have no room for a mark, in percent.
const ROOM: f64 = 3.0;

/// Draws a bar; the whole width is `whole`.
pub(super) fn draw(told: &str, segments: &[Segment], whole: u64) -> Markup {
    let mut at = 0.0;
    let mut placed = Vec::new();
    for segment in segments.iter().filter(|segment| segment.bytes > 0) {
        let width = share(segment.bytes, whole);
        placed.push((at, width, segment));
        at += width;
    }
    html! {
        svg class="bar" role="img" {
            title { (told) }
            rect class="track" width="100%" height="100%" {}
            @for (at, width, segment) in placed {
                g {
                    title { (segment.told) }
                    rect class=(segment.class) x=(length(at)) width=(length(width)) height="100%" {}
                    @if !segment.mark.is_empty() && width >= ROOM {
                        text x=(length(at + width / 2.0)) y="50%" { (segment.mark) }
                    }
                }
            }
        }
    }
}

fn length(percent: f64) -> String {
    format!("{percent:.3}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_one_behind_the_other_and_are_as_long_as_they_weigh() {
        let segment = |bytes, mark: &str| Segment {
            bytes,
            class: "c".to_owned(),
            told: format!("<{bytes}>"),
            mark: mark.to_owned(),
        };
        let bar = draw("all", &[segment(50, "A"), segment(0, "B"), segment(1, "C")], 200).into_string();
        assert!(bar.contains(r#"x="0.000%" width="25.000%""#), "{bar}");
        assert!(bar.contains(r#"x="25.000%" width="0.500%""#), "{bar}");
        assert!(bar.contains(r#"x="12.500%" y="50%">A<"#) && !bar.contains(">B<") && !bar.contains(">C<"), "{bar}");
        assert!(bar.contains("&lt;50&gt;"), "{bar}");
    }
}
