//! Text for people: how wide it may be, what is set off, how columns are aligned.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use terminal_size::{Width, terminal_size_of};
use transload::escape;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Headings.
pub(super) const STRONG: Style = Style::new().bold();
/// What is read second.
pub(super) const FAINT: Style = Style::new().dimmed();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default();
pub(super) const MIXED: Style = AnsiColor::Yellow.on_default();

/// Columns of text that goes to no terminal.
const DEFAULT_WIDTH: usize = 120;
/// Less is not laid out for.
const LEAST_WIDTH: usize = 60;

/// Returns the number of columns: `COLUMNS`, else the terminal's.
pub(super) fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let seen = || terminal_size_of(std::io::stdout()).map(|(Width(columns), _)| usize::from(columns));
    told.or_else(seen).unwrap_or(DEFAULT_WIDTH).max(LEAST_WIDTH)
}

/// Sets text off; the stream that it goes to removes that where nobody wants it.
pub(super) fn paint(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

/// Cuts text to a number of columns, with an ellipsis where something is gone.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        out.push(c);
    }
    out + "…"
}

/// Stands for a space inside what is not to be broken.
pub(super) const NO_BREAK: &str = "\u{a0}";

/// Breaks text at spaces into lines of so many columns; a longer word has a line of its own.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| line.replace(NO_BREAK, " ")).collect()
}

/// Escapes text of an archive and makes one line of it: white space of any length is one space, as in `docker history`.
pub(super) fn one_line(text: &str) -> String {
    escape(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Rows of cells under headings. Columns that are empty all the way down are left out; the last one takes what is left of
/// the line, or a line of its own where that is too little.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    held: usize,
    /// Whether the headings were written.
    is_begun: bool,
}

struct Column {
    heading: &'static str,
    right: bool,
    /// As wide as it was so far.
    least: usize,
}

/// Space before a row and between columns.
const INDENT: usize = 2;
/// The last column is at least so wide, or moves down.
const LAST_LEAST: usize = 28;

impl Table {
    /// Makes a table; a heading that begins with `>` is of numbers, which end below one another.
    pub(super) fn new(headings: &[&'static str]) -> Self {
        let column = |heading: &&'static str| match heading.strip_prefix('>') {
            Some(heading) => Column { heading, right: true, least: heading.width() },
            None => Column { heading, right: false, least: heading.width() },
        };
        Self { columns: headings.iter().map(column).collect(), rows: Vec::new(), held: 0, is_begun: false }
    }

    /// Adds a row of cells that are escaped already.
    pub(super) fn row(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        self.held += cells.iter().map(|cell| size_of::<String>() + cell.capacity()).sum::<usize>();
        self.rows.push(cells);
    }

    /// Returns the bytes of memory that its rows take.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Lays out the rows so far and forgets them; what follows goes on below them, in columns that are as wide or wider.
    pub(super) fn lay_out_part(&mut self, width: usize, full: bool) -> String {
        let text = self.lay_out(width, full);
        for (at, column) in self.columns.iter_mut().enumerate() {
            column.least = self.rows.iter().map(|row| row[at].width()).fold(column.least, usize::max);
        }
        self.is_begun |= !self.rows.is_empty();
        self.rows.clear();
        self.held = 0;
        text
    }

    /// Lays the table out; with `full` nothing is cut.
    pub(super) fn lay_out(&self, width: usize, full: bool) -> String {
        let filled = |at: &usize| self.rows.iter().any(|row| !row[*at].is_empty());
        let shown: Vec<usize> = (0..self.columns.len()).filter(filled).collect();
        let Some((&last, others)) = shown.split_last() else { return String::new() };
        let wide = |at: usize| {
            let cells = self.rows.iter().map(|row| row[at].width());
            cells.chain([self.columns[at].least]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = others.iter().map(|&at| wide(at)).collect();
        let before: usize = INDENT + widths.iter().map(|width| width + INDENT).sum::<usize>();
        let room = width.saturating_sub(before);
        let below = wide(last) > room && room < LAST_LEAST && !full;
        let mut out = String::new();
        let mut line = |cells: &dyn Fn(usize) -> String, style: Style| {
            let mut text = String::new();
            for (&at, &width) in others.iter().zip(&widths) {
                let cell = cells(at);
                let pad = " ".repeat(width - cell.width());
                let cell = if self.columns[at].right { pad + &cell } else { cell + &pad };
                let _ = write!(text, "{}{cell}", " ".repeat(INDENT));
            }
            let cell = cells(last);
            if below {
                let first = INDENT + widths.first().copied().unwrap_or(0) + INDENT;
                let _ = writeln!(out, "{}", paint(style, text.trim_end()));
                if !cell.is_empty() {
                    let cell = cut(&cell, width.saturating_sub(first));
                    let _ = writeln!(out, "{}{}", " ".repeat(first), paint(FAINT, &cell));
                }
            } else {
                let cell = if full { cell } else { cut(&cell, room) };
                let _ = write!(text, "{}{cell}", " ".repeat(INDENT));
                let _ = writeln!(out, "{}", paint(style, text.trim_end()));
            }
        };
        if !self.is_begun {
            line(&|at| self.columns[at].heading.to_owned(), FAINT);
        }
        for row in &self.rows {
            line(&|at| row[at].clone(), Style::new());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_columns_not_characters() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 5), "abcd…");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 6), "日本語");
    }

    #[test]
    fn the_last_column_moves_down_where_there_is_no_room() {
        let mut table = Table::new(&[">#", "EMPTY", "DIGEST", "CREATED BY"]);
        table.row(vec!["1".into(), String::new(), "0123456789ab".into(), "x".repeat(40)]);
        assert_eq!(table.lay_out(80, false).lines().count(), 2);
        let narrow = table.lay_out(40, false);
        assert_eq!(narrow.lines().count(), 4, "{narrow}");
        assert!(!narrow.contains("EMPTY"), "{narrow}");
        assert!(table.lay_out(40, true).lines().nth(1).is_some_and(|line| line.ends_with(&"x".repeat(40))));
    }

    #[test]
    fn parts_of_a_table_have_its_headings_once_and_columns_that_only_grow() {
        let mut table = Table::new(&[">SIZE", "PATH"]);
        let mut part = |size: &str, path: &str| {
            table.row(vec![size.into(), path.into()]);
            assert!(table.held() > size.len() + path.len());
            let text = table.lay_out_part(80, true);
            assert_eq!(table.held(), 0);
            anstream::adapter::strip_str(&text).to_string()
        };
        assert_eq!(part("123456", "a"), "    SIZE  PATH\n  123456  a\n");
        assert_eq!(part("1", "b"), "       1  b\n");
        assert_eq!(part("12345678", "c"), "  12345678  c\n");
        assert_eq!(part("1", "d"), "         1  d\n");
    }
}
