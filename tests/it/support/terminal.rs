//! A terminal for a program's standard error: a pseudo-terminal, and a screen that shows what a person would see.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Columns and rows.
pub(crate) type Size = (u16, u16);

/// A program that runs on a terminal.
pub(crate) struct Session {
    child: Child,
    master: File,
    size: Size,
}

/// What a program wrote, in the pieces in which it did.
pub(crate) struct Recording {
    pub(crate) code: Option<i32>,
    pub(crate) took: Duration,
    pub(crate) pieces: Vec<Vec<u8>>,
    size: Size,
}

impl Session {
    /// Starts a command with its standard error on a new terminal.
    pub(crate) fn start(mut command: Command, size: Size) -> Session {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal can be made");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("a terminal can be unlocked");
        let name = ptsname(&master, Vec::new()).expect("a terminal has a name");
        let name = name.to_str().expect("a path in ASCII");
        let slave = OpenOptions::new().read(true).write(true).open(name).expect("a terminal can be opened");
        let winsize = Winsize { ws_col: size.0, ws_row: size.1, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, winsize).expect("a terminal has a size");
        let child = command.stderr(slave).spawn().expect("the program can be started");
        // The command holds the program's side of the terminal.
        drop(command);
        Session { child, master: master.into(), size }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads until the program ends; `watch` sees all that was written so far, after each piece.
    pub(crate) fn watch(mut self, mut watch: impl FnMut(&Recording)) -> Recording {
        let started = Instant::now();
        let mut recording = Recording { code: None, took: Duration::ZERO, pieces: Vec::new(), size: self.size };
        let mut buffer = vec![0; 1 << 16];
        // Linux says EIO when nobody is left on the other side.
        while let Ok(n) = self.master.read(&mut buffer) {
            recording.pieces.push(buffer[..n].to_vec());
            watch(&recording);
        }
        recording.code = self.child.wait().expect("the program ends").code();
        recording.took = started.elapsed();
        recording
    }

    pub(crate) fn record(self) -> Recording {
        self.watch(|_| {})
    }
}

impl Recording {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.pieces.concat()).expect("what is written is UTF-8")
    }

    /// What stands on the screen at the end.
    pub(crate) fn screen(&self) -> String {
        self.screen_after(self.pieces.len())
    }

    /// What stood on the screen after each piece.
    pub(crate) fn screens(&self) -> Vec<String> {
        (1..=self.pieces.len()).map(|n| self.screen_after(n)).collect()
    }

    fn screen_after(&self, pieces: usize) -> String {
        let mut screen = Screen::new(self.size);
        screen.write(&String::from_utf8_lossy(&self.pieces[..pieces].concat()));
        screen.text()
    }
}

/// As much of a VT100 as a progress display may need. Anything else fails the test.
struct Screen {
    columns: usize,
    rows: usize,
    cells: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    fn new((columns, rows): Size) -> Screen {
        let (columns, rows) = (usize::from(columns), usize::from(rows));
        Screen { columns, rows, cells: vec![vec![' '; columns]; rows], row: 0, column: 0 }
    }

    fn write(&mut self, text: &str) {
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\r' => self.column = 0,
                '\n' => self.line_feed(),
                '\u{1b}' => {
                    assert_eq!(chars.next(), Some('['), "an escape that is no control sequence: {text:?}");
                    let sequence: String = chars.by_ref().take_while(|c| !c.is_ascii_alphabetic()).collect();
                    // `take_while` has taken the letter; it is told by what stands before the rest.
                    let at = text.len() - chars.as_str().len() - 1;
                    self.control(&sequence, text[at..].chars().next().expect("the letter"));
                }
                c => {
                    assert!(!c.is_control(), "a control character: {c:?}");
                    // The last column is left when the next character comes.
                    if self.column == self.columns {
                        self.column = 0;
                        self.line_feed();
                    }
                    self.cells[self.row][self.column] = c;
                    self.column += 1;
                }
            }
        }
    }

    fn line_feed(&mut self) {
        if self.row + 1 == self.rows {
            self.cells.remove(0);
            self.cells.push(vec![' '; self.columns]);
        } else {
            self.row += 1;
        }
    }

    fn control(&mut self, parameters: &str, letter: char) {
        let number = || parameters.parse::<usize>().unwrap_or(1);
        match (letter, parameters) {
            ('A', _) => self.row = self.row.saturating_sub(number()),
            ('B', _) => self.row = (self.row + number()).min(self.rows - 1),
            ('K', "2") => self.cells[self.row].fill(' '),
            ('K', "" | "0") => self.cells[self.row][self.column.min(self.columns - 1)..].fill(' '),
            other => panic!("a control sequence that progress does not need: {other:?}"),
        }
    }

    /// The lines, without the empty ones at the end.
    fn text(&self) -> String {
        let lines: Vec<String> = self.cells.iter().map(|row| row.iter().collect::<String>()).collect();
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        lines.join("\n").trim_end().to_owned()
    }
}
