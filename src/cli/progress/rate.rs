//! How fast it goes, and how long it will take.

use std::collections::VecDeque;
use std::time::Duration;

/// What happened longer ago says little of what comes.
const WINDOW: Duration = Duration::from_secs(15);
/// How far samples are apart.
const STEP: Duration = Duration::from_millis(500);
/// A shorter time gives no rate: caches and first reads are fast or slow by chance.
const SHORTEST: Duration = Duration::from_millis(400);

/// Looks back over the last seconds.
#[derive(Debug)]
pub(super) struct Rate {
    /// When how much was done; the first is the oldest that counts.
    samples: VecDeque<(Duration, u64)>,
}

impl Rate {
    /// Begins with what was done before.
    pub(super) fn since(time: Duration, bytes: u64) -> Self {
        Self { samples: VecDeque::from([(time, bytes)]) }
    }

    /// Notes that `bytes` were done at a time, and returns bytes per second.
    pub(super) fn at(&mut self, time: Duration, bytes: u64) -> Option<f64> {
        if self.samples.back().is_none_or(|(last, _)| time.saturating_sub(*last) >= STEP) {
            self.samples.push_back((time, bytes));
        }
        // One sample before the window is kept, so that there is always a whole window to look over.
        while self.samples.get(1).is_some_and(|(second, _)| time.saturating_sub(*second) >= WINDOW) {
            self.samples.pop_front();
        }
        let (since, before) = self.samples.front()?;
        let span = time.saturating_sub(*since);
        (span >= SHORTEST).then(|| bytes.saturating_sub(*before) as f64 / span.as_secs_f64())
    }
}

/// Returns how long `left` bytes take; `None` when nobody can tell.
pub(super) fn time_for(left: u64, rate: Option<f64>) -> Option<Duration> {
    let seconds = left as f64 / rate.filter(|rate| *rate >= 1.0)?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let mut rate = Rate::since(Duration::ZERO, 0);
        let mut at = |tenths: u64, bytes| rate.at(Duration::from_millis(tenths * 100), bytes);
        assert_eq!(at(0, 0), None);
        assert_eq!(at(3, 30), None);
        assert_eq!(at(10, 100), Some(100.0));
        // 100 bytes a second for 20 seconds, then nothing for as long.
        assert_eq!((11..=200).filter_map(|tenths| at(tenths, tenths * 10)).last(), Some(100.0));
        let slowing: Vec<f64> = (201..=400).filter_map(|tenths| at(tenths, 2000)).collect();
        assert!(slowing.windows(2).all(|pair| pair[1] <= pair[0]), "{slowing:?}");
        assert_eq!(slowing.last(), Some(&0.0));
    }

    #[test]
    fn the_time_left_is_known_while_something_moves() {
        assert_eq!(time_for(1000, Some(100.0)), Some(Duration::from_secs(10)));
        assert_eq!(time_for(0, Some(100.0)), Some(Duration::ZERO));
        assert_eq!(time_for(1000, Some(0.0)), None);
        assert_eq!(time_for(1000, None), None);
        assert_eq!(time_for(u64::MAX, Some(1.0)), None, "longer than a duration can be");
    }
}
