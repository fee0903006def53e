//! `transload formats`.

use crate::support::Sandbox;

#[test]
fn formats_are_listed_for_people_and_programs() {
    let sandbox = Sandbox::new();
    let run = sandbox.command(["formats"]).env("COLUMNS", "80").ok();
    let text = String::from_utf8(run.stdout).expect("text");
    let told = sandbox.command(["formats", "--json"]).ok().json();
    assert_eq!(told["schema"], 1);
    let names: Vec<_> = told["formats"].as_array().expect("formats").iter().map(|format| &format["name"]).collect();
    assert_eq!(names, ["docker-archive", "docker-dir", "oci-archive", "oci-dir", "hybrid-archive"]);
    for name in names {
        let name = name.as_str().expect("a name");
        assert!(text.lines().any(|line| line.starts_with(name)), "{name}: {text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

/// What is listed is what converting does: only formats that add can be added to, only those that hold all platforms
/// take them.
#[test]
fn what_is_listed_is_so() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &super::platforms().tree());
    let told = sandbox.command(["formats", "--json"]).ok().json();
    for format in told["formats"].as_array().expect("formats") {
        let name = format["name"].as_str().expect("a name");
        let out = sandbox.path(name);
        let all = sandbox.convert(name, &input, &out).args(["--platform", "all"]).run();
        assert_eq!(all.code == 0, format["platforms"] == true, "{name}: {all}");
        if all.code != 0 {
            sandbox.convert(name, &input, &out).args(["--platform", "linux/amd64"]).ok();
        }
        assert_eq!(out.is_dir(), format["container"] == "folder", "{name}");
        let added = sandbox.convert(name, &input, &out).args(["--append", "--platform", "linux/amd64"]).run();
        assert_eq!(added.code == 0, format["adds"] == true, "{name}: {added}");
        if let Some(alias) = format["alias"].as_str() {
            sandbox.convert(alias, &input, sandbox.path(alias)).args(["--platform", "linux/amd64"]).ok();
        }
    }
}
