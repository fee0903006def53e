//! Configs are compared by what they mean, and what differs is told field by field.

use serde_json::{Value, json};

use super::{compare, lines, text};
use crate::support::{Image, file, image};

fn with(extra: Value) -> Image {
    image().layer(file("a", "one")).tag("app:1").config(extra)
}

#[test]
fn what_docker_reads_alike_is_the_same() {
    let base = json!({"config": {"Cmd": ["/x"], "Env": ["A=1"]}});
    for other in [
        json!({"config": {"Env": ["A=1"], "Cmd": ["/x"]}}),
        json!({"config": {"Cmd": ["/x"], "Env": ["A=1"], "Labels": null, "Volumes": {}, "Tty": false, "User": ""}}),
        json!({"CONFIG": {"cmd": ["/x"], "env": ["A=1"]}}),
        json!({"config": {"Cmd": ["/x"], "Env": ["A=1"]}, "author": "", "container_config": null}),
    ] {
        let run = compare(&with(base.clone()), &with(other.clone()), &[]);
        assert_eq!(run.code, 0, "{other}: {}", text(&run));
        // The IDs differ all the same, and that is told.
        assert!(text(&run).contains("  image ID: "), "{}", text(&run));
    }
}

#[test]
fn every_field_that_differs_is_told() {
    let cmd = |words: &[&str]| json!({"config": {"Cmd": words, "Healthcheck": {"Test": ["CMD", "/x"]}}});
    for (a, b, want) in [
        (cmd(&["a"]), cmd(&["b"]), vec![r#"config: Cmd: ["a"] → ["b"]"#]),
        (
            json!({"config": {"Env": ["PATH=/bin", "A=1"], "Labels": {"x": "1", "y": "2"}}}),
            json!({"config": {"Env": ["PATH=/sbin", "A=1", "B="], "Labels": {"y": "2", "z": "3"}}}),
            vec![
                r#"config: Env["PATH"]: "/bin" → "/sbin""#,
                r#"config: Env["B"]: (none) → """#,
                r#"config: Labels["x"]: "1" → (none)"#,
                r#"config: Labels["z"]: (none) → "3""#,
            ],
        ),
        (
            json!({"config": {"Env": ["A=1", "B=2"]}}),
            json!({"config": {"Env": ["B=2", "A=1"]}}),
            vec![r#"config: Env: ["A=1","B=2"] → ["B=2","A=1"]"#],
        ),
        (
            json!({}),
            json!({"author": "me", "new": 1}),
            vec![r#"config: author: (none) → "me""#, "config: new: (none) → 1"],
        ),
        (
            json!({"config": {"Healthcheck": {"Test": ["NONE"]}, "StopTimeout": 0}}),
            json!({"config": {}}),
            vec![r#"config: Healthcheck: {"Test":["NONE"]} → (none)"#, "config: StopTimeout: 0 → (none)"],
        ),
    ] {
        let run = compare(&with(a), &with(b), &[]);
        assert_eq!((run.code, lines(&run)), (1, want.into_iter().map(str::to_owned).collect()));
    }
}

#[test]
fn history_is_one_line_unless_all_is_wanted() {
    let history = |commands: [&str; 2]| {
        let entries: Vec<Value> = commands.iter().map(|command| json!({"created_by": command})).collect();
        let base = with(json!({}));
        let mut config: Value = serde_json::from_slice(&base.config_bytes()).expect("a config");
        config["history"] = json!(entries);
        base.raw_config(config.to_string())
    };
    let (a, b) = (history(["x", "y"]), history(["x", "z"]));
    assert_eq!(lines(&compare(&a, &b, &[])), ["config: history: 1 entry differs (--all lists them)"]);
    assert_eq!(lines(&compare(&a, &b, &["--all"])), [r#"config: history[1].created_by: "y" → "z""#]);
    let json = compare(&a, &b, &["--json"]).json();
    assert_eq!(json["images"][0]["config"], json!([{"path": "history[1].created_by", "a": "y", "b": "z"}]));
}

#[test]
fn long_values_are_cut_and_many_fields_are_counted() {
    let labels = |n: usize| json!({"config": {"Labels": (0..n).map(|n| (n.to_string(), json!("x"))).collect::<serde_json::Map<_, _>>()}});
    let told = lines(&compare(&with(labels(0)), &with(labels(50)), &[]));
    assert_eq!(told.len(), 41);
    assert_eq!(told[40], "and 10 more (--all lists them)");
    assert_eq!(lines(&compare(&with(labels(0)), &with(labels(50)), &["--all"])).len(), 50);
    let long = |c: &str| json!({"author": c.repeat(500)});
    let told = lines(&compare(&with(long("é")), &with(long("x")), &[]));
    assert!(told[0].chars().count() < 120 && told[0].contains('…'), "{told:?}");
    let told = lines(&compare(&with(long("é")), &with(long("x")), &["--all"]));
    assert!(told[0].contains(&"é".repeat(500)));
}

#[test]
fn values_that_harm_a_terminal_are_escaped() {
    let evil = json!({"config": {"Labels": {"a\u{1b}[2J\u{202e}": "\u{9b}31m\u{200b}"}}});
    for args in [&[][..], &["--all"], &["--json"]] {
        let text = text(&compare(&with(json!({})), &with(evil.clone()), args));
        let harmful = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{200b}');
        assert!(!text.contains(harmful), "{text:?}");
        assert!(text.contains("u202e") || text.contains("u{202e}"), "{text:?}");
    }
}
