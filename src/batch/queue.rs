//! Which item comes next, and when.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::record::Record;

/// One try of an item.
#[derive(Debug)]
pub(super) struct Turn {
    /// Which item.
    pub(super) at: usize,
    /// How often it failed.
    pub(super) failed: u32,
    /// How it failed last.
    pub(super) last: Option<Record>,
}

/// Items that wait to be done, or to be done again.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ready: VecDeque<Turn>,
    later: Vec<(Instant, Turn)>,
    running: usize,
    stopped: bool,
}

impl Queue {
    /// Makes a queue of as many items, in their order.
    pub(super) fn new(items: usize) -> Self {
        let ready = (0..items).map(|at| Turn { at, failed: 0, last: None }).collect();
        Self { state: Mutex::new(State { ready, ..State::default() }), changed: Condvar::new() }
    }

    /// Takes the next turn, or waits for one; `None` when nothing is left, or nothing is to be begun any more.
    /// [`done`](Self::done) or [`again`](Self::again) must follow.
    pub(super) fn next(&self) -> Option<Turn> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            let now = Instant::now();
            let due = state.later.iter().position(|(at, _)| *at <= now);
            if let Some(turn) = due.map(|at| state.later.swap_remove(at).1).or_else(|| state.ready.pop_front()) {
                state.running += 1;
                return Some(turn);
            }
            if state.running == 0 && state.later.is_empty() {
                return None;
            }
            let next = state.later.iter().map(|(at, _)| *at).min();
            state = match next {
                Some(next) => self.changed.wait_timeout(state, next - now).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    pub(super) fn done(&self) {
        self.lock().running -= 1;
        self.changed.notify_all();
    }

    /// Puts a turn back until later.
    pub(super) fn again(&self, turn: Turn, wait: Duration) {
        let mut state = self.lock();
        state.running -= 1;
        state.later.push((Instant::now() + wait, turn));
        drop(state);
        self.changed.notify_all();
    }

    /// Begins nothing any more.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Returns what was not begun, or not ended.
    pub(super) fn left(self) -> Vec<Turn> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.ready.into_iter().chain(state.later.into_iter().map(|(_, turn)| turn)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_gets_its_turn_and_what_failed_another() {
        let queue = Queue::new(3);
        let mut order = Vec::new();
        while let Some(turn) = queue.next() {
            order.push((turn.at, turn.failed));
            match turn {
                Turn { at: 0, failed: 0, .. } => {
                    queue.again(Turn { failed: 1, ..turn }, Duration::from_millis(20));
                }
                _ => queue.done(),
            }
        }
        assert_eq!(order, [(0, 0), (1, 0), (2, 0), (0, 1)]);
        assert!(queue.left().is_empty());
    }

    #[test]
    fn who_waits_hears_of_the_end() {
        let queue = Queue::new(2);
        let (first, _second) = (queue.next().unwrap(), queue.next().unwrap());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.next().is_none());
            queue.again(first, Duration::from_secs(3600));
            queue.stop();
            assert!(waiting.join().unwrap());
        });
        assert_eq!(queue.left().len(), 1);
    }
}
