//! What the hardware allows a job that copies: every byte read once, hashed once, written once, on all cores.
//!
//! `reference IN OUT [--threads N] [--sync]`. Threads take pieces of the input in turn. A write is 64 KiB and one at a time,
//! as in transload, because that is the fastest way on the machines that were measured. `scripts/bench` runs it.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use sha2::{Digest, Sha256};

const WRITE: usize = 64 * 1024;
/// What a thread takes at a time: large enough that two threads seldom meet, small enough for the cache.
const PIECE: usize = 4 * WRITE;

struct Options {
    input: String,
    output: String,
    threads: usize,
    sync: bool,
}

fn main() -> ExitCode {
    if std::env::args().skip(1).eq(["--bench".to_owned()]) {
        // `cargo bench` runs everything that is declared as a benchmark.
        return ExitCode::SUCCESS;
    }
    let Some(options) = options(std::env::args().skip(1)) else {
        eprintln!("usage: reference IN OUT [--threads N] [--sync] (scripts/bench runs it)");
        return ExitCode::from(2);
    };
    match copy(&options) {
        Ok(digest) => {
            println!("{digest}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{} to {}: {error}", options.input, options.output);
            ExitCode::FAILURE
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut places = Vec::new();
    let mut threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut sync = false;
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--threads" => threads = args.next()?.parse().ok().filter(|count| *count > 0)?,
            "--sync" => sync = true,
            flag if flag.starts_with('-') => return None,
            _ => places.push(arg),
        }
    }
    let [input, output] = <[String; 2]>::try_from(places).ok()?;
    Some(Options { input, output, threads, sync })
}

/// Copies the file and returns what its threads hashed, so that no compiler can leave the hashing out.
fn copy(options: &Options) -> io::Result<String> {
    let input = File::open(&options.input)?;
    let size = input.metadata()?.len();
    let output = File::create_new(&options.output)?;
    let next = AtomicU64::new(0);
    let writing = Mutex::new(());
    let work = || -> io::Result<Sha256> {
        let mut hasher = Sha256::new();
        let mut piece = vec![0; PIECE];
        loop {
            let start = next.fetch_add(PIECE as u64, Ordering::Relaxed);
            if start >= size {
                return Ok(hasher);
            }
            let length = (size - start).min(PIECE as u64) as usize;
            input.read_exact_at(&mut piece[..length], start)?;
            hasher.update(&piece[..length]);
            let guard = writing.lock().expect("no thread panics while it writes");
            for (index, part) in piece[..length].chunks(WRITE).enumerate() {
                output.write_all_at(part, start + (index * WRITE) as u64)?;
            }
            drop(guard);
        }
    };
    let hashers: Vec<io::Result<Sha256>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..options.threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
    });
    let mut all = Sha256::new();
    for hasher in hashers {
        all.update(hasher?.finalize());
    }
    if options.sync {
        output.sync_all()?;
    }
    Ok(all.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
