//! `transload batch render`: manifests and scripts, word by word.

use crate::support::Sandbox;
use crate::support::golden::assert_golden;

/// Words that shells, YAML, Kubernetes and terminals would like to understand.
pub(crate) const HOSTILE: [&str; 12] = [
    "--to",
    "oci-archive",
    "--out",
    "a b",
    "it's",
    "$(rm -rf .)",
    "$(POD_NAME)$$",
    "`id`",
    "\"x\": {y: #z}",
    "\\ *~!&;|<>",
    "line\nbreak\tand\u{1b}[2J\u{202e}",
    "größe 日本 😀",
];

pub(crate) fn rendered(engine: &str, options: &[&str], batch: &[&str]) -> String {
    let sandbox = Sandbox::new();
    let call = sandbox.command(["batch", "render", "--engine", engine]).args(options.iter().copied());
    let image = ["--container-image", "registry.example.com/transload:1"];
    let call = if matches!(engine, "k8s" | "argo") { call.args(image) } else { call };
    String::from_utf8(call.arg("--").args(batch.iter().copied()).ok().stdout).expect("text")
}

#[test]
fn what_engines_are_given_is_golden() {
    let batch = ["--to", "oci-archive", "--out", "new", "--list", "jobs.jsonl"];
    for (engine, file) in
        [("k8s", "k8s.yaml"), ("argo", "argo.yaml"), ("slurm", "slurm.sh"), ("parallel", "parallel.sh")]
    {
        assert_golden(&format!("batch/{file}"), &rendered(engine, &["--shards", "64", "--at-a-time", "16"], &batch));
        let hostile: Vec<&str> = HOSTILE.into_iter().filter(|word| engine != "argo" || !word.contains("{{")).collect();
        let options = ["--shards", "1", "--reports", "the 'reports'", "--name", "x-1", "--cpus", "3", "--mem", "512"];
        assert_golden(&format!("batch/hostile-{file}"), &rendered(engine, &options, &hostile));
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let sandbox = Sandbox::new();
    for (args, want) in [
        (&["--engine", "slurm", "--shards", "0", "--", "x"][..], "--shards"),
        (&["--engine", "slurm", "--", "x"], "--shards"),
        (&["--engine", "slurm", "--shards", "1"], "<ARGS>"),
        (&["--engine", "k8s", "--shards", "1", "--", "x"], "--container-image"),
        (&["--engine", "k8s", "--shards", "100001", "--container-image", "x", "--", "x"], "100000 at most"),
        (&["--engine", "slurm", "--shards", "1", "--name", "a\nb", "--", "x"], "--name"),
        (&["--engine", "slurm", "--shards", "1", "--name", "-", "--", "x"], "--name"),
        (&["--engine", "argo", "--shards", "1", "--container-image", "x", "--", "{{x}}"], "Argo"),
        (&["--engine", "slurm", "--shards", "1", "--", "--two", "x"], "--two"),
        (&["--engine", "slurm", "--shards", "1", "--", "--shard", "1/2", "x"], "--shard"),
        (&["--engine", "nomad", "--shards", "1", "--", "x"], "--engine"),
    ] {
        let run = sandbox.command(["batch", "render"]).args(args.iter().copied()).run();
        assert_eq!(run.code, 2, "{args:?}: {run}");
        assert!(run.stderr.contains(want) && run.stdout.is_empty(), "{args:?}: {run}");
    }
}
