//! `convert --verify-output`: what is written is read again before it gets its name.

use std::fs;

use serde_json::json;

use crate::support::layout::REF_NAME;
use crate::support::{Codec, Layout, Sandbox, Style, Tree, docker, file, found, image};

const FORMATS: [&str; 5] = ["docker-archive", "docker-dir", "oci-archive", "oci-dir", "hybrid-archive"];

fn app() -> crate::support::Image {
    image().layer(file("etc/a", "one")).layer(file("b", "two").codec(Codec::Gzip)).tag("docker.io/d/app:1")
}

/// A layout that converts to OCI with what it has, and lacks a platform: what is written lacks it, too.
fn sparse() -> Tree {
    let mut layout = Layout::new();
    let other = app().platform("linux/s390x").layer(file("c", "three"));
    let index = layout.platforms(&[app().platform("linux/amd64"), other.clone()]);
    let gone = layout.image(&other);
    layout.forget(&gone);
    layout.root(index, json!({REF_NAME: "docker.io/d/app:1"}));
    layout.tree()
}

#[test]
fn a_good_output_is_the_same_with_and_without() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker(&[app()], Style::Classic));
    for to in FORMATS {
        let (seen, unseen) = (sandbox.path("seen"), sandbox.path("unseen"));
        let run = sandbox.convert(to, &input, &seen).args(["--verify-output", "--json"]).ok();
        sandbox.convert(to, &input, &unseen).ok();
        assert_eq!(run.json()["output"]["path"], seen.display().to_string());
        assert!(Tree::read(&seen) == Tree::read(&unseen), "{to}");
        found::output(&seen, to);
        sandbox.assert_holds(&["in.tar", "seen", "unseen"]);
        let modes = [&seen, &unseen]
            .map(|path| std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).expect("it").permissions()));
        assert_eq!(modes[0], modes[1], "{to}");
        for path in [seen, unseen] {
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("it can be removed");
        }
    }
}

#[test]
fn an_output_with_a_fault_never_appears_and_spares_what_is_there() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &sparse());
    for to in ["oci-archive", "oci-dir"] {
        // Without the option it is written, and told to lack something.
        sandbox.convert(to, &input, sandbox.path("unseen")).ok();
        let message = sandbox.convert(to, &input, sandbox.path("out")).args(["--verify-output"]).fails(1);
        assert!(message.contains("does not verify") && message.contains("missing"), "{message}");
        assert!(message.contains("out") && !message.contains(".transload"), "{message}");
        sandbox.assert_holds(&["in.tar", "unseen"]);
        let before = Tree::read(&sandbox.path("unseen"));
        let call = sandbox.convert(to, &input, sandbox.path("unseen")).args(["--verify-output", "--force"]);
        call.fails(1);
        assert!(Tree::read(&sandbox.path("unseen")) == before, "{to}");
        sandbox.assert_holds(&["in.tar", "unseen"]);
        let unseen = sandbox.path("unseen");
        if unseen.is_dir() { fs::remove_dir_all(unseen) } else { fs::remove_file(unseen) }.expect("it can be removed");
    }
}

#[test]
fn what_is_there_is_replaced_only_when_asked() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker(&[app()], Style::Classic));
    for to in FORMATS {
        let out = sandbox.path(to);
        sandbox.convert(to, &input, &out).args(["--verify-output"]).ok();
        sandbox.convert(to, &input, &out).args(["--verify-output"]).fails(5);
        sandbox.convert(to, &input, &out).args(["--verify-output", "--force"]).ok();
        found::output(&out, to);
    }
    let names: Vec<&str> = FORMATS.into_iter().chain(["in.tar"]).collect();
    sandbox.assert_holds(&names);
    // A folder is no file that could be replaced.
    sandbox.convert("oci-archive", &input, sandbox.path("oci-dir")).args(["--verify-output", "--force"]).fails(5);
    // A link is kept.
    let link = sandbox.path("link");
    std::os::unix::fs::symlink(sandbox.path("oci-archive"), &link).expect("a link can be made");
    sandbox.convert("docker-archive", &input, &link).args(["--verify-output", "--force"]).ok();
    assert!(link.is_symlink());
    found::output(&sandbox.path("oci-archive"), "docker-archive");
}

#[test]
fn what_cannot_be_read_again_is_a_usage_error() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &docker(&[app()], Style::Classic));
    let run = sandbox.convert("oci-archive", &input, "-").args(["--verify-output"]).run();
    assert_eq!((run.code, run.stdout.len()), (2, 0), "{run}");
    assert!(run.stderr.contains("transload verify -"), "{run}");
    for (to, args) in [("oci-archive", &["--verify-output"][..]), ("oci-dir", &["--verify-output", "--append"])] {
        let out = if to == "oci-archive" { "/dev/null".into() } else { sandbox.path("layout") };
        let run = sandbox.convert(to, &input, &out).args(args).run();
        assert_eq!(run.code, 2, "{args:?}: {run}");
    }
    sandbox.convert("oci-archive", &input, sandbox.path("out")).args(["--verify-output", "--dry-run"]).ok();
    sandbox.assert_holds(&["in.tar"]);
    let message = sandbox.convert("oci-archive", &input, sandbox.path("no/out")).args(["--verify-output"]).fails(75);
    assert!(message.contains("no/out"), "{message}");
}
