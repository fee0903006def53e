//! `--ignore`: each word leaves out what it says and nothing else.

use serde_json::{Value, json};

use super::entry::{Entry, layer, text};
use super::{compare, diff, lines};
use crate::support::{Image, Layout, Sandbox, image};

const WORDS: [&str; 11] = [
    "names",
    "platform",
    "annotations",
    "config",
    "created",
    "history",
    "layers",
    "timestamps",
    "owners",
    "modes",
    "xattrs",
];

fn base() -> Image {
    with(text("f", "one"))
}

fn with(entry: Entry) -> Image {
    image().layer(layer(&[entry])).tag("app:1")
}

/// The image with another config.
fn edited(edit: impl FnOnce(&mut Value)) -> Image {
    let mut config: Value = serde_json::from_slice(&base().config_bytes()).expect("a config");
    edit(&mut config);
    base().raw_config(config.to_string())
}

/// The image with the layers and the config of its own that lead to other diff_ids only.
fn split() -> Image {
    image().layer(layer(&[text("f", "zero")])).layer(layer(&[text("f", "one")])).tag("app:1")
}

#[test]
fn each_word_leaves_out_what_it_says() {
    let history =
        |config: &mut Value| config["history"] = json!([{"created_by": "test", "created": "2020-01-01T00:00:00Z"}]);
    for (what, other, enough) in [
        (
            "a name",
            {
                let mut image = base();
                image.names = vec!["other:1".to_owned()];
                image
            },
            &["names"][..],
        ),
        ("a platform", base().platform("linux/arm64"), &["platform", "config"]),
        ("a variant", base().platform("linux/amd64/v2"), &["platform", "config"]),
        ("a command", edited(|config| config["config"]["Cmd"] = json!(["/y"])), &["config"]),
        (
            "a date",
            edited(|config| config["created"] = json!("2020-01-01T00:00:00Z")),
            &["created", "timestamps", "config"],
        ),
        ("a history", edited(|config| config["history"] = json!([])), &["history", "config"]),
        ("a date in the history", edited(history), &["history", "timestamps", "config"]),
        ("a time", with(text("f", "one").mtime(1)), &["timestamps"]),
        ("an owner", with(text("f", "one").owner(1, 0)), &["owners"]),
        ("a mode", with(text("f", "one").mode(0o600)), &["modes"]),
        ("an attribute", with(text("f", "one").record("SCHILY.xattr.user.a", b"b")), &["xattrs"]),
        ("nothing but layers", split(), &["layers", "timestamps", "owners", "modes", "xattrs"]),
        ("contents", with(text("f", "two")), &[]),
    ] {
        assert_eq!(compare(&base(), &other, &[]).code, 1, "{what}");
        for word in WORDS {
            let history = if what == "nothing but layers" { ",history" } else { "" };
            let run = compare(&base(), &other, &["--ignore", &format!("{word}{history}")]);
            // The platform tells in two places.
            let platform = ["a platform", "a variant"].contains(&what) && word == "config";
            let code = i32::from(!enough.contains(&word) || platform);
            assert_eq!(run.code, code, "{what}, --ignore {word}: {}", super::text(&run));
        }
    }
}

#[test]
fn words_are_joined_by_commas_and_repeated() {
    let other = edited(|config| {
        config["created"] = json!("2020-01-01T00:00:00Z");
        config["history"] = json!([]);
    });
    assert_eq!(compare(&base(), &other, &["--ignore", "created"]).code, 1);
    assert_eq!(compare(&base(), &other, &["--ignore", "created,history"]).code, 0);
    assert_eq!(compare(&base(), &other, &["--ignore", "created", "--ignore=history"]).code, 0);
}

#[test]
fn layers_that_do_not_count_are_mentioned() {
    let run = compare(&base(), &with(text("f", "one").mtime(1)), &["--ignore", "timestamps"]);
    assert_eq!(lines(&run), ["files: the same", "note: the layers differ, but only their files count here"]);
    // Without files there is nothing else that could count.
    let run = compare(&base(), &with(text("f", "one").mtime(1)), &["--ignore", "timestamps", "--no-files"]);
    assert_eq!(run.code, 1);
    assert!(lines(&run)[0].starts_with("layer 1: "), "{:?}", lines(&run));
}

#[test]
fn a_platform_that_only_an_index_tells_counts_too() {
    let sandbox = Sandbox::new();
    let layout = |variant: &str| {
        let mut layout = Layout::new();
        let mut child = layout.image(&base());
        child["platform"] = json!({"os": "linux", "architecture": "amd64", "variant": variant});
        let index = layout.index(&[child]);
        layout.root(index, json!({"org.opencontainers.image.ref.name": "app:1"}));
        layout.tree()
    };
    sandbox.put_tree("a", &layout("v1"));
    sandbox.put_tree("b", &layout("v2"));
    let run = diff(&sandbox, "a", "b", &[]);
    assert_eq!((run.code, lines(&run)), (1, vec!["platform: linux/amd64/v1 → linux/amd64/v2".to_owned()]));
    assert_eq!(diff(&sandbox, "a", "b", &["--ignore", "platform"]).code, 0);
}

#[test]
fn typos_are_refused_with_what_was_meant() {
    let sandbox = Sandbox::new();
    for (typed, meant) in
        [("name", "names"), ("timestamp", "timestamps"), ("ownrs", "owners"), ("names,histroy", "history")]
    {
        let run = sandbox.command(["diff", "a", "b", "--ignore", typed]).run();
        assert_eq!(run.code, 2, "{run}");
        assert!(run.stderr.contains(&format!("'{meant}'")), "{run}");
    }
}
