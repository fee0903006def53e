//! Text of an archive on the page, and numbers. Everything that is spliced into markup is escaped there by maud; what is
//! here takes out what could deceive a reader, and bounds its length.

use transload::escape;

use crate::cli::render::bytes;

/// Characters of one text, before the rest is only counted.
const LONGEST: usize = 2000;
/// Lines of one list, before the rest is only counted.
const LINES: usize = 200;
/// Digits of a short digest, as docker shows them.
const DIGITS: usize = 12;

/// Makes text of an archive fit to be read: control characters and such as turn text around are written out, and very
/// long text is cut.
pub(super) fn shown(text: &str) -> String {
    cut(&escape(text), LONGEST)
}

/// Cuts text to a number of characters and says how many are gone.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} more characters)", &text[..end], number(text[end..].chars().count())),
    }
}

/// Returns the lines of a list that are shown, and how many are not.
pub(super) fn first<T>(list: &[T]) -> (&[T], usize) {
    let keep = if list.len() <= LINES + 1 { list.len() } else { LINES };
    (&list[..keep], list.len() - keep)
}

/// Writes a digest, short.
pub(super) fn short(digest: impl ToString) -> String {
    let text = digest.to_string();
    text.split_once(':').map_or(text.clone(), |(_, hex)| hex.chars().take(DIGITS).collect())
}

/// Writes a number with a comma between thousands.
pub(super) fn number(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group)).collect();
    groups.join(",")
}

/// Writes a number and what it counts.
pub(super) fn counted(n: usize, what: &str) -> String {
    format!("{} {what}{}", number(n), if n == 1 { "" } else { "s" })
}

/// Returns the part of a whole in percent; nothing of nothing is 0.
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Writes a part of a whole in percent.
pub(super) fn percent(part: u64, whole: u64) -> String {
    match share(part, whole) {
        0.0 => "0 %".to_owned(),
        share if share < 0.1 => "< 0.1 %".to_owned(),
        share if share < 10.0 => format!("{share:.1} %"),
        share => format!("{share:.0} %"),
    }
}

/// Writes bytes and the percentage that they are of a whole.
pub(super) fn bytes_of(part: u64, whole: u64) -> String {
    format!("{} ({})", bytes(part), percent(part, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        for (n, want) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(number(n), want);
        }
        for (part, whole, want) in
            [(0, 0, "0 %"), (1, 0, "0 %"), (1, 10_000, "< 0.1 %"), (1, 100, "1.0 %"), (1, 3, "33 %"), (3, 3, "100 %")]
        {
            assert_eq!(percent(part, whole), want);
        }
    }

    #[test]
    fn long_text_is_cut_and_said_to_be() {
        assert_eq!(cut("aäb", 3), "aäb");
        assert_eq!(cut("aäbc", 2), "aä… (2 more characters)");
        assert_eq!(shown("a\u{202e}b\u{1b}"), "a\\u{202e}b\\u{1b}");
        assert_eq!(first(&[0; 201]).1, 0);
        assert_eq!(first(&[0; 202]), (&[0; 200][..], 2));
    }
}
