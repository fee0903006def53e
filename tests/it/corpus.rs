//! Malformed and odd inputs, one fault or oddity each: read exactly, or refused by name, quickly, in little
//! memory and without a trace.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::support::found;
use crate::support::shared::{self, shared};
use crate::support::tally::{self, tally};
use crate::support::{Run, Sandbox};

/// Whatever the input claims, no more memory than this is touched.
const MEMORY_KIB: u64 = 64 * 1024;

/// A refusal takes less of the processor's time than this, and is not delayed by anything else.
const PATIENCE: Duration = Duration::from_secs(2);
const WALL: Duration = Duration::from_secs(20);

pub(crate) struct Case {
    pub(crate) id: String,
    category: String,
    pub(crate) format: String,
    pub(crate) accept: bool,
    pub(crate) names: Vec<String>,
    diff_ids: Option<Vec<String>>,
    raw: Option<Vec<u8>>,
    reference: Option<String>,
    /// The case is about a symlink, which did not survive the way here.
    pub(crate) has_links: bool,
    pub(crate) path: PathBuf,
}

impl tally::Row for Case {
    fn group(&self) -> String {
        self.category.clone()
    }
    fn name(&self) -> String {
        self.id.clone()
    }
}

pub(crate) fn cases(root: &Path) -> Vec<Case> {
    let text = fs::read(root.join("cases.json")).expect("the corpus has a list");
    let list: Vec<Value> = serde_json::from_slice(&text).expect("the list is JSON");
    list.iter().map(|item| case(root, item)).collect()
}

fn case(root: &Path, item: &Value) -> Case {
    let text = |key: &str| item[key].as_str().map(str::to_owned);
    let strings = |key: &str| {
        let list = item[key].as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    };
    let id = text("id").expect("a case has an id");
    let format = text("format").expect("a case has a format");
    let path = root.join(if format == "oci" { id.clone() } else { format!("{id}.tar") });
    Case {
        id,
        category: text("category").expect("a case has a category"),
        format,
        accept: item["expect"] == "accept",
        names: strings("names").unwrap_or_default(),
        diff_ids: strings("diff_ids").filter(|_| item["expect"] == "accept"),
        raw: text("raw").map(|hex| bytes_of(&hex)),
        reference: text("ref"),
        has_links: item["special"] == "symlink",
        path,
    }
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("hex digits")).collect()
}

#[test]
fn odd_inputs_convert_and_broken_ones_are_named() {
    let Some(root) = shared("malformed") else { return };
    tally("malformed", &cases(&root), check_case);
}

fn check_case(case: &Case) {
    let sandbox = Sandbox::on_disk();
    // A neutral name, so that no word of the case's own name can pass for an explanation.
    let input = sandbox.path("in");
    let copy = tempfile::tempdir().expect("a folder for a copy");
    if case.has_links {
        shared::relink(&case.path, copy.path());
        symlink(copy.path(), &input)
    } else {
        symlink(&case.path, &input)
    }
    .expect("a link can be made");
    let to = if case.format == "docker-archive" { "oci-archive" } else { "docker-archive" };
    let mut call = sandbox.convert(to, &input, sandbox.path("out")).args(["--from", &case.format]);
    if let Some(reference) = &case.reference {
        call = call.args(["--image", reference]);
    }
    if case.id == "graph-platform-none" {
        call = call.args(["--platform", "linux/amd64"]);
    }
    let run = call.run();
    if let Some(raw) = &case.raw {
        let leaks = run.stderr.as_bytes().windows(raw.len()).any(|bytes| bytes == raw);
        assert!(!leaks, "raw bytes reach the terminal: {run}");
    }
    if case.accept {
        check_accepted(case, &sandbox, &run, to);
    } else {
        check_refused(case, &sandbox, &run, &input);
    }
    assert!(run.peak_kib < MEMORY_KIB, "{} KiB of memory: {run}", run.peak_kib);
}

fn check_accepted(case: &Case, sandbox: &Sandbox, run: &Run, to: &str) {
    assert_eq!(run.code, 0, "{run}");
    sandbox.assert_holds(&["in", "out"]);
    let out = sandbox.path("out");
    let diff_ids = if fs::metadata(&out).expect("an output").len() > 1 << 30 {
        streamed_layers(&out)
    } else {
        let output = found::output(&out, to);
        assert_eq!(output.images.len(), 1, "one image");
        output.images[0].diff_ids()
    };
    if let Some(expected) = &case.diff_ids {
        assert_eq!(&diff_ids, expected, "layers");
    }
}

/// The digests of the layers of a docker-archive that is too large to be held, in the order of the file.
fn streamed_layers(path: &Path) -> Vec<String> {
    let mut archive = tar::Archive::new(io::BufReader::new(fs::File::open(path).expect("an output")));
    let mut digests = Vec::new();
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("a member");
        let is_layer = entry.path_bytes().ends_with(b".tar") && entry.header().entry_type().is_file();
        if is_layer {
            let mut hasher = crate::support::codec::Hasher::default();
            io::copy(&mut entry, &mut hasher).expect("a member can be read");
            digests.push(hasher.digest());
        }
    }
    digests
}

fn check_refused(case: &Case, sandbox: &Sandbox, run: &Run, input: &Path) {
    assert!(matches!(run.code, 3 | 4), "{run}");
    sandbox.assert_holds(&["in"]);
    let path = input.to_string_lossy().into_owned();
    assert_eq!(run.error().matches(&path).count(), 1, "the input is named once: {run}");
    let message = run.error().replace(&path, "");
    for name in &case.names {
        let said = name.split('|').any(|word| says(&message, word, &case.names));
        assert!(said, "does not say {name:?}: {run}");
    }
    assert!(run.cpu < PATIENCE && run.took < WALL, "takes {:?}, {:?} of work: {run}", run.took, run.cpu);
}

/// Words in lower case match in any case, unless the case is what they tell apart.
fn says(message: &str, word: &str, names: &[String]) -> bool {
    let twin = |other: &String| other != word && other.eq_ignore_ascii_case(word);
    if word.contains(char::is_uppercase) || names.iter().any(twin) {
        return message.contains(word);
    }
    message.to_lowercase().contains(word)
}
