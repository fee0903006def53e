//! The command: exit codes, several archives, standard input, silence.

use crate::support::{Codec, Sandbox, Style, Tree, docker, file, image};

fn good() -> Tree {
    docker(&[image().layer(file("etc/a", "one")).tag("app:1")], Style::Classic)
}

fn bad() -> Tree {
    docker(&[image().layer(file("etc/a", "one")).tag("app:1")], Style::Plain).remove("0-0.tar")
}

/// An image with a history that does not fit: a warning.
fn odd() -> Tree {
    let history = serde_json::json!({"history": [{}, {}, {}]});
    let mut text = String::from_utf8(image().layer(file("a", "b")).config_bytes()).expect("JSON is text");
    let at = text.find("\"history\":").expect("a history");
    text.replace_range(at..text.rfind('}').expect("an object"), &format!("\"history\":{}", history["history"]));
    docker(&[image().layer(file("a", "b")).raw_config(text).tag("app:1")], Style::Plain)
}

#[test]
fn exit_codes_tell_the_worst_of_all_archives() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("good.tar", &good());
    sandbox.put_tree("folder", &good());
    sandbox.put_tree("bad.tar", &bad());
    sandbox.put_tree("odd.tar", &odd());
    sandbox.put("noise.tar", &[7; 5000]);
    for (args, code) in [
        (&["good.tar"][..], 0),
        (&["folder"], 0),
        (&["good.tar", "folder", "good.tar"], 0),
        (&["odd.tar"], 0),
        (&["--strict", "odd.tar"], 1),
        (&["bad.tar"], 1),
        (&["bad.tar", "good.tar"], 1),
        (&["noise.tar"], 3),
        (&["good.tar", "noise.tar", "bad.tar"], 3),
        (&["bad.tar", "absent.tar", "noise.tar"], 75),
        (&["--from", "oci-archive", "good.tar"], 3),
        (&["--from", "docker-archive", "good.tar"], 0),
        (&["docker-archive:good.tar"], 0),
        (&["docker-archive:good.tar:app:1"], 2),
        (&["-", "-"], 2),
        (&[], 2),
        (&["--json", "--quiet", "good.tar"], 2),
        (&["--codes", "good.tar"], 2),
    ] {
        let run = sandbox.command(["verify"]).args(args).cwd(&sandbox.path("")).run();
        assert_eq!(run.code, code, "{args:?}: {run}");
        // Every archive is told of, whatever the others are.
        if code != 2 {
            let archives = args.iter().filter(|arg| arg.contains("tar") || **arg == "folder");
            let archives = archives.filter(|arg| **arg != "docker-archive" && **arg != "oci-archive").count();
            let summaries =
                String::from_utf8_lossy(&run.stdout).lines().filter(|line| line.contains(" read in ")).count();
            let errors = run.stderr.lines().filter(|line| line.starts_with("transload: ")).count();
            assert_eq!(summaries + errors, archives, "{args:?}: {run}");
        }
    }
    sandbox.assert_holds(&["bad.tar", "folder", "good.tar", "noise.tar", "odd.tar"]);
}

#[test]
fn success_is_one_line_and_a_table_and_quiet_is_nothing() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("good.tar", &good());
    sandbox.put_tree("bad.tar", &bad());
    let run = sandbox.command(["verify"]).arg(sandbox.path("good.tar")).ok();
    let text = String::from_utf8(run.stdout).expect("text");
    assert!(text.starts_with("ok: 1 image, 2 blobs, "), "{text}");
    assert_eq!(text.lines().nth(2), Some("Which engines load it"), "{text}");
    assert_eq!(run.stderr, "");
    for (name, code) in [("good.tar", 0), ("bad.tar", 1)] {
        let run = sandbox.command(["verify", "--quiet"]).arg(sandbox.path(name)).run();
        assert_eq!((run.code, run.stdout.len(), run.stderr.as_str()), (code, 0, ""));
    }
    let run = sandbox.command(["verify"]).args([sandbox.path("good.tar"), sandbox.path("bad.tar")]).run();
    let text = String::from_utf8(run.stdout).expect("text");
    assert!(text.lines().all(|line| line.contains("good.tar: ") || line.contains("bad.tar: ")), "{text}");
}

#[test]
fn standard_input_is_an_archive() {
    let sandbox = Sandbox::new();
    for bytes in [good().tar(), Codec::Zstd.pack(&good().tar())] {
        let run = sandbox.command(["verify", "-"]).stdin(bytes.clone()).ok();
        assert!(run.stdout.starts_with(b"ok: "));
        sandbox.assert_holds(&[]);
    }
    let half = good().tar()[..3000].to_vec();
    let run = sandbox.command(["verify", "--json", "-"]).stdin(half).run();
    assert_eq!((run.code, &run.json()["path"]), (1, &"-".into()), "{run}");
    sandbox.assert_holds(&[]);
}

/// Engines that have to load it decide, too; of a damaged archive nobody says who loads it.
#[test]
fn engines_that_must_load_it_are_asked() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("docker.tar", &good());
    sandbox.put_tree("oci.tar", &crate::support::Layout::new().named(&image().layer(file("a", "b")), "app:1").tree());
    sandbox.put_tree("bad.tar", &bad());
    for (engines, archive, code) in [
        ("docker:20.10", "docker.tar", 0),
        ("docker:20.10,podman", "docker.tar", 0),
        ("podman", "oci.tar", 0),
        ("docker:20.10", "oci.tar", 1),
        ("podman,docker:20.10", "oci.tar", 1),
        ("shoes", "oci.tar", 2),
    ] {
        let run = sandbox.command(["verify", "--for", engines, archive]).cwd(&sandbox.path("")).run();
        assert_eq!(run.code, code, "{engines} {archive}: {run}");
        let text = String::from_utf8_lossy(&run.stdout);
        assert_eq!(text.contains("error: not-loadable: "), code == 1, "{text}");
        // An archive without a fault of its own has its table, and in it the way out.
        assert_eq!(text.contains("Which engines load it"), code != 2, "{text}");
    }
    let run = sandbox.command(["verify", "bad.tar"]).cwd(&sandbox.path("")).run();
    assert!(!String::from_utf8_lossy(&run.stdout).contains("Which engines"), "{run}");
    let run = sandbox.command(["verify", "--json", "oci.tar"]).cwd(&sandbox.path("")).ok();
    let docker = &run.json()["loadability"][0];
    assert_eq!((&docker["engine"], &docker["verdict"]), (&"docker/classic:20.10".into(), &"no".into()));
}

/// One JSON object a line, for every archive, also for what is none.
#[test]
fn json_has_a_line_for_each_archive() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("good.tar", &good());
    sandbox.put_tree("bad.tar", &bad());
    sandbox.put("noise.tar", &[7; 5000]);
    let run = sandbox.command(["verify", "--json", "good.tar", "noise.tar", "bad.tar"]).cwd(&sandbox.path("")).run();
    assert_eq!(run.code, 3, "{run}");
    let lines = String::from_utf8(run.stdout.clone()).expect("JSON is text");
    let answers: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect();
    assert!(answers.iter().all(|answer| answer["schema"] == 1));
    let oks: Vec<_> = answers.iter().map(|answer| (answer["path"].as_str(), answer["ok"].as_bool())).collect();
    assert_eq!(oks, [(Some("good.tar"), Some(true)), (Some("noise.tar"), Some(false)), (Some("bad.tar"), Some(false))]);
    assert!(answers[1]["error"].as_str().is_some_and(|text| text.contains("not a tar archive")), "{}", answers[1]);
    assert_eq!(answers[2]["findings"][0]["code"], "missing");
    assert_eq!((&answers[2]["errors"], &answers[2]["warnings"]), (&1.into(), &0.into()));
}

/// What is found does not depend on how many threads look for it.
#[test]
fn threads_do_not_change_the_answer() {
    let sandbox = Sandbox::new();
    let app = (0..20).fold(image(), |image, n| image.layer(file(&format!("../{n}"), "x"))).tag("Bad Name");
    sandbox.put_tree("in.tar", &docker(&[app], Style::Plain));
    let answers = ["1", "2", "8"].map(|threads| {
        let run = sandbox.command(["verify", "--threads", threads]).arg(sandbox.path("in.tar")).run();
        let text = String::from_utf8(run.stdout).expect("text");
        text.lines().filter(|line| !line.contains(" read in ")).map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(answers[0].len(), 21);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}

/// A limit that is hit is a finding that says which, and none when it is raised.
#[test]
fn limits_are_findings_with_a_way_out() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &good());
    for limit in ["document-bytes=10", "all-document-bytes=600", "json-values=3", "members=3", "names=0", "layers=0"] {
        let run = sandbox.command(["verify", "--limit", limit]).arg(sandbox.path("in.tar")).run();
        let text = String::from_utf8(run.stdout.clone()).expect("text");
        let name = limit.split('=').next().expect("a name");
        assert!(run.code == 1 && text.contains("error: limit: "), "{limit}: {run}{text}");
        assert!(text.contains(&format!("--limit {name}=N")), "{limit}: {text}");
    }
}

#[test]
fn help_tells_of_codes_and_examples() {
    let sandbox = Sandbox::new();
    let help = String::from_utf8(sandbox.command(["verify", "--help"]).ok().stdout).expect("text");
    for word in ["--strict", "--json", "--quiet", "--codes", "--from", "--limit", "--threads", "--tmpdir", "Examples"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    let codes = String::from_utf8(sandbox.command(["verify", "--codes"]).ok().stdout).expect("text");
    for code in transload::Code::ALL {
        assert!(codes.lines().any(|line| line.starts_with(code.name())), "{code}");
    }
}
