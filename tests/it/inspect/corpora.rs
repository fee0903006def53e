//! Archives that other people's tools made: told of as an independent reader finds them, whatever is wrong with them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::found::{self, View};
use crate::support::shared::{self, shared};
use crate::support::tally::{self, tally};
use crate::support::{Run, Sandbox, Tree};

pub(crate) struct Row {
    path: String,
    pub(crate) file: PathBuf,
    /// What the table says of it: the fixtures' expectation, or the engines' producer.
    column: String,
    kind: String,
}

impl tally::Row for Row {
    fn group(&self) -> String {
        self.column.clone()
    }
    fn name(&self) -> String {
        self.path.clone()
    }
}

/// Reads a table's first column, its `kind`th and its `column`th.
pub(crate) fn rows(root: &Path, table: &str, kind: usize, column: usize) -> Vec<Row> {
    let text = fs::read_to_string(root.join(table)).expect("the archives have a table");
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let file = root.join(columns[0]);
        Row { path: columns[0].into(), file, column: columns[column].into(), kind: columns[kind].into() }
    };
    text.lines().skip(1).map(row).collect()
}

fn run(path: &Path, args: &[&str]) -> Run {
    let sandbox = Sandbox::new();
    let run = sandbox.command(["inspect"]).args([path.as_os_str()]).args(args).run();
    sandbox.assert_holds(&[]);
    assert!(matches!(run.code, 0 | 3 | 4), "{run}");
    if run.code == 0 {
        assert!(!run.stdout.is_empty(), "{run}");
    } else {
        run.error();
    }
    run
}

fn view(path: &Path, kind: &str) -> Option<View> {
    let tree = Tree::read(path);
    if kind.starts_with("oci") { found::oci_view(&tree) } else { found::docker_view(&tree) }
}

fn ids(told: &Value) -> BTreeSet<String> {
    let images = told["images"].as_array().expect("images");
    images.iter().filter_map(|image| image["image_id"].as_str().map(str::to_owned)).collect()
}

/// Holds every image and layer against what an independent reader measured.
fn check_images(told: &Value, view: &View) {
    assert_eq!(ids(told), view.ids().into_iter().collect(), "image IDs");
    for found in &view.images {
        let images = told["images"].as_array().expect("images");
        let same = |image: &&Value| {
            let manifest = image["manifest_digest"].as_str().map(str::to_owned);
            image["image_id"] == found.id() && (found.manifest_digest.is_none() || manifest == found.manifest_digest)
        };
        let image = images.iter().find(same).unwrap_or_else(|| panic!("{} is not told of", found.id()));
        let layers = image["layers"].as_array().expect("layers");
        assert_eq!(layers.len(), found.layers.len(), "layers of {}", found.id());
        for (layer, found) in layers.iter().zip(&found.layers) {
            if layer["present"] == true && !layer["compression"].is_null() {
                assert_eq!(layer["size"], found.size, "{}", found.path);
                assert_eq!(layer["compression"], found.codec.name(), "{}", found.path);
            }
        }
    }
}

#[test]
fn fixtures_are_told_of_as_their_table_says() {
    let Some(root) = shared("fixtures") else { return };
    tally("inspect: fixtures", &rows(&root, "fixtures.tsv", 1, 3), |row| {
        let copy = tempfile::tempdir().expect("a folder for a copy");
        let input = if row.path.starts_with("docker-library__") {
            // Their blobs are links that became files on the way here.
            shared::relink(&row.file, copy.path());
            copy.path()
        } else {
            &row.file
        };
        let json = run(input, &["--json"]);
        let text = run(input, &[]);
        assert_eq!(json.code, text.code, "{json}{text}");
        match row.column.as_str() {
            // Its only layer is a squashfs: an artifact to everybody but its maker.
            "accept" if row.path == "sylabs__oci-tools/test__images__overlayfs-docker-v2-manifest@2e928c07" => {
                assert_eq!(json.json()["images"].as_array().map(Vec::len), Some(0));
            }
            "accept" => {
                assert_eq!(json.code, 0, "{json}");
                let told = json.json();
                assert!(!told["images"].as_array().expect("images").is_empty(), "no image");
                let legacy = told["era"] == "docker before 1.10";
                let hybrid = told["format"] == "hybrid-archive";
                match view(input, &row.kind) {
                    // The halves of a hybrid need not name the same images.
                    Some(view) if hybrid => assert!(ids(&told).is_superset(&view.ids().into_iter().collect())),
                    Some(view) => check_images(&told, &view),
                    None => assert!(legacy, "our own reader finds nothing"),
                }
            }
            "no-image" if json.code == 0 => {
                let told = json.json();
                assert_eq!(told["images"].as_array().map(Vec::len), Some(0), "an image where there is none");
                assert!(!told["others"].as_array().expect("others").is_empty());
            }
            "incomplete" if json.code == 0 => {
                let told = json.json();
                let parts = told["images"].as_array().into_iter().chain(told["others"].as_array()).flatten();
                let missing = parts.chain([&told]).any(|part| !part["missing"].is_null());
                assert!(missing, "nothing is said to be missing: {told}");
            }
            // What is wrong inside layers is not looked for; the rest is refused.
            _ => {}
        }
    });
}

/// Reading layers, listing files and drawing end in an answer or an error, never in anything else.
#[test]
fn every_way_of_looking_at_an_archive_ends_well() {
    for (folder, table) in [("fixtures", "fixtures.tsv"), ("engines", "archives.tsv")] {
        let Some(root) = shared(folder) else { continue };
        tally(&format!("inspect: {folder} in every way"), &rows(&root, table, 1, 1), |row| {
            for args in [
                &["--sizes"][..],
                &["--files", "--image", "@0"],
                &["--largest", "3", "--image", "@0"],
                &["--graph", "svg"],
                &["--format", "{{json .}}"],
            ] {
                let run = Sandbox::new().command(["inspect"]).args([row.file.as_os_str()]).args(args).run();
                assert!(matches!(run.code, 0 | 3 | 4), "{run}");
            }
        });
    }
}

/// What each producer is called in our answer. Those made by hand are left out.
const PRODUCERS: [(&str, &str); 13] = [
    ("buildah", "buildah"),
    ("buildkit", "buildkit"),
    ("crane", "crane"),
    ("ctr/containerd 1.", "ctr 1"),
    ("ctr/containerd 2.", "ctr 2"),
    ("docker 20.", "docker 1.10–24"),
    ("docker 29-dev containerd", "docker 29 (containerd store)"),
    ("podman 4.", "podman 4"),
    ("podman 6.", "podman"),
    ("regctl", "regctl"),
    ("skopeo", "skopeo"),
    ("umoci", "umoci"),
    ("xz", "docker 1.10–24"),
];

#[test]
fn producers_are_known_by_what_they_write() {
    let Some(root) = shared("engines") else { return };
    let known = |row: &Row| PRODUCERS.iter().find(|(producer, _)| row.column.starts_with(producer));
    // `dir:` of skopeo is no archive that is read.
    let rows: Vec<Row> = rows(&root, "archives.tsv", 3, 1)
        .into_iter()
        .filter(|row| known(row).is_some() && !row.path.contains("-dir-"))
        .collect();
    assert!(rows.len() > 30, "{} archives", rows.len());
    tally("inspect: producers", &rows, |row| {
        let told = run(&row.file, &["--json"]).json();
        let (_, want) = known(row).expect("it was filtered so");
        let producer = told["producer"].as_str().unwrap_or_default();
        assert!(producer.contains(want), "{producer:?} for {}", row.column);
    });
}

/// The archives of engines have the IDs that an independent reader gave them.
#[test]
fn archives_of_engines_have_the_ids_that_were_measured() {
    let Some(root) = shared("engines") else { return };
    let table = fs::read_to_string(root.join("results.tsv")).expect("the archives have results");
    let measured: Vec<(String, String)> = table
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|columns| columns[1] == "reference" && columns[4].len() >= 8)
        .map(|columns| (columns[0].to_owned(), columns[4].to_owned()))
        .collect();
    assert!(measured.len() > 60, "{} archives", measured.len());
    let mut told_of = 0;
    for (name, id) in measured {
        let run = run(&root.join(&name), &["--json"]);
        if run.code == 0 {
            told_of += 1;
            let found = ids(&run.json()).iter().any(|own| own["sha256:".len()..].starts_with(&id));
            assert!(found, "{name}: no image {id}");
        }
    }
    assert!(told_of > 55, "{told_of} archives are told of");
}
