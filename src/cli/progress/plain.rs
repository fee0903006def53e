//! Progress as a line every few seconds: for logs, and for terminals that only print.

use std::time::Duration;

use super::words::{amounts, title};
use super::work::{Stage, View};
use super::{Display, PATIENCE, write};

/// Who watches wants to see that something moves; who reads a log of hours wants it short.
const OFTEN: Duration = Duration::from_secs(5);
const SELDOM: Duration = Duration::from_secs(30);
const WATCHED: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Plain {
    last: Option<Duration>,
}

impl Plain {
    fn is_due(&self, elapsed: Duration) -> bool {
        let step = if elapsed < WATCHED { OFTEN } else { SELDOM };
        self.last.map_or(elapsed >= PATIENCE, |last| elapsed >= last + step)
    }
}

/// Says how things stand in one line.
fn line(view: &View<'_>) -> String {
    let blobs = match view.stage {
        Stage::Working if view.blobs > 0 => format!("{} of {} blobs, ", view.blobs_read, view.blobs),
        _ => String::new(),
    };
    format!("{}: {blobs}{}\n", title(view), amounts(view))
}

impl Display for Plain {
    fn frame(&mut self, view: &View<'_>) {
        if self.is_due(view.elapsed) {
            self.last = Some(view.elapsed);
            write(&line(view));
        }
    }

    fn end(&mut self, _: &View<'_>, _: bool) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_often_at_first_and_seldom_later() {
        let mut plain = Plain::default();
        let mut times = Vec::new();
        for tenths in 0..2000 {
            let elapsed = Duration::from_millis(tenths * 100);
            if plain.is_due(elapsed) {
                plain.last = Some(elapsed);
                times.push(tenths);
            }
        }
        assert_eq!(times[..4], [5, 55, 105, 155]);
        assert_eq!(times.last(), Some(&1755));
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == if pair[1] < 600 { 50 } else { 300 }), "{times:?}");
    }

    #[test]
    fn a_line_says_how_far_it_is() {
        let view = View {
            items: None,
            title: "app.tar",
            stage: &Stage::Working,
            elapsed: Duration::from_secs(5),
            bytes: 1_200_000_000,
            read: 1_200_000_000,
            total: Some(4_000_000_000),
            rate: Some(180_000_000.0),
            left: Some(Duration::from_secs(15)),
            blobs: 12,
            blobs_read: 3,
            active: Vec::new(),
        };
        assert_eq!(line(&view), "app.tar: 3 of 12 blobs, 1.20 GB of 4.00 GB, 180 MB/s, 15 s left\n");
        let stage = Stage::Spooling { source: "standard input".to_owned() };
        let spooling = View { stage: &stage, total: None, left: None, ..view };
        assert_eq!(line(&spooling), "standard input: reading 1.20 GB, 180 MB/s\n");
    }
}
