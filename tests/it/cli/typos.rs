//! Mistyped words are answered with what was meant.

use super::docker_tree;
use crate::support::Sandbox;

#[test]
fn what_was_meant_is_suggested() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &docker_tree());
    for (args, meant) in [
        (&["covert"][..], "'convert'"),
        (&["convert", "--form", "oci", "in.tar", "out"], "'--from'"),
        (&["convert", "--to", "docker-archiv", "in.tar", "out"], "'docker-archive'"),
        (&["convert", "--to", "oci", "--from", "docker_archive", "in.tar", "out"], "'docker-archive'"),
        (&["convert", "--to", "oci", "--compression", "gzpi", "in.tar", "out"], "'gzip'"),
        (&["convert", "--to", "oci", "--compression-level", "fst", "in.tar", "out"], "did you mean fast?"),
        (&["convert", "--to", "oci", "--progress", "plane", "in.tar", "out"], "'plain'"),
        (&["convert", "--to", "oci", "--limit", "member=1", "in.tar", "out"], "did you mean members?"),
        (&["convert", "--to", "oci", "--platform", "amd64", "in.tar", "out"], "did you mean linux/amd64?"),
        (&["verify", "--for", "podman,dokcer:20", "in.tar"], "did you mean docker:20?"),
        (&["completions", "bsh"], "'bash'"),
    ] {
        let run = sandbox.command(args.iter().copied()).run();
        assert_eq!(run.code, 2, "{run}");
        assert!(run.stderr.contains(meant), "{meant} is not suggested: {run}");
    }
    sandbox.assert_holds(&["in.tar"]);
}

#[test]
fn what_is_far_off_is_not_corrected() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &docker_tree());
    for args in [
        &["convert", "--to", "zip", "in.tar", "out"][..],
        &["convert", "--to", "oci", "--limit", "sleep=1", "in.tar", "out"],
        &["convert", "--to", "oci", "--platform", "plan9", "in.tar", "out"],
    ] {
        let run = sandbox.command(args.iter().copied()).run();
        assert_eq!(run.code, 2, "{run}");
        assert!(!run.stderr.contains("similar") && !run.stderr.contains("did you mean"), "{run}");
    }
}
