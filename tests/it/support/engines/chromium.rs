//! A browser without a window: what it makes of a page, and what that looks like.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flate2::read::ZlibDecoder;

use super::scratch::Scratch;
use super::tool;

/// A browser that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(90);

/// Which colours the user prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

/// A browser with a profile of its own.
pub(crate) struct Chromium {
    scratch: Scratch,
}

impl Chromium {
    pub(crate) fn new() -> Self {
        Self { scratch: Scratch::new() }
    }

    /// Loads a page and returns what became of it, after its scripts ran if it has any.
    #[track_caller]
    pub(crate) fn dom(&self, page: &Path) -> String {
        self.run(page, &["--dump-dom"])
    }

    /// Takes a picture of a window of this size.
    #[track_caller]
    pub(crate) fn picture(&self, page: &Path, (width, height): (usize, usize), scheme: Scheme) -> Picture {
        let file = self.scratch.join("picture.png");
        let dark = if scheme == Scheme::Dark { 0 } else { 1 };
        self.run(
            page,
            &[
                "--hide-scrollbars",
                &format!("--window-size={width},{height}"),
                &format!("--blink-settings=preferredColorScheme={dark}"),
                &format!("--screenshot={}", file.display()),
            ],
        );
        let picture = Picture::read(&fs::read(&file).expect("a picture"));
        fs::remove_file(&file).expect("the picture is there");
        picture
    }

    #[track_caller]
    fn run(&self, page: &Path, args: &[&str]) -> String {
        let profile = self.scratch.folder("profile");
        let mut command = tool("chromium");
        command.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
        // So that a page beside it can be measured by a script.
        command.args(["--no-first-run", "--disable-extensions", "--allow-file-access-from-files"]);
        command.arg(format!("--user-data-dir={}", profile.display())).args(args);
        command.arg(format!("file://{}", page.display())).env("HOME", &profile);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("chromium can be started");
        let mut stdout = child.stdout.take().expect("stdout is a pipe");
        let reader = thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).map(|_| text)
        });
        end(&mut child);
        reader.join().expect("stdout was read").expect("a page is text")
    }
}

/// Waits for the browser to end well, but not for ever.
#[track_caller]
fn end(child: &mut Child) {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            assert!(status.success(), "chromium: {status}");
            return;
        }
        if started.elapsed() > PATIENCE {
            child.kill().expect("it still runs");
            child.wait().expect("it ends");
            panic!("chromium hangs");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A picture, decoded.
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Red, green and blue of each pixel, row by row.
    pub(crate) pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// Decodes a PNG as chromium writes it: eight bits, with or without alpha, not interlaced (PNG specification, 11 and 9).
    fn read(png: &[u8]) -> Self {
        let mut rest = png.strip_prefix(b"\x89PNG\r\n\x1a\n").expect("a PNG");
        let (mut header, mut packed) = (Vec::new(), Vec::new());
        while let Some((length, more)) = rest.split_first_chunk::<4>() {
            let (kind, more) = more.split_first_chunk::<4>().expect("a chunk has a type");
            let (body, more) = more.split_at(u32::from_be_bytes(*length) as usize);
            match kind {
                b"IHDR" => header.extend_from_slice(body),
                b"IDAT" => packed.extend_from_slice(body),
                _ => {}
            }
            rest = &more[4..];
        }
        let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes")) as usize;
        let (width, height) = (number(0), number(4));
        let channels = match (header[8], header[9], header[12]) {
            (8, 2, 0) => 3,
            (8, 6, 0) => 4,
            other => panic!("another kind of PNG: {other:?}"),
        };
        let mut raw = Vec::new();
        ZlibDecoder::new(packed.as_slice()).read_to_end(&mut raw).expect("a zlib stream");
        let stride = width * channels;
        assert_eq!(raw.len(), height * (stride + 1), "bytes of the picture");
        let mut above = vec![0; stride];
        let mut pixels = Vec::with_capacity(width * height);
        for line in raw.chunks_exact(stride + 1) {
            let row = unfilter(line[0], &line[1..], &above, channels);
            pixels.extend(row.chunks_exact(channels).map(|pixel| [pixel[0], pixel[1], pixel[2]]));
            above = row;
        }
        Self { width, height, pixels }
    }

    /// How light it is on average, from 0 to 255.
    pub(crate) fn lightness(&self) -> u64 {
        let sum: u64 = self.pixels.iter().map(|pixel| pixel.iter().map(|&part| u64::from(part)).sum::<u64>()).sum();
        sum / (3 * self.pixels.len() as u64)
    }

    /// How many different colours there are.
    pub(crate) fn colours(&self) -> usize {
        self.pixels.iter().collect::<std::collections::HashSet<_>>().len()
    }

    /// The part of the pixels that are not as the first one.
    pub(crate) fn painted(&self) -> f64 {
        let other = self.pixels.iter().filter(|&&pixel| pixel != self.pixels[0]).count();
        other as f64 / self.pixels.len() as f64
    }

    pub(crate) fn has(&self, colour: [u8; 3]) -> bool {
        self.pixels.contains(&colour)
    }
}

fn unfilter(filter: u8, line: &[u8], above: &[u8], channels: usize) -> Vec<u8> {
    let mut row: Vec<u8> = Vec::with_capacity(line.len());
    for (at, &byte) in line.iter().enumerate() {
        let before = |row: &[u8]| at.checked_sub(channels).map_or(0, |at| row[at]);
        let (left, up, corner) = (before(&row), above[at], before(above));
        let guess = match filter {
            0 => 0,
            1 => left,
            2 => up,
            3 => u8::midpoint(left, up),
            4 => paeth(left, up, corner),
            other => panic!("no such filter: {other}"),
        };
        row.push(byte.wrapping_add(guess));
    }
    row
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, up, corner].map(i16::from);
    let guess = a + b - c;
    let nearest = [(left, a), (up, b), (corner, c)].into_iter().min_by_key(|(_, value)| (guess - value).abs());
    nearest.expect("there are three").0
}
