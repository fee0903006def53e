//! How many threads may work at once, shared by operations that run side by side. Whoever works holds a hand; who waits,
//! for the disk or for somebody else, gives it back meanwhile.

use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A number of hands that everybody takes from. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Hands(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    total: usize,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// Operations that wait to begin or to go on. They come before helpers.
    waiting: usize,
}

/// The right to work. Dropping it gives it back.
pub(crate) struct Hand<'a>(&'a Hands);

impl Hands {
    /// Makes as many hands, all of them free.
    pub(crate) fn new(total: NonZeroUsize) -> Self {
        Self::with(total.get(), total.get())
    }

    /// Makes as many hands, of which the caller has one.
    pub(crate) fn mine_and_others(total: NonZeroUsize) -> Self {
        Self::with(total.get(), total.get() - 1)
    }

    fn with(total: usize, free: usize) -> Self {
        let state = Mutex::new(State { free, waiting: 0 });
        Self(Arc::new(Shared { state, changed: Condvar::new(), total }))
    }

    pub(crate) fn total(&self) -> usize {
        self.0.total
    }

    /// Waits for a hand.
    pub(crate) fn wait(&self) -> Hand<'_> {
        self.take();
        Hand(self)
    }

    /// Takes a hand that nobody needs more.
    pub(crate) fn spare(&self) -> Option<Hand<'_>> {
        let taken = self.lock().take_spare();
        // One that was not taken must not be dropped.
        taken.then(|| Hand(self))
    }

    /// Waits for a hand that nobody needs more, until `over`; see [`wake`](Self::wake).
    pub(crate) fn spare_unless(&self, over: impl Fn() -> bool) -> Option<Hand<'_>> {
        let mut state = self.lock();
        loop {
            if over() {
                return None;
            }
            if state.take_spare() {
                drop(state);
                return Some(Hand(self));
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Tells whether there is a hand that nobody needs more.
    pub(crate) fn any_spare(&self) -> bool {
        let state = self.lock();
        state.free > state.waiting
    }

    /// Has everybody who waits look again.
    pub(crate) fn wake(&self) {
        // Whoever is about to wait holds the lock until then.
        drop(self.lock());
        self.0.changed.notify_all();
    }

    /// Gives the caller's hand to others while it waits for something.
    pub(crate) fn lend<R>(&self, wait: impl FnOnce() -> R) -> R {
        self.give_back();
        let _again = Again(self);
        wait()
    }

    fn take(&self) {
        let mut state = self.lock();
        state.waiting += 1;
        while state.free == 0 {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
        state.free -= 1;
    }

    fn give_back(&self) {
        self.lock().free += 1;
        self.0.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_spare(&mut self) -> bool {
        let any = self.free > self.waiting;
        self.free -= usize::from(any);
        any
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

/// Takes back what was lent, even when waiting panics: the caller's owner will give it back once more.
struct Again<'a>(&'a Hands);

impl Drop for Again<'_> {
    fn drop(&mut self) {
        self.0.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hands(total: usize) -> Hands {
        Hands::new(NonZeroUsize::new(total).unwrap())
    }

    #[test]
    fn no_more_work_than_there_are_hands() {
        let hands = hands(2);
        let first = hands.wait();
        let second = hands.spare().unwrap();
        assert!(hands.spare().is_none() && !hands.any_spare());
        drop(first);
        assert!(hands.any_spare());
        drop((hands.spare().unwrap(), second));
    }

    #[test]
    fn helpers_come_after_those_who_wait() {
        assert!(!State { free: 1, waiting: 1 }.take_spare());
        assert!(State { free: 2, waiting: 1 }.take_spare());
        let hands = hands(1);
        let held = hands.wait();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| drop(hands.wait()));
            while hands.lock().waiting == 0 {
                std::thread::yield_now();
            }
            let helper = scope.spawn(|| hands.spare_unless(|| false).is_some());
            assert!(hands.spare().is_none());
            drop(held);
            waiting.join().unwrap();
            assert!(helper.join().unwrap());
        });
    }

    #[test]
    fn what_is_lent_comes_back() {
        let hands = hands(1);
        let held = hands.wait();
        hands.lend(|| drop(hands.spare().unwrap()));
        assert!(!hands.any_spare());
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| hands.lend(|| panic!("as it should"))));
        assert!(panicked.is_err() && !hands.any_spare());
        drop(held);
        assert!(hands.any_spare());
        assert!(hands.spare_unless(|| true).is_none());
    }
}
