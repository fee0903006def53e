//! How inputs and outputs are named: plain paths, colons in them, `transport:path[:reference]`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::{docker_tree, oci_tree, one};
use crate::support::{Layout, Sandbox, Style, Tree, docker, file, found, image};

#[test]
fn transports_name_format_path_and_image() {
    let second = image().layer(file("c", "three")).tag("other:2");
    let sandbox = Sandbox::new();
    let both = docker(&[one(), second.clone()], Style::Classic);
    sandbox.put_tree("in.tar", &both);
    sandbox.put_tree("layout", &Layout::new().named(&one(), "v1").named(&second, "v2").tree());
    sandbox.put_tree("oci.tar", &Layout::new().named(&one(), "docker.io/library/app:1").named(&second, "v2").tree());
    for (input, expected) in [
        ("docker-archive:in.tar:app:1", one().id()),
        ("docker-archive:in.tar:docker.io/library/other:2", second.id()),
        ("docker-archive:in.tar:@1", second.id()),
        ("docker-archive:in.tar:@0", one().id()),
        ("oci:layout:v2", second.id()),
        ("oci:layout:@0", one().id()),
        ("oci-archive:oci.tar:docker.io/library/app:1", one().id()),
        ("oci-archive:oci.tar:v2", second.id()),
        ("oci-archive:oci.tar:@1", second.id()),
    ] {
        let out = sandbox.path("out");
        sandbox.command(["convert", "--to", "hybrid-archive", "--force", input]).args([&out]).ok();
        assert_eq!(found::output(&out, "hybrid-archive").ids(), [expected], "{input}");
    }
    let message = sandbox.convert("oci-archive", "docker-archive:in.tar:nope:1", "x").fails(4);
    assert!(message.contains("nope:1") && message.contains("app:1"), "{message}");
}

#[test]
fn an_output_can_be_named_as_skopeo_names_it() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &docker(&[one()], Style::Classic));
    for (output, to, path, name) in [
        ("docker-archive:d.tar:reg:5000/new/name:7", "docker-archive", "d.tar", "reg:5000/new/name:7"),
        ("docker-archive:d2.tar", "docker-archive", "d2.tar", "docker.io/library/app:1"),
        ("oci-archive:o.tar:docker.io/new/name:7", "oci-archive", "o.tar", "docker.io/new/name:7"),
        ("oci:layout:new/name:7", "oci-dir", "layout", "docker.io/new/name:7"),
        ("oci:plain", "oci-dir", "plain", "docker.io/library/app:1"),
    ] {
        sandbox.command(["convert", "in.tar", output]).ok();
        assert_eq!(found::output(&sandbox.path(path), to).images[0].names, [name], "{output}");
    }
}

#[test]
fn colons_in_plain_paths_are_part_of_the_path() {
    let sandbox = Sandbox::new();
    for name in ["app:1.tar", "a:b:c", "registry.example:5000.tar", "C:\\images\\app.tar", "-dash.tar"] {
        sandbox.put_tree("in.tar", &docker_tree());
        let input = sandbox.put(name, &docker_tree().tar());
        let out = format!("{name}.out:1");
        sandbox.command(["convert", "--to", "oci-archive", "--", name, &out]).ok();
        assert_eq!(found::output(&sandbox.path(&out), "oci-archive").ids(), [one().id()], "{name}");
        sandbox.convert("oci-archive", input, sandbox.path(&format!("{name}.absolute"))).ok();
    }
    // A path that begins like a transport can be written with a folder before it.
    sandbox.put("oci:x", &docker_tree().tar());
    sandbox.convert("oci-archive", "./oci:x", "./docker-archive:y").ok();
    assert_eq!(found::output(&sandbox.path("docker-archive:y"), "oci-archive").ids(), [one().id()]);
}

#[test]
fn options_and_transports_may_not_contradict_each_other() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("in.tar", &docker_tree());
    for args in [
        ["--from", "oci-archive", "--to", "oci-dir", "docker-archive:in.tar", "x"],
        ["--from", "docker-archive", "--to", "oci-dir", "in.tar", "docker-archive:x"],
    ] {
        let run = sandbox.command(["convert"]).args(args).run();
        assert_eq!(run.code, 2, "{run}");
    }
    sandbox.assert_holds(&["in.tar"]);
}

#[test]
fn symlinks_to_inputs_are_followed() {
    let sandbox = Sandbox::new();
    let archive = sandbox.put_tree("real.tar", &docker_tree());
    let folder = sandbox.put_tree("real", &oci_tree());
    for (target, name) in [(archive, "a"), (folder, "b")] {
        std::os::unix::fs::symlink(target, sandbox.path(name)).expect("a link can be made");
        sandbox.convert("hybrid-archive", name, format!("{name}.out")).ok();
        assert_eq!(found::output(&sandbox.path(&format!("{name}.out")), "hybrid-archive").ids(), [one().id()]);
    }
}

#[test]
fn an_input_with_nothing_in_it_says_so() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("empty")).expect("a folder can be made");
    sandbox.put_tree("plain.tar", &Tree::default().with_file("hello", "world"));
    sandbox.put("null.tar", b"");
    for name in ["empty", "plain.tar", "null.tar"] {
        let message = sandbox.convert("oci-archive", name, "out").fails(3);
        assert!(message.contains(name), "{message}");
    }
    sandbox.assert_holds(&["empty", "null.tar", "plain.tar"]);
}

#[test]
fn paths_need_not_be_utf8() {
    let sandbox = Sandbox::new();
    let name = |bytes: &[u8]| sandbox.path("x").with_file_name(OsStr::from_bytes(bytes));
    std::fs::write(name(b"in\xff.tar"), docker_tree().tar()).expect("an input can be written");
    sandbox.convert("oci-archive", name(b"in\xff.tar"), name(b"out\xfe")).args(["--json"]).ok();
    assert_eq!(found::output(&name(b"out\xfe"), "oci-archive").ids(), [one().id()]);
    sandbox.convert("oci-archive", name(b"absent\xff"), name(b"x")).fails(75);
}
