//! Many small archives that share layers, batches of them, and what became of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use transload::batch::{BatchOptions, Items, Naming, Record, Summary, Task, run};
use transload::{Context, ConvertOptions, Format, Limits, Observer};

use crate::support::image::noise;
use crate::support::run::Call;
use crate::support::{Codec, Image, Kind, Layer, Layout, Run, Sandbox, Style, Tree, docker, file, image};

/// A batch that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Layers that are large enough to be shared: one that compresses well, one that does not.
static BASES: LazyLock<[Layer; 2]> = LazyLock::new(|| [text(1, 900_000), noise(7, 400_000)]);

/// A layer of so many bytes of text.
pub(super) fn text(seed: usize, len: usize) -> Layer {
    let lines: String =
        (0..len / 60 + 1).map(|n| format!("{seed:06} {:016x} and so on, and on and on\n", n * n)).collect();
    Layer::from_tar(Tree::default().with("text", Kind::File(lines.into_bytes())).tar())
}

/// An image with layers that others have, too.
pub(super) fn member(number: usize) -> Image {
    let base = BASES.iter().take(number % 3).fold(image(), |image, layer| image.layer(layer.clone()));
    base.layer(file("etc/number", &number.to_string())).tag(&format!("demo/app:{number}"))
}

/// A folder `in` of archives and layouts, and what can be said of results in `out`.
pub(super) struct Fleet {
    pub(super) sandbox: Sandbox,
    pub(super) images: BTreeMap<String, Image>,
}

impl Fleet {
    /// Makes so many archives, by turns of each kind, in folders below `in`.
    pub(super) fn new(number: usize) -> Fleet {
        let fleet = Fleet { sandbox: Sandbox::new(), images: BTreeMap::new() };
        fs::create_dir(fleet.sandbox.path("in")).expect("a folder can be made");
        (0..number).fold(fleet, |fleet, n| fleet.with(&format!("{}/app-{n:03}.tar", n % 4), member(n), n))
    }

    /// Adds an archive below `in`; `kind` says of which of four kinds.
    pub(super) fn with(mut self, name: &str, image: Image, kind: usize) -> Fleet {
        self.put(name, &image, kind);
        self.images.insert(name.strip_suffix(".tar").unwrap_or(name).to_owned(), image);
        self
    }

    pub(super) fn put(&self, name: &str, image: &Image, kind: usize) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        let gzip = image.clone().codec(Codec::Gzip);
        let oci = |image: &Image| Layout::new().named(image, &format!("docker.io/{}", image.names[0])).tree();
        match kind % 4 {
            0 => fs::write(path, docker(std::slice::from_ref(image), Style::Plain).tar()),
            1 => fs::write(path, oci(&gzip).tar()),
            2 => fs::write(path, Codec::Gzip.pack(&docker(std::slice::from_ref(image), Style::Skopeo).tar())),
            _ => fs::write(path, oci(&image.clone().codec(Codec::Zstd)).tar()),
        }
        .expect("an archive can be written");
    }

    /// A path below `in`.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.sandbox.path("in").join(name)
    }

    /// `transload batch --to FORMAT --out out --report report.jsonl in`, to be added to.
    pub(super) fn batch(&self, to: &str) -> Call<'_> {
        self.call(to, "report.jsonl").arg("in")
    }

    /// The same without a source, and with another report.
    pub(super) fn call(&self, to: &str, report: &str) -> Call<'_> {
        self.sandbox.command(["batch", "--to", to, "--out", "out", "--report", report])
    }

    /// Converts all through the library, with an observer; fails the test when that hangs.
    pub(super) fn through_the_library(
        &self,
        to: Format,
        threads: NonZeroUsize,
        observer: impl Observer + Send + 'static,
        ended: impl Fn(&Record) + Send + Sync + 'static,
    ) -> transload::Result<Summary> {
        let (input, out) = (self.path(""), self.sandbox.path("out"));
        let (done, wait) = mpsc::channel();
        thread::spawn(move || {
            let naming = Naming::new(Some(to), out.clone());
            let mut items = Items::default();
            items.add_source(&input, &naming, &Limits::default()).expect("the folder can be read");
            let mut options = BatchOptions::new(Task::Convert(Box::new(ConvertOptions::new(to))), out);
            options.retries = 0;
            let mut cx = Context::default();
            (cx.observer, cx.threads) = (&observer, threads);
            // Whoever waits may have given up.
            let _ = done.send(run(items, &options, &cx, &ended));
        });
        wait.recv_timeout(PATIENCE).expect("it does not hang")
    }

    pub(super) fn report(&self) -> Report {
        Report::read(&self.sandbox.path("report.jsonl"))
    }

    /// Fails unless `out` holds a whole result for each image and nothing else but the journal's folder.
    #[track_caller]
    pub(super) fn assert_whole(&self, to: &str) {
        self.assert_holds(to, self.images.keys());
    }

    /// The same, with results of these archives only.
    #[track_caller]
    pub(super) fn assert_holds<'a>(&self, to: &str, names: impl IntoIterator<Item = &'a String>) {
        let mut want = BTreeSet::new();
        for name in names {
            let output = format!("{name}.{}", extension(to));
            let found = crate::support::found::output(&self.sandbox.path("out").join(&output), to);
            assert_eq!(found.ids(), [self.images[name].id()], "{output}");
            want.insert(output);
        }
        assert_eq!(outputs(&self.sandbox.path("out")), want);
    }
}

fn extension(to: &str) -> &'static str {
    match to {
        "docker-archive" => "docker.tar",
        "docker-dir" => "docker",
        "oci-archive" => "oci.tar",
        "oci-dir" => "oci",
        _ => "hybrid.tar",
    }
}

/// What a batch left below its output folder, without the journal's folder. A layout counts as one.
pub(super) fn outputs(out: &Path) -> BTreeSet<String> {
    if !out.exists() {
        return BTreeSet::new();
    }
    let walk = walkdir::WalkDir::new(out).min_depth(1).into_iter();
    let inside = |path: &Path| {
        path.parent()
            .is_some_and(|folder| folder.join("manifest.json").is_file() || folder.join("index.json").is_file())
    };
    let walk = walk.filter_entry(|entry| {
        entry.depth() == 0 || (!entry.file_name().to_string_lossy().starts_with(".transload") && !inside(entry.path()))
    });
    let paths = walk.map(|entry| entry.expect("a folder can be read").into_path());
    let is_output =
        |path: &PathBuf| path.is_file() || path.join("index.json").is_file() || path.join("manifest.json").is_file();
    paths
        .filter(is_output)
        .map(|path| path.strip_prefix(out).expect("it is below").to_string_lossy().into_owned())
        .collect()
}

/// The bytes of all results.
pub(super) fn contents(out: &Path) -> BTreeMap<String, Tree> {
    let read = |name: &String| {
        let path = out.join(name);
        // The bytes of archives count, not only their members.
        if path.is_dir() {
            Tree::read(&path)
        } else {
            Tree::default().with_file("whole", fs::read(path).expect("it is there"))
        }
    };
    outputs(out).into_iter().map(|name| (name.clone(), read(&name))).collect()
}

/// A report: a line for each item, and one for all unless the process was killed.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) items: Vec<Value>,
    pub(super) summary: Option<Value>,
}

impl Report {
    pub(super) fn read(path: &Path) -> Report {
        Report::of(&fs::read(path).unwrap_or_default())
    }

    pub(super) fn of(bytes: &[u8]) -> Report {
        let mut report = Report { items: Vec::new(), summary: None };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            // A process that was killed may have left a line without an end.
            let Some(line) = line.strip_suffix(b"\n") else { continue };
            let line: Value = serde_json::from_slice(line).expect("each line is JSON");
            assert_eq!(line["schema"], 1);
            match line.get("summary") {
                Some(summary) => report.summary = Some(summary.clone()),
                None => report.items.push(line),
            }
        }
        report
    }

    /// The items of a status, sorted.
    pub(super) fn with(&self, status: &str) -> Vec<String> {
        let items = self.items.iter().filter(|item| item["status"] == status);
        let mut names: Vec<_> = items.map(|item| item["item"].as_str().expect("a key").to_owned()).collect();
        names.sort();
        names
    }

    /// How many items there are of each status, in the order ok, unchanged, failed, skipped.
    pub(super) fn counts(&self) -> [usize; 4] {
        ["ok", "unchanged", "failed", "skipped"].map(|status| self.with(status).len())
    }

    #[track_caller]
    pub(super) fn item(&self, key: &str) -> &Value {
        self.items.iter().find(|item| item["item"] == key).unwrap_or_else(|| panic!("no {key}: {:?}", self.items))
    }

    #[track_caller]
    pub(super) fn code(&self, key: &str) -> &str {
        self.item(key)["error"]["code"].as_str().unwrap_or_else(|| panic!("no error: {}", self.item(key)))
    }
}

/// Runs a batch that has to end with `code`; what it says of items are several lines.
#[track_caller]
pub(super) fn ends(call: Call<'_>, code: i32) -> Run {
    let run = call.run();
    assert_eq!(run.code, code, "{run}");
    run
}
