//! Large layers pass through little memory, and every byte is written once.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::run::peak_kib;
use crate::support::shared::say;
use crate::support::{Codec, Kind, Layer, Layout, Sandbox, Style, Tree, docker, file, image};

const LIMIT_KIB: u64 = 64 * 1024;
const LAYER: usize = 300 << 20;

/// 300 MB of lines that compress well.
fn layer() -> Layer {
    let line = |n: usize| format!("{n:08} the quick brown fox jumps over the lazy dog, again and again and again\n");
    let block: String = (0..16_384).map(line).collect();
    let body = block.as_bytes().repeat(LAYER / block.len());
    Layer::from_tar(Tree::default().with("large", Kind::File(body)).tar())
}

struct Watched {
    peak_kib: u64,
    /// What was given to `write`, whether it reached a disk or a pipe.
    written: u64,
    /// What lay in TMPDIR at its fullest.
    spooled: u64,
}

/// Waits for a program and watches its memory, its writes and its temporary files.
fn watch(mut child: Child, tmp: &Path) -> Watched {
    let mut seen = Watched { peak_kib: 0, written: 0, spooled: 0 };
    loop {
        let pid = child.id();
        seen.peak_kib = seen.peak_kib.max(peak_kib(pid).unwrap_or(0));
        seen.written = seen.written.max(written(pid).unwrap_or(0));
        let spooled = fs::read_dir(tmp).into_iter().flatten().flatten();
        let spooled = spooled.filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum();
        seen.spooled = seen.spooled.max(spooled).max(open_but_gone(pid));
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            assert!(status.success(), "{status}");
            return seen;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn written(pid: u32) -> Option<u64> {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("wchar: "))?.parse().ok()
}

/// The size of files that the program holds open and no folder lists: unnamed temporary files.
fn open_but_gone(pid: u32) -> u64 {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    files
        .filter(|file| fs::read_link(file.path()).is_ok_and(|target| target.to_string_lossy().ends_with(" (deleted)")))
        .filter_map(|file| fs::metadata(file.path()).ok())
        .map(|meta| meta.len())
        .sum()
}

/// How the archive comes in and goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Files,
    Pipes,
}

#[track_caller]
fn check(what: &str, input: &Path, to: &str, args: &[&str], way: Way) {
    let sandbox = Sandbox::on_disk();
    let out = sandbox.path("out");
    let dash = PathBuf::from("-");
    let (from, into) = if way == Way::Pipes { (&dash, &dash) } else { (&input.to_owned(), &out) };
    let mut command = sandbox.convert(to, from, into).args(args).prepared();
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut feeder = None;
    if way == Way::Pipes {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().expect("the program can be started");
    if let Some(mut pipe) = child.stdin.take() {
        let bytes = fs::read(input).expect("an input");
        feeder = Some(thread::spawn(move || pipe.write_all(&bytes).expect("the input is read to its end")));
    }
    let seen = watch(child, &sandbox.tmp());
    feeder.into_iter().for_each(|feeder| feeder.join().expect("stdin was fed"));
    say(&format!("memory: {what}, {way:?}: peak {} KiB, {} MiB in unnamed files", seen.peak_kib, seen.spooled >> 20));
    assert!(seen.peak_kib < LIMIT_KIB, "{what}: a peak of {} KiB", seen.peak_kib);
    if way == Way::Files {
        let size = fs::metadata(&out).expect("an output").len();
        let slack = 1 << 20;
        assert!(seen.written <= size + slack, "{what}: {} bytes written for an output of {size}", seen.written);
        // The output itself has no name before it is whole.
        assert!(seen.spooled <= size + slack, "{what}: {} bytes in temporary files", seen.spooled);
        sandbox.assert_holds(&["out"]);
    }
}

#[test]
fn large_layers_pass_through_little_memory() {
    let inputs = Sandbox::on_disk();
    let image = image().layer(layer()).tag("demo/large:1");
    let plain = inputs.put("docker.tar", &docker(std::slice::from_ref(&image), Style::Plain).tar());
    let packed = inputs.put("oci.tar", &Layout::new().named(&image.codec(Codec::Gzip), "demo/large:1").tree().tar());
    check("docker to oci", &plain, "oci-archive", &[], Way::Files);
    check("docker to oci, plain", &plain, "oci-archive", &["--compression", "none"], Way::Files);
    check("docker to oci, zstd", &plain, "oci-archive", &["--compression", "zstd"], Way::Files);
    check("docker to hybrid", &plain, "hybrid-archive", &[], Way::Files);
    check("docker to docker", &plain, "docker-archive", &[], Way::Files);
    check("oci to docker", &packed, "docker-archive", &[], Way::Files);
    check("oci to oci", &packed, "oci-archive", &[], Way::Files);
    check("docker to oci", &plain, "oci-archive", &[], Way::Pipes);
    check("oci to docker", &packed, "docker-archive", &[], Way::Pipes);
}

/// Verifying holds no layer, and writes nothing but its answer; a pipe is spooled once.
#[test]
fn verifying_takes_little_memory() {
    let inputs = Sandbox::on_disk();
    let image = image().layer(layer()).layer(layer().codec(Codec::Gzip)).tag("docker.io/demo/large:1");
    let input = inputs.put("in.tar", &Layout::new().named(&image, "docker.io/demo/large:1").tree().tar());
    for (way, place) in [(Way::Files, input.as_path()), (Way::Pipes, Path::new("-"))] {
        let sandbox = Sandbox::on_disk();
        let mut command = sandbox.command(["verify", "--strict", "--quiet"]).arg(place).prepared();
        command.stdin(fs::File::open(&input).map(|file| pipe(file, way)).expect("an input"));
        let seen = watch(command.spawn().expect("the program can be started"), &sandbox.tmp());
        say(&format!("memory: verify, {way:?}: peak {} KiB, {} MiB spooled", seen.peak_kib, seen.spooled >> 20));
        assert!(seen.peak_kib < LIMIT_KIB, "{way:?}: a peak of {} KiB", seen.peak_kib);
        let size = if way == Way::Files { 0 } else { fs::metadata(&input).expect("an input").len() };
        assert!(seen.written <= size + (1 << 20), "{way:?}: {} bytes written", seen.written);
        sandbox.assert_holds(&[]);
    }
}

/// A layer of 120,000 files.
fn many(letter: char) -> Layer {
    let name = |n: usize| format!("{letter}/{}/{}/file-{n}", n % 97, n % 1009);
    let tree = (0..120_000).fold(Tree::default(), |tree, n| tree.with_file(name(n), format!("{letter}{n}")));
    Layer::from_tar(tree.tar())
}

/// The largest files are held until all are known, within a limit; the table of them is not.
#[test]
fn the_largest_of_many_files_take_little_memory() {
    let inputs = Sandbox::on_disk();
    let input = inputs.put("in.tar", &docker(&[image().layer(many('a')).tag("d/a:1")], Style::Skopeo).tar());
    for layer in [&[][..], &["--layer", "1"]] {
        let sandbox = Sandbox::on_disk();
        let inspect = |largest: &str| sandbox.command(["inspect", "--largest", largest]).args(layer).arg(&input);
        let mut command = inspect("1000000").prepared();
        command.stdout(fs::File::create(sandbox.path("answer")).expect("a file can be made"));
        let seen = watch(command.spawn().expect("the program can be started"), &sandbox.tmp());
        say(&format!("memory: inspect --largest, {layer:?}: peak {} KiB", seen.peak_kib));
        assert!(seen.peak_kib < LIMIT_KIB, "{layer:?}: a peak of {} KiB", seen.peak_kib);
        let answer = fs::read_to_string(sandbox.path("answer")).expect("text");
        assert_eq!(answer.lines().count(), 1 + 120_000, "{layer:?}");
        // Columns are as wide as the largest needs, which comes first.
        let path = |line: &str| line.find("PATH").or_else(|| line.find(" a/").map(|at| at + 1));
        let at = path(answer.lines().next().expect("headings"));
        assert!(answer.lines().all(|line| path(line) == at), "{layer:?}");
        let error = inspect("1000000").args(["--limit", "file-list-bytes=12000000"]).fails(3);
        assert!(error.contains("too many files"), "{layer:?}: {error}");
    }
    // What is not kept takes nothing.
    let few = ["inspect", "--largest", "10", "--layer", "1", "--limit", "file-list-bytes=20000"];
    let run = inputs.command(few).arg(&input).ok();
    assert_eq!(String::from_utf8_lossy(&run.stdout).lines().count(), 1 + 10);
}

/// A report holds lists of files, not layers, and within a limit: of many files, of large ones, and of many images.
#[test]
fn reports_take_little_memory() {
    let inputs = Sandbox::on_disk();
    let large = image().layer(layer()).layer(layer().codec(Codec::Gzip));
    let image = |letter: char| large.clone().layer(many(letter)).tag(&format!("docker.io/demo/{letter}:1"));
    let input = inputs.put("in.tar", &docker(&['a', 'b', 'c'].map(image), Style::Skopeo).tar());
    for limit in ["file-list-bytes=50331648", "file-list-bytes=1000000"] {
        let sandbox = Sandbox::on_disk();
        let mut command =
            sandbox.command(["report", "--quiet", "--limit", limit, "-o", "out.html"]).arg(&input).prepared();
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let seen = watch(command.spawn().expect("the program can be started"), &sandbox.tmp());
        say(&format!("memory: report, {limit}: peak {} KiB, {} bytes written", seen.peak_kib, seen.written));
        assert!(seen.peak_kib < LIMIT_KIB, "{limit}: a peak of {} KiB", seen.peak_kib);
        assert!(seen.written < 2 << 20, "{limit}: {} bytes written", seen.written);
        let html = fs::read_to_string(sandbox.path("out.html")).expect("a page");
        assert_eq!(html.contains("too many files"), limit.ends_with("=1000000"), "{limit}");
        sandbox.assert_holds(&["out.html"]);
    }
}

/// Names and links of members are held, within a limit, however well they compress.
#[test]
fn long_names_take_little_memory() {
    let inputs = Sandbox::on_disk();
    let tree = docker(&[image().layer(file("a", "one")).tag("d/a:1")], Style::Plain);
    let named = |len: usize, number: usize| {
        let name = |n: usize| format!("{n:06}{}", "x".repeat(len - 6));
        (0..number).fold(tree.clone(), |tree, n| match n % 4 {
            0 => tree.with(n.to_string(), Kind::Symlink(name(n))),
            _ => tree.with_file(name(n), ""),
        })
    };
    for (len, number, refused) in
        [(80, 30_000, false), (1000, 8_000, false), (1_000_000, 8, false), (1_000_000, 40, true)]
    {
        let input = inputs.put("in.tar", &named(len, number).tar());
        for command in [&["inspect", "--json"][..], &["verify", "--json"], &["convert", "--to", "oci-archive"]] {
            let sandbox = Sandbox::on_disk();
            let call = sandbox.command(command).arg(&input);
            let run = if command[0] == "convert" { call.arg("out").run() } else { call.run() };
            let what = format!("{number} names of {len} bytes, {}", command[0]);
            say(&format!("memory: {what}: peak {} KiB", run.peak_kib));
            // To verify is to tell of it.
            let code = if command[0] == "verify" { 1 } else { 3 };
            assert_eq!(run.code, if refused { code } else { 0 }, "{what}: {run}");
            assert!(run.peak_kib < LIMIT_KIB, "{what}: a peak of {} KiB", run.peak_kib);
            let said = run.stderr.clone() + &String::from_utf8_lossy(&run.stdout);
            assert!(!refused || said.contains("bytes of names"), "{what}: {run}");
        }
    }
}

/// Standard input that is a pipe with the file's bytes in it, or nothing.
fn pipe(mut file: fs::File, way: Way) -> Stdio {
    if way == Way::Files {
        return Stdio::null();
    }
    let (reader, mut writer) = std::io::pipe().expect("a pipe can be made");
    thread::spawn(move || std::io::copy(&mut file, &mut writer).expect("the input is read to its end"));
    reader.into()
}
