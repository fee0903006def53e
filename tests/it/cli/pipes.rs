//! Standard input and output: archives through pipes that cannot seek.

use std::fs::{self, File};
use std::process::Stdio;

use super::{docker_tree, oci_tree, one};
use crate::support::{Codec, Sandbox, found};

#[test]
fn archives_come_in_through_a_pipe() {
    for (what, bytes) in [
        ("docker", docker_tree().tar()),
        ("docker, manifest first", docker_tree().first("manifest.json").tar()),
        ("oci", oci_tree().tar()),
        ("docker in gzip", Codec::Gzip.pack(&docker_tree().tar())),
        ("oci in zstd", Codec::Zstd.pack(&oci_tree().tar())),
        ("docker in xz", Codec::Xz.pack(&docker_tree().tar())),
    ] {
        for to in ["docker-archive", "oci-archive", "oci-dir", "hybrid-archive"] {
            let sandbox = Sandbox::new();
            let out = sandbox.path("out");
            sandbox.convert(to, "-", &out).stdin(bytes.clone()).ok();
            assert_eq!(found::output(&out, to).ids(), [one().id()], "{what} to {to}");
            sandbox.assert_holds(&["out"]);
        }
    }
}

#[test]
fn archives_go_out_through_a_pipe() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    for to in ["docker-archive", "oci-archive", "hybrid-archive"] {
        let run = sandbox.convert(to, &input, "-").ok();
        let out = sandbox.put("out", &run.stdout);
        assert_eq!(found::output(&out, to).ids(), [one().id()], "{to}");
        assert!(run.stderr.contains("docker.io/library/app:1"), "{run}");
        let both = sandbox.convert(to, "-", "-").stdin(docker_tree().tar()).ok();
        assert!(both.stdout == run.stdout, "{to}: other bytes");
    }
    sandbox.assert_holds(&["in.tar", "out"]);
}

/// A transport may name the format of a pipe.
#[test]
fn pipes_have_formats_too() {
    let sandbox = Sandbox::new();
    let run = sandbox.command(["convert", "docker-archive:-", "oci-archive:-"]).stdin(docker_tree().tar()).ok();
    let out = sandbox.put("out", &run.stdout);
    assert_eq!(found::output(&out, "oci-archive").ids(), [one().id()]);
}

#[test]
fn what_cannot_go_through_a_pipe_is_a_usage_error() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    for to in ["oci-dir", "docker-dir"] {
        sandbox.convert(to, &input, "-").fails(2);
    }
    // Two things cannot share standard output.
    sandbox.convert("oci-archive", &input, "-").args(["--json"]).fails(2);
    sandbox.convert("oci-archive", "-", sandbox.path("x")).args(["--from", "oci-dir"]).stdin("").fails(2);
    sandbox.assert_holds(&["in.tar"]);
}

#[test]
fn a_pipe_with_no_archive_in_it_is_refused() {
    for bytes in [&b""[..], b"hello", &[0; 1024], &docker_tree().tar()[..4000]] {
        let sandbox = Sandbox::new();
        let message = sandbox.convert("oci-archive", "-", sandbox.path("out")).stdin(bytes).fails(3);
        assert!(message.contains("stdin") || message.contains("standard input") || message.contains('-'), "{message}");
        sandbox.assert_holds(&[]);
    }
}

/// Nothing reaches a pipe before the input was seen to be whole: the reader would take half an archive for one.
#[test]
fn damaged_input_gives_no_archive_on_stdout() {
    let sandbox = Sandbox::new();
    let diff_id = one().diff_ids()[1].clone();
    let config = String::from_utf8(one().config_bytes()).expect("JSON is text").replace(&diff_id[7..], &"0".repeat(64));
    let name = format!("{}.json", &one().id()["sha256:".len()..]);
    let tree = docker_tree().replace(&name, config);
    let input = sandbox.put_tree("in.tar", &tree);
    for to in ["docker-archive", "oci-archive"] {
        let run = sandbox.convert(to, &input, "-").run();
        assert_eq!(run.code, 3, "{run}");
        let whole = crate::support::Tree::try_from_tar(&run.stdout)
            .is_ok_and(|tree| tree.get("index.json").is_some() || tree.get("manifest.json").is_some());
        assert!(!whole, "{to}: a whole archive of a damaged image");
    }
}

/// Standard input may be a file, at any position.
#[test]
fn standard_input_may_be_a_file() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    let out = sandbox.path("out");
    let mut command = sandbox.convert("oci-archive", "-", &out).prepared();
    let status = command.stdin(File::open(&input).expect("an input")).status().expect("the program can be started");
    assert!(status.success());
    assert_eq!(found::output(&out, "oci-archive").ids(), [one().id()]);
}

/// Standard output may be a file; what stood in it before is not part of the archive.
#[test]
fn standard_output_may_be_a_file() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    let out = sandbox.path("out");
    let mut command = sandbox.convert("oci-archive", &input, "-").prepared();
    let status = command.stdout(File::create(&out).expect("an output")).status().expect("the program can be started");
    assert!(status.success());
    assert_eq!(found::output(&out, "oci-archive").ids(), [one().id()]);
    let appended = File::options().append(true).open(&out).expect("an output");
    let before = fs::metadata(&out).expect("an output").len();
    let mut command = sandbox.convert("oci-archive", &input, "-").prepared();
    assert!(command.stdout(appended).status().expect("the program can be started").success());
    assert_eq!(fs::metadata(&out).expect("an output").len(), 2 * before, "appended where the shell said >>");
}

#[test]
fn a_full_disk_is_a_failure_of_the_environment() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker_tree());
    for to in ["docker-archive", "oci-archive", "hybrid-archive"] {
        let mut command = sandbox.convert(to, &input, "-").prepared();
        let full = File::options().write(true).open("/dev/full").expect("/dev/full");
        let output = command.stdout(full).output().expect("the program can be started");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(75), "{stderr}");
        assert!(stderr.to_lowercase().contains("no space"), "{stderr}");
    }
    let run = sandbox.convert("oci-archive", &input, sandbox.path("out")).args(["--json"]).prepared();
    let mut run = run;
    let full = File::options().write(true).open("/dev/full").expect("/dev/full");
    let output = run.stdout(full).output().expect("the program can be started");
    assert_eq!(output.status.code(), Some(75), "a report that nobody got");
}

/// Whoever closes the pipe early has had enough; that is not this program's failure, and not a success either.
#[test]
fn a_reader_that_goes_away_ends_the_program() {
    let sandbox = Sandbox::new();
    let large = crate::support::image().layer(crate::support::image::noise(1, 3_000_000)).tag("a:1");
    let input = sandbox.put_tree("in.tar", &crate::support::docker(&[large], crate::support::Style::Classic));
    let mut command = sandbox.convert("docker-archive", &input, "-").prepared();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program can be started");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert!(!output.status.success(), "half an archive is no success");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    sandbox.assert_holds(&["in.tar"]);
}
