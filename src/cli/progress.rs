//! How far long work is, on standard error: bars on a terminal, lines elsewhere, JSON for programs.
//!
//! Counting is apart from showing. Whoever works adds to counters and sends what begins and ends to one thread, which
//! keeps the state, draws at most ten times a second, and is the only one that writes to standard error until it ends.

mod bars;
mod counters;
mod json;
mod plain;
mod rate;
mod words;
mod work;

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use transload::{Event, Observer};

use counters::Counters;
use work::{View, Work};

/// How often something is drawn, and how late a line can be.
const FRAME: Duration = Duration::from_millis(100);
/// Work that takes no longer is not shown: it would only flicker.
const PATIENCE: Duration = Duration::from_millis(500);
/// Events that wait to be shown. Beyond that, work waits for whoever reads standard error.
const QUEUE: usize = 1024;

/// Taken by every command that can take long.
#[derive(Args, Debug)]
pub(super) struct ProgressArgs {
    /// How to show progress on standard error
    #[arg(long, value_name = "HOW", value_enum, default_value_t, display_order = 900)]
    progress: Mode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Bars on a terminal, lines where it takes no escapes (TERM=dumb, NO_COLOR), nothing elsewhere
    #[default]
    Auto,
    /// A line every few seconds
    Plain,
    /// A JSON object on a line for everything that happens, and every second
    Json,
    /// Nothing
    None,
}

impl ProgressArgs {
    /// Starts to show what happens to `title`, which is safe to print. `verbose` also tells what was done with each blob.
    pub(super) fn start(&self, title: &str, quiet: bool, verbose: bool) -> Progress {
        let mode = if quiet { Mode::None } else { self.progress };
        let display: Option<Box<dyn Display>> = match mode {
            Mode::Auto if !io::stderr().is_terminal() => None,
            Mode::Auto if takes_escapes() => Some(Box::new(bars::Bars::new())),
            Mode::Auto | Mode::Plain => Some(Box::new(plain::Plain::default())),
            Mode::Json => Some(Box::new(json::Json::default())),
            Mode::None => None,
        };
        // The JSON tells it anyway.
        let verbose = verbose && !quiet && mode != Mode::Json;
        match display {
            None if !verbose => Progress::silent(),
            display => Progress::start(display.unwrap_or_else(|| Box::new(Nothing)), title, verbose),
        }
    }
}

fn takes_escapes() -> bool {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_some_and(|term| term != "dumb")
}

/// A way to show progress.
trait Display: Send {
    /// Hears of what happened, before `work` does.
    fn event(&mut self, _event: &Event, _work: &Work) {}

    /// Called every [`FRAME`] with how things stand.
    fn frame(&mut self, view: &View<'_>);

    /// Prints lines that stay.
    fn print(&mut self, text: &str) {
        write(text);
    }

    /// Takes back what is not to stay. With `done` the work was done; else it failed, and an error will be printed.
    fn end(&mut self, view: &View<'_>, done: bool);
}

/// Shows only what is printed.
struct Nothing;

impl Display for Nothing {
    fn frame(&mut self, _: &View<'_>) {}
    fn end(&mut self, _: &View<'_>, _: bool) {}
}

/// Writes to standard error.
fn write(text: &str) {
    // Progress that nobody sees is no reason to fail.
    let _ = io::stderr().write_all(text.as_bytes());
}

enum Message {
    /// What happened, and when.
    Event(Event, Instant),
    Lines(String),
    End {
        done: bool,
    },
}

/// Shows what it observes, until it is finished or dropped.
pub(super) struct Progress {
    counters: Arc<Counters>,
    /// `None`: nothing is shown.
    messages: Option<SyncSender<Message>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Progress {
    fn silent() -> Self {
        Self { counters: Arc::default(), messages: None, thread: Mutex::new(None) }
    }

    fn start(display: Box<dyn Display>, title: &str, verbose: bool) -> Self {
        let counters = Arc::<Counters>::default();
        let (messages, inbox) = sync_channel(QUEUE);
        let mut shower = Shower {
            display,
            work: Work::new(title),
            counters: Arc::clone(&counters),
            started: Instant::now(),
            verbose,
            lines: String::new(),
        };
        // Without a thread the work is done in silence.
        match Builder::new().name("progress".to_owned()).spawn(move || shower.run(&inbox)) {
            Ok(thread) => Self { counters, messages: Some(messages), thread: Mutex::new(Some(thread)) },
            Err(_) => Self::silent(),
        }
    }

    /// Returns the counter of what was written to standard output.
    pub(super) fn sent(&self) -> Arc<AtomicU64> {
        Arc::clone(self.counters.sent())
    }

    /// Prints lines that stay, above what is drawn.
    pub(super) fn say(&self, lines: &str) {
        match &self.messages {
            _ if lines.is_empty() => {}
            Some(messages) => drop(messages.send(Message::Lines(lines.to_owned()))),
            None => write(lines),
        }
    }

    /// Takes the display back, before the answer is printed.
    pub(super) fn finish(&self) {
        self.end(true);
    }

    fn end(&self, done: bool) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(thread), Some(messages)) = (thread, &self.messages) {
            let _ = messages.send(Message::End { done });
            let _ = thread.join();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end(false);
    }
}

impl Observer for Progress {
    fn on(&self, event: &Event) {
        let Some(messages) = &self.messages else { return };
        // What comes for every few kilobytes costs no message.
        if !self.counters.count(event) {
            let _ = messages.send(Message::Event(event.clone(), Instant::now()));
        }
    }
}

/// What the thread is about.
struct Shower {
    display: Box<dyn Display>,
    work: Work,
    counters: Arc<Counters>,
    started: Instant,
    verbose: bool,
    /// Lines to be printed with the next frame.
    lines: String,
}

impl Shower {
    fn run(&mut self, inbox: &Receiver<Message>) {
        let mut next = self.started + FRAME;
        loop {
            let first = match inbox.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return self.end(false),
            };
            // What waits is heard before anything is drawn. Who never stops talking does not keep it from being drawn.
            for message in first.into_iter().chain(inbox.try_iter().take(QUEUE)) {
                match message {
                    Message::Event(event, at) => self.event(&event, at),
                    Message::Lines(lines) => self.lines.push_str(&lines),
                    Message::End { done } => return self.end(done),
                }
            }
            let now = Instant::now();
            if now >= next {
                self.flush();
                let elapsed = now - self.started;
                self.display.frame(&self.work.view(&self.counters, elapsed));
                next = now + FRAME;
            }
        }
    }

    fn event(&mut self, event: &Event, at: Instant) {
        self.display.event(event, &self.work);
        self.work.apply(event, &self.counters, at.saturating_duration_since(self.started));
        if let Event::Blob { origin, action, size } = event
            && self.verbose
            && self.work.is_news(origin)
        {
            self.lines.push_str(&words::decision(origin, action, *size, self.work.decision(origin)));
        }
    }

    /// Prints what was gathered since the last frame at once: a display that stands below it is drawn anew only once.
    fn flush(&mut self) {
        if !self.lines.is_empty() {
            self.display.print(&std::mem::take(&mut self.lines));
        }
    }

    fn end(&mut self, done: bool) {
        self.flush();
        let view = self.work.view(&self.counters, self.started.elapsed());
        self.display.end(&view, done);
    }
}
