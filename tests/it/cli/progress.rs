//! Progress of long work: what a person at a terminal sees, what a log holds, what a program reads.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::docker_tree;
use crate::support::image::noise;
use crate::support::run::Call;
use crate::support::terminal::{Recording, Session, Size};
use crate::support::{Image, Sandbox, Style, Tree, docker, found, image};

/// An image that takes a while to compress as [`slow`] does.
fn large() -> Image {
    image().layer(noise(1, 4_000_000)).layer(noise(2, 1_000_000)).tag("app:1")
}

/// The slowest conversion there is.
fn slow<'s>(sandbox: &'s Sandbox, tree: &Tree) -> Call<'s> {
    let input = sandbox.put_tree("in.tar", tree);
    let call = sandbox.convert("oci-archive", input, sandbox.path("out")).env("TERM", "xterm-256color");
    call.args(["--force", "--threads", "1", "--compression", "zstd", "--compression-level", "19"])
}

/// Longer than work is done in silence.
const PATIENCE: Duration = Duration::from_millis(700);

/// Stops a program when it is at work, and lets it go on after a time: however fast the machine is, it takes that long.
fn hold(pid: u32, time: Duration) -> impl FnOnce() + Send {
    move || {
        let read = || {
            let io = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
            io.lines().find_map(|line| line.strip_prefix("rchar: "))?.parse::<u64>().ok()
        };
        // A program that has ended has no such file any more.
        while read().is_some_and(|bytes| bytes < 1_000_000) {
            thread::sleep(Duration::from_millis(1));
        }
        send(pid, Signal::STOP);
        thread::sleep(time);
        send(pid, Signal::CONT);
    }
}

fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    // It may have ended.
    let _ = kill_process(pid, signal);
}

/// Runs a program on a terminal, and makes it take long enough to be watched.
fn held_on_terminal(call: &Call<'_>, size: Size, watch: impl FnMut(u32, &Recording)) -> Recording {
    let session = Session::start(call.prepared(), size);
    let pid = session.id();
    thread::scope(|scope| {
        scope.spawn(hold(pid, PATIENCE));
        let mut watch = watch;
        session.watch(|recording| watch(pid, recording))
    })
}

fn watched(call: &Call<'_>) -> Recording {
    held_on_terminal(call, (80, 24), |_, _| {})
}

/// The line that tells that an image is converted.
fn is_result(line: &str) -> bool {
    line.contains("docker.io/library/app:1") && line.contains("image ID sha256:")
}

/// Feeds a program in as many pieces as there are tenths of a second; returns its standard error.
fn fed_slowly(call: &Call<'_>, bytes: &[u8], tenths: usize) -> String {
    let mut command = call.prepared();
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the program can be started");
    let mut pipe = child.stdin.take().expect("stdin is a pipe");
    for piece in bytes.chunks(bytes.len().div_ceil(tenths)) {
        pipe.write_all(piece).expect("the program reads its input");
        thread::sleep(Duration::from_millis(100));
    }
    drop(pipe);
    let output = child.wait_with_output().expect("the program ends");
    let stderr = String::from_utf8(output.stderr).expect("stderr is UTF-8");
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "escapes on a pipe: {stderr:?}");
    stderr
}

/// The bytes that a line of `--progress plain` tells, roughly.
fn megabytes(line: &str) -> f64 {
    let mut words = line.split_once("reading ").expect("a line about reading").1.split([' ', ',']);
    let number: f64 = words.next().and_then(|word| word.parse().ok()).expect("a number");
    number * if words.next() == Some("kB") { 0.001 } else { 1.0 }
}

#[test]
fn a_terminal_shows_a_bar_and_the_blobs_and_is_clean_afterwards() {
    let sandbox = Sandbox::new();
    let recording = watched(&slow(&sandbox, &docker(&[large()], Style::Plain)));
    assert_eq!(recording.code, Some(0), "{}", recording.screen());
    let screens = recording.screens();
    let whole = |screen: &&String| {
        let mut lines = screen.lines();
        let bar = lines.next().is_some_and(|line| {
            line.starts_with("in.tar [") || line.contains("in.tar [") && line.contains(" of 5.00 MB")
        });
        let blob = lines.next().is_some_and(|line| line.starts_with("  compress") && line.contains(" of 4.00 MB"));
        bar && blob && lines.next().is_none()
    };
    assert!(screens.iter().any(|screen| whole(&screen)), "no bar with a blob: {screens:#?}");
    assert!(screens.iter().any(|screen| screen.contains("MB/s") && screen.contains(" s left")), "{screens:#?}");
    assert!(!screens.iter().any(|screen| screen.matches("in.tar").count() > 1), "a second bar: {screens:#?}");
    // indicatif may draw a few frames at once, when there were none for some time.
    let most = recording.took.as_millis() / 100 + 5;
    assert!(recording.pieces.len() as u128 <= most, "{} frames in {:?}", recording.pieces.len(), recording.took);
    let screen = recording.screen();
    assert!(is_result(&screen.replace('\n', "")), "{screen}");
    assert!(screen.starts_with("docker.io/library/app:1 "), "something is left above: {screen}");
    assert!(!recording.text().contains("m\u{1b}") && !recording.text().contains("[0m"), "colours");
}

#[test]
fn what_is_quick_is_not_shown() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    let call = || sandbox.convert("oci-archive", &input, sandbox.path("out")).args(["--force"]).env("TERM", "xterm");
    for (args, lines) in [(&[][..], 1), (&["-v"], 3), (&["--progress", "none"], 1), (&["-q"], 0)] {
        let mut runs = (0..20).map(|_| Session::start(call().args(args).prepared(), (80, 24)).record());
        // On a machine with much else to do it can take long all the same.
        let recording = runs.find(|run| run.took < Duration::from_millis(400)).expect("a quick run");
        assert_eq!(recording.code, Some(0));
        assert!(!recording.text().contains('\u{1b}'), "{:?}", recording.text());
        assert_eq!(recording.text().lines().count(), lines, "{args:?}: {}", recording.text());
    }
    let mut runs = (0..20).map(|_| call().args(["--progress", "plain"]).ok());
    let run = runs.find(|run| run.took < Duration::from_millis(400)).expect("a quick run");
    assert_eq!(run.stderr.lines().count(), 1, "{run}");
}

#[test]
fn blobs_are_told_in_whole_lines_beside_a_bar() {
    let sandbox = Sandbox::new();
    let recording = watched(&slow(&sandbox, &docker(&[large()], Style::Plain)).args(["-v"]));
    let screen = recording.screen();
    let lines: Vec<&str> = screen.lines().collect();
    for (line, blob) in lines.iter().zip(["0-0.tar", "0-1.tar"]) {
        let (start, end) = line.split_once(" (").expect("a size");
        assert_eq!(start, format!("compress: {blob}"), "{screen}");
        assert!(end.ends_with("MB): plain layer, zstd was asked for"), "{screen}");
    }
    assert!(is_result(&lines[2..].concat()), "{screen}");
    assert!(recording.screens().iter().any(|screen| screen.contains("in.tar [")), "no bar");
}

#[test]
fn an_error_stands_alone() {
    let sandbox = Sandbox::new();
    let config = String::from_utf8(large().config_bytes()).expect("JSON is text");
    let wrong = config.replace(&large().diff_ids()[1]["sha256:".len()..], &"0".repeat(64));
    let tree = docker(&[large()], Style::Plain);
    let recording = watched(&slow(&sandbox, &tree.replace("config0.json", wrong)));
    assert_eq!(recording.code, Some(3), "{}", recording.screen());
    assert!(recording.screens().iter().any(|screen| screen.contains("in.tar [")), "no bar");
    let screen = recording.screen();
    assert!(screen.starts_with("transload: "), "something is left above the error: {screen}");
    assert!(screen.contains("diff_id mismatch") && !screen.contains('['), "{screen}");
    sandbox.assert_holds(&["in.tar"]);
}

#[test]
fn an_interrupted_bar_goes_away() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let sandbox = Sandbox::new();
        let call = slow(&sandbox, &docker(&[large()], Style::Plain));
        let mut sent = false;
        let recording = held_on_terminal(&call, (80, 24), |pid, recording| {
            if !sent && recording.text().contains(" of 5.00 MB") {
                send(pid, signal);
                sent = true;
            }
        });
        let screen = recording.screen();
        assert_eq!(recording.code, Some(code), "{screen}");
        assert!(screen.starts_with("transload: ") && screen.ends_with("interrupted"), "{screen}");
        assert_eq!(screen.lines().count(), 1, "{screen}");
        sandbox.assert_holds(&["in.tar"]);
    }
}

#[test]
fn terminals_that_take_no_escapes_get_lines() {
    for env in [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "")] {
        let sandbox = Sandbox::new();
        let recording = watched(&slow(&sandbox, &docker(&[large()], Style::Plain)).env(env.0, env.1));
        let text = recording.text();
        assert_eq!(recording.code, Some(0), "{text}");
        assert!(!text.contains('\u{1b}'), "{env:?}: {text:?}");
        let lines: Vec<&str> = text.lines().collect();
        let (result, progress) = lines.split_last().expect("lines");
        assert!(is_result(result), "{text}");
        assert!(!progress.is_empty(), "{env:?}: no progress");
        for line in progress {
            assert!((0..=2).any(|blobs| line.contains(&format!("in.tar: {blobs} of 2 blobs, "))), "{text}");
            assert!(line.contains(" of 5.00 MB") || line.ends_with("5.00 MB read, finishing"), "{text}");
        }
    }
}

#[test]
fn small_terminals_are_not_overfilled() {
    for size in [(20, 3), (40, 24), (80, 1)] {
        let sandbox = Sandbox::new();
        let recording = held_on_terminal(&slow(&sandbox, &docker(&[large()], Style::Plain)), size, |_, _| {});
        assert_eq!(recording.code, Some(0));
        let screens = recording.screens();
        assert!(screens.iter().any(|screen| screen.contains("MB")), "{size:?}: nothing shown: {screens:#?}");
        let leftover = recording.text();
        let (_, last) = leftover.rsplit_once("\u{1b}[2K").expect("the display is cleared");
        assert!(is_result(last.trim_start_matches("\u{1b}[1A").trim_end()), "{size:?}: {last:?}");
        // What scrolled off the top can never be cleared again.
        let after_result = recording.screen();
        let width = usize::from(size.0);
        let result_lines = last.trim_start_matches("\u{1b}[1A").trim_end().chars().count().div_ceil(width);
        assert!(after_result.lines().count() <= result_lines.min(usize::from(size.1)), "{size:?}: {after_result}");
    }
}

#[test]
fn a_pipe_gets_nothing_unless_it_is_asked_for() {
    let sandbox = Sandbox::new();
    let tar = docker(&[large()], Style::Plain).tar();
    let call = || sandbox.convert("docker-archive", "-", sandbox.path("out")).args(["--force"]);
    let stderr = fed_slowly(&call(), &tar, 9);
    assert!(is_result(stderr.trim_end()) && stderr.lines().count() == 1, "{stderr}");
    for mode in ["plain", "json", "auto"] {
        assert_eq!(fed_slowly(&call().args(["-q", "--progress", mode]), &tar, 9), "", "{mode}");
    }
}

#[test]
fn a_log_gets_a_line_every_few_seconds() {
    let sandbox = Sandbox::new();
    let tar = docker(&[large()], Style::Plain).tar();
    let call = sandbox.convert("docker-archive", "-", sandbox.path("out")).args(["--progress", "plain"]);
    let started = Instant::now();
    let stderr = fed_slowly(&call, &tar, 62);
    let most = 1 + usize::try_from(started.elapsed().as_secs() / 5).expect("small");
    let lines: Vec<&str> = stderr.lines().collect();
    let (result, progress) = lines.split_last().expect("lines");
    assert!(is_result(result), "{stderr}");
    assert!((2..=most).contains(&progress.len()), "{stderr}");
    assert!(progress.iter().all(|line| line.starts_with("standard input: reading ")), "{stderr}");
    let read: Vec<f64> = progress.iter().map(|line| megabytes(line)).collect();
    assert!(0.0 < read[0] && read.windows(2).all(|pair| pair[0] < pair[1]), "{stderr}");
    assert!(read.iter().all(|read| *read <= tar.len() as f64 / 1e6), "{stderr}");
}

fn events(stderr: &str) -> Vec<Value> {
    let lines = stderr.lines().filter(|line| line.starts_with('{'));
    let events: Vec<Value> = lines.map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    assert!(events.iter().all(|event| event["schema"] == 1), "{stderr}");
    events
}

fn of_kind<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

#[test]
fn programs_read_what_happens() {
    let sandbox = Sandbox::new();
    let tar = docker(&[large()], Style::Plain).tar();
    let call = sandbox.convert("oci-archive", "-", sandbox.path("out")).args(["--progress", "json"]);
    let stderr = fed_slowly(&call, &tar, 25);
    let events = events(&stderr);
    let mut kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().expect("a word")).collect();
    kinds.dedup();
    // Both layers may be read at once.
    kinds.retain(|kind| !["started", "finished", "progress"].contains(kind));
    assert_eq!(kinds, ["spooling", "spooled", "planned", "sealing", "done"], "{stderr}");
    let spooled: Vec<u64> = of_kind(&events, "spooled").iter().filter_map(|event| event["bytes"].as_u64()).collect();
    assert!(spooled.len() >= 2 && spooled.windows(2).all(|pair| pair[0] < pair[1]), "{stderr}");
    let sizes = of_kind(&events, "started").iter().filter_map(|event| event["size"].as_u64()).sum::<u64>();
    assert_eq!(of_kind(&events, "planned")[0]["total"], sizes, "{stderr}");
    for kind in ["started", "finished"] {
        let mut blobs: Vec<&Value> = of_kind(&events, kind);
        blobs.sort_by_key(|event| event["blob"].as_str());
        let names: Vec<&Value> = blobs.iter().map(|event| &event["blob"]).collect();
        assert_eq!(names, ["0-0.tar", "0-1.tar"], "{kind}: {stderr}");
        for blob in blobs {
            assert_eq!(blob["source"], "standard input");
            assert_eq!(
                (&blob["action"], &blob["reason"]),
                (&"compress".into(), &"plain layer, oci-archive wants gzip".into())
            );
        }
    }
    assert_eq!(of_kind(&events, "done")[0]["bytes"], sizes, "{stderr}");
    assert!(is_result(stderr.lines().last().expect("lines")), "{stderr}");
}

/// A run that is stopped for more than a second, and told of as JSON.
fn told_as_json() -> (Vec<Value>, String) {
    let sandbox = Sandbox::new();
    let call = slow(&sandbox, &docker(&[large()], Style::Plain)).args(["--progress", "json", "-v"]);
    let child = call.prepared().spawn().expect("the program can be started");
    let held = thread::spawn(hold(child.id(), Duration::from_millis(1100)));
    let output = child.wait_with_output().expect("the program ends");
    held.join().expect("the program was held");
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8(output.stderr).expect("stderr is UTF-8");
    (events(&stderr), stderr)
}

#[test]
fn the_numbers_for_programs_only_grow() {
    // On a busy machine a line can come before enough was read to tell a rate: it is left out then.
    let has_rate = |events: &[Value]| of_kind(events, "progress").iter().any(|event| !event["eta_seconds"].is_null());
    let mut seen = false;
    for _ in 0..5 {
        let (events, stderr) = told_as_json();
        let progress = of_kind(&events, "progress");
        assert!(!progress.is_empty(), "{stderr}");
        let number = |event: &Value, key: &str| event[key].as_f64().unwrap_or(0.0);
        for event in &progress {
            assert!(number(event, "bytes") <= number(event, "total"), "{event}");
            assert!(number(event, "rate") >= 0.0 && number(event, "eta_seconds") >= 0.0, "{event}");
            assert!(event["eta_seconds"].is_null() || number(event, "rate") > 0.0, "{event}");
            assert!(number(event, "blobs") <= 2.0, "{event}");
        }
        for key in ["bytes", "total", "seconds", "blobs", "blobs_read"] {
            assert!(progress.windows(2).all(|pair| number(pair[0], key) <= number(pair[1], key)), "{key}: {stderr}");
        }
        assert_eq!(events.len() + 1, stderr.lines().count(), "what -v would tell is in the JSON: {stderr}");
        seen = has_rate(&events) && progress.iter().any(|event| event["blobs"] == 2);
        if seen {
            break;
        }
    }
    assert!(seen, "no rate, or not all blobs, in any of several runs");
}

/// Whoever reads standard output may be slow.
#[test]
fn sending_is_progress_too() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker(&[large()], Style::Plain));
    let mut command = sandbox.convert("docker-archive", &input, "-").args(["--progress", "json"]).prepared();
    let mut child = command.spawn().expect("the program can be started");
    let mut stdout = child.stdout.take().expect("stdout is a pipe");
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 250_000]);
    while bytes.len() < 5_000_000 {
        stdout.read_exact(&mut piece).expect("the program writes");
        bytes.extend_from_slice(&piece);
        thread::sleep(Duration::from_millis(150));
    }
    stdout.read_to_end(&mut bytes).expect("the program writes");
    let output = child.wait_with_output().expect("the program ends");
    let stderr = String::from_utf8(output.stderr).expect("stderr is UTF-8");
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let events = events(&stderr);
    let sent: Vec<u64> = of_kind(&events, "sent").iter().filter_map(|event| event["bytes"].as_u64()).collect();
    assert!(sent.len() >= 2 && sent.windows(2).all(|pair| pair[0] < pair[1]), "{stderr}");
    assert!(sent.iter().all(|sent| *sent <= bytes.len() as u64), "{stderr}");
    let out = sandbox.put("out", &bytes);
    assert_eq!(found::output(&out, "docker-archive").ids(), [large().id()]);
}

/// A failure is told in words, after lines that do not say that all is done.
#[test]
fn programs_are_not_told_that_a_failure_is_done() {
    let sandbox = Sandbox::new();
    let input = sandbox.put("in.tar", &docker_tree().tar()[..3000]);
    let run = sandbox.convert("oci-archive", input, sandbox.path("out")).args(["--progress", "json"]).run();
    assert_eq!(run.code, 3, "{run}");
    assert!(of_kind(&events(&run.stderr), "done").is_empty(), "{run}");
    run.error();
}

/// Progress is no reason to fail.
#[test]
fn nobody_needs_to_watch() {
    for progress in ["auto", "plain", "json"] {
        let sandbox = Sandbox::new();
        let input = sandbox.put_tree("in.tar", &docker(&[large()], Style::Plain));
        let out = sandbox.path("out");
        let closed = |redirect: &str| {
            let mut shell = Command::new("sh");
            let command = format!(
                "exec \"$0\" convert --to oci-archive --force -v --progress {progress} \"$1\" \"$2\" {redirect}"
            );
            shell.args(["-c", &command, env!("CARGO_BIN_EXE_transload")]).arg(&input).arg(&out);
            shell
        };
        let mut gone = closed("");
        let mut child = gone.stderr(Stdio::piped()).spawn().expect("a shell can be started");
        drop(child.stderr.take());
        let gone = child.wait().expect("the program ends");
        let none = closed("2>&-").status().expect("a shell can be started");
        let full = closed("2>/dev/full").status().expect("a shell can be started");
        assert_eq!([gone.code(), none.code(), full.code()], [Some(0); 3], "{progress}");
        assert_eq!(found::output(&out, "oci-archive").ids(), [large().id()]);
        sandbox.assert_holds(&["in.tar", "out"]);
    }
}
