//! A batch as a Slurm job array: what `batch render` prints, on two nodes, with a task that is killed half-way.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use transload::batch::by_hash;

use crate::support::engines::{Slurm, line, output, require, tool};
use crate::support::{Layer, Sandbox, Style, Tree, docker, file, image, sha256};

const ITEMS: usize = 200;
const SHARDS: u32 = 8;
/// The shard whose first try is killed.
const KILLED: u32 = 3;
/// Two archives of that shard take seconds of a processor, so that the kill comes while they are under way.
const LARGE: usize = 2_500_000;
/// What makes them take so long.
const SLOW: [&str; 4] = ["--compression", "zstd", "--compression-level", "19"];
const BATCH: [&str; 5] = ["--to", "oci-archive", "--out", "new", "old"];

/// In the place of the program: kills it in the first try of one task, as soon as it has told of an item, or a third of
/// a second after it began.
fn wrapper() -> String {
    let program = env!("CARGO_BIN_EXE_transload");
    format!(
        "#!/bin/bash
if [ \"$SLURM_ARRAY_TASK_ID.${{SLURM_RESTART_COUNT:-0}}\" != {KILLED}.0 ]; then exec '{program}' \"$@\"; fi
'{program}' \"$@\" &
until compgen -G 'reports/shard-0000{KILLED}-*' >/dev/null; do kill -0 $! || exit 98; sleep 0.01; done
for ((i = 0; i < 30; i++)); do
    if grep -qs '\"status\"' reports/shard-0000{KILLED}-*; then break; fi
    sleep 0.01
done
kill -KILL $!
wait $!
"
    )
}

/// Text that takes a codec long: words in no order.
fn words(seed: u64, len: usize) -> Layer {
    let mut state = seed | 1;
    let mut text = String::with_capacity(len + 16);
    while text.len() < len {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("{:x} ", (state >> 33) % 5000));
    }
    file("words", &text)
}

fn archive(number: usize, layer: Layer) -> Vec<u8> {
    let tag = format!("demo/app{number}:1");
    docker(&[image().layer(file("etc/number", &number.to_string())).layer(layer).tag(&tag)], Style::Classic).tar()
}

fn name(number: usize) -> String {
    format!("old/team-{}/app-{number}.tar", number % 7)
}

/// Writes the archives; returns the name of the damaged one.
fn archives(folder: &Path) -> String {
    let write = |number: usize, bytes: &[u8]| {
        let path = folder.join(name(number));
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
        fs::write(path, bytes).expect("an archive can be written");
    };
    (0..ITEMS).for_each(|number| write(number, &archive(number, file("a", &"b".repeat(number)))));
    let plan =
        output(Command::new(env!("CARGO_BIN_EXE_transload")).args(["batch", "plan"]).args(BATCH).current_dir(folder));
    let of_shard = |line: &str| {
        let item: Value = serde_json::from_str(line).expect("a plan is JSON");
        let key = item["out"].as_str().expect("each has a result");
        let count = NonZeroU32::new(SHARDS).expect("8 is not 0");
        (by_hash(key, count) == KILLED).then(|| item["in"].as_str().expect("each has a source").to_owned())
    };
    let plan = String::from_utf8(plan).expect("a plan is text");
    assert_eq!(plan.lines().count(), ITEMS, "{plan}");
    let theirs: Vec<String> = plan.lines().filter_map(of_shard).collect();
    assert!(theirs.len() > 10, "a shard has an eighth");
    let mut numbers = (0..ITEMS).filter(|number| theirs.contains(&name(*number)));
    for large in numbers.by_ref().take(2) {
        write(large, &archive(large, words(large as u64, LARGE + large * 1000)));
    }
    let damaged = (0..ITEMS).find(|number| !theirs.contains(&name(*number))).expect("others have the rest");
    let mut bytes = archive(damaged, file("a", "the content of a file"));
    let at = bytes.windows(7).position(|window| window == b"content").expect("the file is in the layer");
    bytes[at] ^= 1;
    write(damaged, &bytes);
    name(damaged)
}

/// What is below a folder of results, apart from what batch notes there.
fn results(folder: &Path) -> BTreeMap<String, String> {
    let members = Tree::read(folder).members.into_iter();
    let files = members.filter(|member| !member.name.starts_with(".transload"));
    files.map(|member| (member.name.clone(), sha256(format!("{:?}", member.kind).as_bytes()))).collect()
}

fn report_names(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder.join("reports")).expect("reports were written").flatten();
    let mut names: Vec<PathBuf> = files.map(|file| file.path()).collect();
    names.sort();
    names
}

#[test]
fn an_array_survives_a_task_that_is_killed_and_tells_of_what_is_damaged() {
    if !require(&[&Slurm::TOOLS[..], &["bash"]].concat()) {
        return;
    }
    let slurm = Slurm::start();
    let folder = slurm.folder();
    let damaged = archives(&folder);
    let sandbox = Sandbox::new();
    let shards = SHARDS.to_string();
    let render = ["batch", "render", "--engine", "slurm", "--shards", &shards, "--cpus", "1", "--mem", "256", "--"];
    let script = sandbox.command(render).args(SLOW).args(BATCH).ok().stdout;
    fs::write(folder.join("job.sh"), script).expect("the script can be written");
    output(tool("bash").args(["-n", "job.sh"]).current_dir(&folder));
    output(slurm.command("sbatch").args(["--test-only", "job.sh"]));

    fs::create_dir(folder.join("bin")).expect("a folder can be made");
    let program = folder.join("bin/transload");
    fs::write(&program, wrapper()).expect("a script can be written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it can be made executable");
    let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap_or_default());
    line(slurm.command("sbatch").arg("job.sh").env("PATH", path));
    slurm.wait(Duration::from_secs(80));

    let reports = report_names(&folder);
    assert_eq!(
        reports.len(),
        SHARDS as usize + 1,
        "one for each shard, and one for the try that was killed: {reports:?}"
    );
    let merged = sandbox.command(["report", "merge"]).args(&reports).run();
    let lines: Vec<Value> =
        merged.stdout.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let summary = &lines.last().unwrap_or_else(|| panic!("no lines: {merged}"))["summary"];
    // What the killed process had finished and not told of yet is found by the next try: unchanged.
    let count = |keys: &[&str]| keys.iter().filter_map(|key| summary[key].as_u64()).sum::<u64>();
    let counts = [&["items"][..], &["ok", "unchanged"], &["failed"], &["temporary", "skipped"]].map(count);
    assert_eq!(counts, [200, 199, 1, 0], "{merged}{summary}");
    assert_eq!((merged.code, &summary["interrupted"]), (1, &Value::Bool(false)), "{merged}");
    assert!(merged.stderr.contains(&format!("shard-0000{KILLED}")) && merged.stderr.contains("no summary"), "{merged}");
    let failed = lines.iter().find(|line| line["status"] == "failed").expect("one failed");
    assert_eq!((&failed["in"], &failed["error"]["class"]), (&damaged.into(), &"permanent".into()), "{failed}");

    // One process on one machine makes the same bytes, and the killed one left nothing beside them.
    let alone = BATCH.map(|word| if word == "new" { "alone" } else { word });
    let run = sandbox.command(["batch"]).args(SLOW).args(alone).cwd(&folder).run();
    assert_eq!(run.code, 1, "{run}");
    let (cluster, alone) = (results(&folder.join("new")), results(&folder.join("alone")));
    assert_eq!(cluster.keys().collect::<Vec<_>>(), alone.keys().collect::<Vec<_>>());
    assert!(cluster == alone, "the same bytes");
}
