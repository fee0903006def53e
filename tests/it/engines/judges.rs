//! What we publish and print, judged by other people's programs: JSON Schema, YAML, Kubernetes, bash.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::batch::merge::all_kinds_of_lines;
use crate::batch::render::{HOSTILE, rendered};
use crate::support::engines::{output, python, require, tool};
use crate::support::{Sandbox, Style, docker, file, image};

const VALIDATE: &str = "
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for number, line in enumerate(open(sys.argv[2], encoding='utf-8', newline='\\n'), 1):
    errors = [f'{error.json_path}: {error.message}' for error in validator.iter_errors(json.loads(line))]
    print(json.dumps(errors))
";

/// Returns what is wrong with each line of a report by the published schema.
fn against_schema(report: &Path) -> Option<Vec<Vec<String>>> {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json");
    let answer = output(python(VALIDATE)?.args([&schema, report]));
    let text = String::from_utf8(answer).expect("JSON is text");
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a list of errors")).collect())
}

#[test]
fn lines_of_reports_are_what_the_schema_says() {
    let sandbox = Sandbox::new();
    let report = sandbox.put("r.jsonl", all_kinds_of_lines().as_bytes());
    let merged = sandbox.command(["report", "merge"]).arg(&report).run();
    let merged = sandbox.put("merged.jsonl", &merged.stdout);
    let Some(errors) = against_schema(&merged) else { return };
    assert!(errors.len() > 5 && errors.iter().all(Vec::is_empty), "{errors:#?}");
}

#[test]
fn lines_of_a_real_batch_are_what_the_schema_says() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("old")).expect("a folder can be made");
    let one = |name: &str| image().layer(file("a", "the content")).layer(file("b", name)).tag(&format!("{name}:1"));
    let bytes = |name: &str| docker(&[one(name)], Style::Classic).tar();
    sandbox.put("old/good.tar", &bytes("good"));
    sandbox.put("old/bad.tar", &bytes("bad")[..4000]);
    sandbox.put("old/text", b"no archive");
    let good = json!({"in": "old/good.tar", "out": "x", "tags": ["x:1"], "id": "k"});
    let absent =
        json!({"in": "absent", "tags": ["x:1"], "platform": "linux/arm64", "image": "@0", "size": 7, "id": "j"});
    let list = format!("{good}\n{absent}\n");
    sandbox.put("list", list.as_bytes());
    let batch = |name: &str, more: &[&str]| {
        let call = sandbox.command(["batch", "--retries", "0", "--report", name]).args(more.iter().copied());
        call.run();
        fs::read_to_string(sandbox.path(name)).expect("a report was written")
    };
    let convert = ["--to", "oci-archive", "--out", "new"];
    let reports = [
        batch("1", &[&convert[..], &["old"]].concat()),
        batch("2", &[&convert[..], &["--shard", "0/1", "old"]].concat()),
        batch("3", &[&convert[..], &["--list", "list"]].concat()),
        batch("4", &["--verify-only", "old"]),
        batch("5", &["--inspect-only", "old"]),
    ];
    let text = reports.concat();
    for word in [
        "\"ok\"",
        "\"unchanged\"",
        "\"failed\"",
        "\"skipped\"",
        "\"temporary\"",
        "\"0/1\"",
        "\"tags\"",
        "\"recompressed\":[{",
    ] {
        assert!(text.contains(word), "{word} is not tried:\n{text}");
    }
    let Some(errors) = against_schema(&sandbox.put("all", text.as_bytes())) else { return };
    for (line, errors) in text.lines().zip(&errors) {
        assert!(errors.is_empty(), "{line}\n{errors:#?}");
    }
    assert_eq!(errors.len(), text.lines().count());
}

/// A schema that lets everything pass says nothing.
#[test]
fn the_schema_refuses_other_lines() {
    let sandbox = Sandbox::new();
    let lines = all_kinds_of_lines();
    let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    let wrong = |key: &str, value: Value| {
        let mut line = first.clone();
        line[key] = value;
        format!("{line}\n")
    };
    let mut without = first.clone();
    without.as_object_mut().and_then(|line| line.remove("shard")).expect("it has a shard");
    let text = [
        wrong("schema", 2.into()),
        wrong("status", "done".into()),
        wrong("status", "failed".into()),
        wrong("bytes_in", (-1).into()),
        wrong("in_digest", "md5:1".into()),
        wrong("shard", "1of2".into()),
        wrong("other", 1.into()),
        format!("{without}\n"),
        "{}\n".to_owned(),
    ];
    let Some(errors) = against_schema(&sandbox.put("r.jsonl", text.concat().as_bytes())) else { return };
    for (text, errors) in text.iter().zip(&errors) {
        assert!(!errors.is_empty(), "{text}");
    }
}

const LOAD: &str = "
import json, sys, yaml
json.dump(yaml.safe_load(sys.stdin.buffer), sys.stdout)
";

/// Field names by the models of the client, down to the last; types by the models themselves.
const CHECK_JOB: &str = "
import re, sys, yaml
from kubernetes import client

def check(value, kind, path):
    inner = re.fullmatch(r'(?:list|List)\\[(.*)\\]', kind)
    if inner:
        for number, item in enumerate(value):
            check(item, inner[1], f'{path}[{number}]')
    elif kind.startswith('V1'):
        model = getattr(client, kind)
        names = {name: field for field, name in model.attribute_map.items()}
        for key, item in value.items():
            assert key in names, f'{path}.{key}: {kind} has no such field'
            check(item, model.openapi_types[names[key]], f'{path}.{key}')

job = yaml.safe_load(sys.stdin.buffer)
assert (job['apiVersion'], job['kind']) == ('batch/v1', 'Job')
check(job, 'V1Job', 'Job')
client.V1Job.from_dict(job)
";

fn fed(mut command: Command, input: &str) -> Output {
    let sandbox = Sandbox::new();
    let file = fs::File::open(sandbox.put("input", input.as_bytes())).expect("a file that was just written");
    let run = command.stdin(file).stdout(Stdio::piped()).stderr(Stdio::piped()).output().expect("it can be run");
    assert!(run.status.success(), "{}\n{input}", String::from_utf8_lossy(&run.stderr));
    run
}

fn load(yaml: &str) -> Option<Value> {
    Some(serde_json::from_slice(&fed(python(LOAD)?, yaml).stdout).expect("JSON"))
}

const OPTIONS: [&str; 4] = ["--shards", "8", "--at-a-time", "4"];

#[test]
fn kubernetes_knows_every_field_of_the_job() {
    let Some(check) = python(CHECK_JOB) else { return };
    fed(check, &rendered("k8s", &OPTIONS, &HOSTILE));
    let misspelt = rendered("k8s", &OPTIONS, &HOSTILE).replace("maxFailedIndexes", "maxFailedIndices");
    let run = python(CHECK_JOB).map(|mut check| {
        let sandbox = Sandbox::new();
        let file = fs::File::open(sandbox.put("input", misspelt.as_bytes())).expect("a file");
        check.stdin(file).output().expect("it can be run")
    });
    assert!(run.is_some_and(|run| !run.status.success()), "a field that is misspelt is noticed");
}

/// The last arguments of a container, as Kubernetes would hand them on.
fn arguments(container: &Value) -> Vec<String> {
    let args = container["args"].as_array().expect("arguments").iter();
    let args: Vec<String> = args.map(|arg| arg.as_str().expect("text").replace("$$", "$")).collect();
    args[args.len() - HOSTILE.len()..].to_vec()
}

#[test]
fn arguments_reach_a_pod_as_they_were_typed() {
    let Some(job) = load(&rendered("k8s", &OPTIONS, &HOSTILE)) else { return };
    assert_eq!(arguments(&job["spec"]["template"]["spec"]["containers"][0]), HOSTILE);
    let Some(workflow) = load(&rendered("argo", &OPTIONS, &HOSTILE)) else { return };
    assert_eq!(arguments(&workflow["spec"]["templates"][1]["container"]), HOSTILE);
    assert_eq!(workflow["spec"]["templates"][0]["steps"][0][0]["withSequence"]["count"], "8");
}

/// `transload` that writes down what it is given, and answers as it is told.
const STAND_IN: &str = "#!/bin/bash
printf '%s\\0' \"${TRANSLOAD_SHARD-}\" \"$@\" >\"$OUT/$(date +%s%N).$$\"
exit \"$ANSWER\"
";

/// Runs a script with that in the place of the program; returns the arguments of each call, sorted.
fn calls(sandbox: &Sandbox, script: &str, answer: &str) -> Vec<Vec<String>> {
    let (bin, out) = (sandbox.path("bin"), sandbox.path("out"));
    let _ = fs::remove_dir_all(&out);
    for folder in [&bin, &out] {
        fs::create_dir_all(folder).expect("a folder can be made");
    }
    let program = sandbox.put("bin/transload", STAND_IN.as_bytes());
    fs::write(sandbox.path("bin/sleep"), "#!/bin/sh\n").expect("a file can be written");
    for program in [program, sandbox.path("bin/sleep")] {
        output(Command::new("chmod").arg("+x").arg(program));
    }
    let script = sandbox.put("script", script.as_bytes());
    output(tool("bash").arg("-n").arg(&script));
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = tool("bash");
    command.arg(&script).current_dir(sandbox.path("")).env("PATH", path).env("OUT", &out).env("ANSWER", answer);
    let run = command.stdin(Stdio::null()).output().expect("bash can be run");
    assert!(run.status.code().is_some(), "{}", String::from_utf8_lossy(&run.stderr));
    let files = fs::read_dir(&out).expect("a folder").flatten();
    let mut calls: Vec<Vec<String>> = files
        .map(|file| fs::read_to_string(file.path()).expect("text"))
        .map(|text| text.split_terminator('\0').map(str::to_owned).collect())
        .collect();
    calls.sort();
    calls
}

#[test]
fn a_script_for_slurm_hands_arguments_on_as_they_were_typed() {
    let sandbox = Sandbox::new();
    let script = rendered("slurm", &["--shards", "8", "--reports", "the 'reports'"], &HOSTILE);
    let calls = calls(&sandbox, &script, "1");
    let own = ["", "batch", "--threads", "2", "--report", "the 'reports'/", "--shard", "auto"];
    assert_eq!(calls, [[&own[..], &HOSTILE].concat()]);
}

#[test]
fn a_script_for_parallel_runs_every_shard_and_tries_again_what_can_be_helped() {
    if !require(&["parallel", "bash"]) {
        return;
    }
    let script = rendered("parallel", &["--shards", "3", "--at-a-time", "2", "--retries", "1"], &HOSTILE);
    for (answer, times) in [("0", 1), ("1", 1), ("75", 2)] {
        let sandbox = Sandbox::new();
        let calls = calls(&sandbox, &script, answer);
        let mut shards: Vec<&str> = calls.iter().map(|call| call[0].as_str()).collect();
        shards.dedup();
        assert_eq!((calls.len(), shards), (3 * times, vec!["0/3", "1/3", "2/3"]), "{answer}");
        for call in calls {
            assert_eq!(call[call.len() - HOSTILE.len()..], HOSTILE);
        }
    }
}
