//! Whole answers, as people and programs see them. `UPDATE_GOLDEN=1` writes them anew; review them like code.

use std::fs;

use serde_json::Value;

use super::{full, json_of, platforms, text, two_images};
use crate::support::shared::testdata;
use crate::support::{Sandbox, Style, docker};

/// What the predictions for engines begin with: they have tests of their own.
const ENGINES: &str = "\nWhich engines load it\n";

fn check(name: &str, found: &str) {
    check_file(&format!("inspect/{name}"), found);
}

/// Holds an answer against a golden file, or writes that anew.
pub(crate) fn check_file(name: &str, found: &str) {
    let golden = testdata("golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(golden.parent().expect("a folder")).expect("a folder can be made");
        fs::write(&golden, found).expect("the golden file can be written");
    }
    let expected = fs::read_to_string(&golden).expect("the golden file; UPDATE_GOLDEN=1 makes it");
    assert!(found == expected, "{name} changed, if on purpose run with UPDATE_GOLDEN=1; it is now:\n{found}");
}

/// The text before the predictions, which must be there.
fn without_engines(text: &str) -> String {
    let (told, engines) = text.split_once(ENGINES).unwrap_or_else(|| panic!("no word of engines:\n{text}"));
    assert!(engines.starts_with("docker 1.10"), "{engines}");
    assert!(engines.lines().any(|line| line.starts_with("podman load")), "{engines}");
    told.to_owned()
}

#[test]
fn answers_are_pinned() {
    let legacy = docker(&[full().tag("demo/old:1")], Style::Legacy).tar();
    let hybrid = docker(&[full().tag("demo/app:1").tag("demo/app:2")], Style::Hybrid).tar();
    let unnamed = docker(&[full()], Style::Plain).tar();
    for (name, bytes, args) in [
        ("classic", two_images(), &[][..]),
        ("platforms", platforms().tree().tar(), &["--sizes"]),
        ("platforms-in-full", platforms().tree().tar(), &["--no-trunc", "--platform", "linux/amd64"]),
        ("hybrid", hybrid, &[]),
        ("legacy", legacy, &[]),
        ("unnamed", unnamed, &[]),
    ] {
        let sandbox = Sandbox::new();
        sandbox.put("app.tar", &bytes);
        for width in ["80", "120"] {
            let run = sandbox.command(["inspect", "app.tar"]).args(args).env("COLUMNS", width).ok();
            let text = without_engines(&String::from_utf8(run.stdout).expect("text"));
            if !args.contains(&"--no-trunc") {
                let wide = text.lines().find(|line| line.chars().count() > width.parse().expect("a number"));
                assert_eq!(wide, None, "{name}: wider than {width}");
            }
            check(&format!("{name}.{width}.txt"), &text);
        }
        let mut json = json_of(&sandbox, "app.tar", args);
        let engines = json.as_object_mut().and_then(|map| map.remove("loadability"));
        assert!(engines.as_ref().and_then(Value::as_array).is_some_and(|engines| engines.len() > 10), "{engines:?}");
        check(&format!("{name}.json"), &(serde_json::to_string_pretty(&json).expect("JSON") + "\n"));
    }
}

/// Colour is for terminals, and only where it is wanted; the words are the same.
#[test]
fn text_that_goes_to_no_terminal_has_no_colour() {
    let sandbox = Sandbox::new();
    sandbox.put("app.tar", &two_images());
    let plain = text(&sandbox, "app.tar", &[]);
    for (key, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")] {
        let run = sandbox.command(["inspect", "app.tar"]).env(key, value).ok();
        assert_eq!(String::from_utf8(run.stdout).expect("text"), plain, "{key}");
    }
    // What the environment demands, it gets.
    let forced = sandbox.command(["inspect", "app.tar"]).env("CLICOLOR_FORCE", "1").ok();
    assert!(forced.stdout.contains(&0x1b), "no colour where it is forced");
    let never = sandbox.command(["inspect", "app.tar"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").ok();
    assert_eq!(String::from_utf8(never.stdout).expect("text"), plain);
}
