//! Progress on a terminal: a bar for all, a line for each blob that is being read.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::words::{amounts, fit, last_part, short, title};
use super::work::{Active, View};
use super::{Display, PATIENCE, write};
use crate::cli::render::bytes;

/// Frames come less often; this is what indicatif is told.
const MAX_HZ: u8 = 20;
/// Lines for blobs.
const MAX_LINES: usize = 8;
/// The title's part of a line.
const TITLE: usize = 4;
/// On a narrower terminal there is no room for a bar beside the numbers.
const NARROW: usize = 60;

/// What is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Frame {
    title: String,
    /// How much of how much the bar shows; `None`: no bar.
    done: Option<(u64, u64)>,
    amounts: String,
    /// Each with the line end before it.
    lines: String,
}

/// One bar of indicatif with a template of several lines, so that a frame is drawn at once.
pub(super) struct Bars {
    bar: ProgressBar,
    shared: Arc<Mutex<Frame>>,
    /// What is there; `None`: nothing yet.
    drawn: Option<Frame>,
}

impl Bars {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(MAX_HZ));
        Self { bar, shared: Arc::default(), drawn: None }
    }

    fn style(&self, with_bar: bool) -> ProgressStyle {
        let key = |of: fn(&Frame) -> &str| {
            let shared = Arc::clone(&self.shared);
            move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = out.write_str(of(&shared.lock().unwrap_or_else(PoisonError::into_inner)));
            }
        };
        let template = if with_bar { "{title} [{wide_bar}] {amounts}{lines}" } else { "{title}{amounts}{lines}" };
        ProgressStyle::with_template(template)
            .expect("the template is right")
            .progress_chars("=> ")
            .with_key("title", key(|frame| &frame.title))
            .with_key("amounts", key(|frame| &frame.amounts))
            .with_key("lines", key(|frame| &frame.lines))
    }
}

/// Decides what to draw on a terminal of this size.
fn frame(view: &View<'_>, columns: usize, rows: usize) -> Frame {
    // The last column stays free: some terminals wrap when it is written.
    let columns = columns.saturating_sub(1);
    let done = view.total.map(|total| (view.bytes, total)).filter(|_| columns >= NARROW);
    let title = match done {
        Some(_) => last_part(&title(view), columns / TITLE),
        None if columns >= NARROW => format!("{}: ", last_part(&title(view), columns / TITLE)),
        None => String::new(),
    };
    let amounts = fit(&amounts(view), columns);
    let room = MAX_LINES.min(rows.saturating_sub(2));
    let mut lines = String::new();
    for (active, read) in view.active.iter().take(room) {
        let _ = write!(lines, "\n{}", fit(&line(active, *read), columns));
    }
    if view.active.len() > room && room > 0 {
        let _ = write!(lines, "\n  and {} more", view.active.len() - room);
    }
    Frame { title, done, amounts, lines }
}

fn line(active: &Active, read: u64) -> String {
    let action = active.decision.map_or("read", |decision| decision.action);
    format!("  {action:<10} {}  {} of {}", short(&active.origin), bytes(read), bytes(active.size))
}

/// Returns columns and rows of the terminal.
fn size() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(io::stderr()).ok();
    let known = size.filter(|size| size.ws_col > 0 && size.ws_row > 0);
    known.map_or((80, 24), |size| (size.ws_col.into(), size.ws_row.into()))
}

impl Display for Bars {
    fn frame(&mut self, view: &View<'_>) {
        if view.elapsed < PATIENCE {
            return;
        }
        let (columns, rows) = size();
        let next = frame(view, columns, rows);
        if self.drawn.as_ref() == Some(&next) {
            return;
        }
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&next);
        let with_bar = next.done.is_some();
        if self.drawn.as_ref().is_none_or(|drawn| drawn.done.is_some() != with_bar) {
            self.bar.set_style(self.style(with_bar));
        }
        let (done, total) = next.done.unwrap_or_default();
        self.bar.update(|state| {
            state.set_len(total);
            state.set_pos(done);
        });
        self.drawn = Some(next);
    }

    fn print(&mut self, text: &str) {
        match self.drawn {
            Some(_) => self.bar.suspend(|| write(text)),
            None => write(text),
        }
    }

    fn end(&mut self, _: &View<'_>, _: bool) {
        self.bar.finish_and_clear();
    }
}
