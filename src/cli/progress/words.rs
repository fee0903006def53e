//! Progress in words.

use std::time::Duration;

use transload::escape;

use super::work::{Decision, Stage, View};
use crate::cli::render::bytes;

/// Digits of a digest that are shown of it, as docker does.
const DIGITS: usize = 12;
/// The shortest hash in use: SHA-256 in hexadecimal.
const HASH: usize = 64;

/// Says how far the stage is: `1.20 GB of 4.00 GB, 180 MB/s, 15 s left`.
pub(super) fn amounts(view: &View<'_>) -> String {
    let doing = match view.stage {
        Stage::Opening => return "opening".to_owned(),
        Stage::Sealing if view.bytes == 0 => return "finishing".to_owned(),
        Stage::Sealing => "sending ",
        Stage::Spooling { .. } if view.total.is_some() => "decompressing ",
        Stage::Spooling { .. } => "reading ",
        Stage::Working => "",
    };
    if let (Stage::Working, Some(total)) = (view.stage, view.total)
        && view.bytes >= total
    {
        // What was read last is still being written.
        return format!("{} read, finishing", bytes(total));
    }
    let done = view.total.map_or(bytes(view.bytes), |total| format!("{} of {}", bytes(view.bytes), bytes(total)));
    let rate = view.rate.map(|rate| format!(", {}/s", bytes(rate as u64))).unwrap_or_default();
    let left = view.left.map(|left| format!(", {} left", time(left))).unwrap_or_default();
    let items = view.items.map(|(done, of)| format!("{done} of {of} items, ")).unwrap_or_default();
    format!("{items}{doing}{done}{rate}{left}")
}

/// Says what the work is about.
pub(super) fn title(view: &View<'_>) -> String {
    match view.stage {
        Stage::Spooling { source } => escape(source),
        _ => view.title.to_owned(),
    }
}

/// Writes a time that nobody needs to know exactly.
pub(super) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6000 => format!("{} min", seconds.div_ceil(60)),
        _ => {
            let minutes = seconds.div_ceil(60);
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

/// Says what was done with a blob, and why.
pub(super) fn decision(origin: &str, action: &str, size: u64, decision: Option<Decision>) -> String {
    let why = decision.map(|decision| format!(": {}", decision.reason)).unwrap_or_default();
    format!("{action}: {} ({}){why}\n", escape(origin), bytes(size))
}

/// Shortens the name of a member: hashes to what people compare, and no more of `blobs/sha256/`.
pub(super) fn short(origin: &str) -> String {
    let name = match origin.strip_prefix("blobs/").and_then(|rest| rest.split_once('/')) {
        Some((_, name)) => name,
        None => origin,
    };
    let hashes = |part: &str| {
        let hash = part.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
        if hash >= HASH { format!("{}{}", &part[..DIGITS], &part[hash..]) } else { part.to_owned() }
    };
    escape(&name.split('/').map(hashes).collect::<Vec<_>>().join("/"))
}

/// Returns the end of a path: what tells it from others.
pub(super) fn last_part(path: &str, width: usize) -> String {
    if path.chars().map(columns).sum::<usize>() <= width {
        return path.to_owned();
    }
    fit(path.trim_end_matches('/').rsplit('/').next().unwrap_or(path), width)
}

/// What is not ASCII may take two columns.
fn columns(c: char) -> usize {
    if c.is_ascii() { 1 } else { 2 }
}

/// Cuts a line that is wider than the terminal.
pub(super) fn fit(line: &str, width: usize) -> String {
    if line.chars().map(columns).sum::<usize>() <= width {
        return line.to_owned();
    }
    let mut left = width.saturating_sub(3);
    let fits = |c: &char| {
        let enough = columns(*c) <= left;
        left = left.saturating_sub(columns(*c));
        enough
    };
    format!("{}...", line.chars().take_while(fits).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded_up_to_what_matters() {
        for (seconds, want) in [
            (0.0, "0 s"),
            (0.2, "1 s"),
            (99.0, "99 s"),
            (100.0, "2 min"),
            (150.0, "3 min"),
            (5999.0, "100 min"),
            (6000.0, "1 h 40 min"),
            (90_000.0, "25 h 0 min"),
        ] {
            assert_eq!(time(Duration::from_secs_f64(seconds)), want);
        }
    }

    #[test]
    fn names_are_short_and_harmless() {
        let hash = "0123456789ab".repeat(6)[..64].to_owned();
        for (origin, want) in [
            (format!("blobs/sha256/{hash}"), "0123456789ab"),
            (format!("{hash}/layer.tar"), "0123456789ab/layer.tar"),
            (format!("{hash}.tar.gz"), "0123456789ab.tar.gz"),
            ("blobs/x".to_owned(), "blobs/x"),
            ("a/layer\u{1b}[2J".to_owned(), "a/layer\\u{1b}[2J"),
            ("deadbeef/é".to_owned(), "deadbeef/é"),
        ] {
            assert_eq!(short(&origin), want);
        }
    }

    #[test]
    fn of_a_long_path_the_end_is_shown() {
        assert_eq!(last_part("a/b.tar", 10), "a/b.tar");
        assert_eq!(last_part("some/where/b.tar", 10), "b.tar");
        assert_eq!(last_part("some/where/folder/", 10), "folder");
        assert_eq!(last_part("some/where/very-long-name.tar", 10), "very-lo...");
    }

    #[test]
    fn lines_fit() {
        assert_eq!(fit("0123456789", 10), "0123456789");
        assert_eq!(fit("0123456789", 9), "012345...");
        assert_eq!(fit("日本語日本語", 12), "日本語日本語");
        assert_eq!(fit("日本語日本語", 10), "日本語...");
        assert_eq!(fit("0123456789", 2), "...");
    }
}
