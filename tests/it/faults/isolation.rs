//! Archives that want out: names, links and digests that point elsewhere, and what the program asks the system for.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{FORMATS, app, docker_tree, oci_tree};
use crate::support::layout::{REF_NAME, blob_path};
use crate::support::trace;
use crate::support::{Image, Kind, Layer, Layout, Sandbox, Tree, sha256};

const SECRET: &str = "secret";

/// A layer that would overwrite the secret if somebody unpacked it.
fn greedy() -> Image {
    let tree = Tree::default()
        .with_file("../secret", "overwritten")
        .with_file("/secret", "overwritten")
        .with("dev", Kind::Symlink("../..".to_owned()))
        .with_file("dev/secret", "overwritten");
    app(1000).layer(Layer::from_tar(tree.tar()))
}

/// What an archive may say to get at the file `secret`, which lies beside input and output.
fn inputs(secret: &Path, image: &Image) -> Vec<(&'static str, Tree)> {
    let absolute = secret.to_str().expect("a path is text");
    let plain = docker_tree(image);
    let item = |key: &str, value: Value| plain.clone().edit_json("manifest.json", |manifest| manifest[0][key] = value);
    let oci = oci_tree(image);
    let blob = blob_path(&sha256(&image.layers[0].blob()));
    let layout = |digest: &str| {
        let mut layout = Layout::new();
        let mut manifest = layout.manifest_of(image);
        manifest["layers"][0]["digest"] = digest.into();
        let descriptor = layout.manifest(&manifest);
        layout.root(descriptor, json!({REF_NAME: "app:1"}));
        layout.tree()
    };
    vec![
        ("a member above.tar", plain.clone().with_file("../secret", "overwritten")),
        ("a member above, by a way round.tar", plain.clone().with_file("a/../../secret", "overwritten")),
        ("an absolute member.tar", plain.clone().with_file(absolute, "overwritten")),
        ("a config above.tar", item("Config", json!("../secret"))),
        ("an absolute layer.tar", item("Layers", json!(["0-0.tar", absolute, "0-2.tar", "0-3.tar"]))),
        ("a layer above.tar", item("Layers", json!(["../secret", "0-1.tar", "0-2.tar", "0-3.tar"]))),
        ("a name above.tar", item("RepoTags", json!(["../../secret:1"]))),
        ("an absolute link.tar", plain.clone().relink("0-0.tar", Kind::Symlink(absolute.to_owned()))),
        ("a link above.tar", plain.relink("0-0.tar", Kind::Symlink("../secret".to_owned()))),
        ("a digest above.tar", layout("sha256:../../../secret")),
        ("an algorithm above.tar", layout(&format!("../../..:{}", "0".repeat(64)))),
        ("a layout with a link out", oci.clone().relink(&blob, Kind::Symlink(absolute.to_owned()))),
        ("a layout with a folder of links", oci.relink(&blob, Kind::Symlink("../../../secret".to_owned()))),
    ]
}

struct Scene {
    sandbox: Sandbox,
    secret: PathBuf,
    before: Vec<u8>,
}

impl Scene {
    /// The secret has the very bytes that are missing, so that nothing but its place can be wrong with it.
    fn new(image: &Image) -> Scene {
        let sandbox = Sandbox::new();
        let before = image.layers[0].blob();
        let secret = sandbox.put(SECRET, &before);
        Scene { sandbox, secret, before }
    }

    #[track_caller]
    fn assert_untouched(&self, what: &str) {
        assert!(fs::read(&self.secret).is_ok_and(|now| now == self.before), "{what}: the secret was touched");
        let strange = self.sandbox.names().into_iter().find(|name| ![SECRET, what, "out"].contains(&name.as_str()));
        assert_eq!(strange, None, "{what}");
    }
}

#[test]
fn no_name_of_an_archive_leads_out_of_it() {
    let image = greedy();
    let scene = Scene::new(&image);
    for (what, tree) in inputs(&scene.secret, &image) {
        let input = scene.sandbox.put_tree(what, &tree);
        for to in FORMATS {
            let out = scene.sandbox.path("out");
            let run = scene.sandbox.convert(to, &input, &out).run();
            assert!(run.code == 3 || (what.contains("member") && run.code == 0), "{what} to {to}: {run}");
            scene.assert_untouched(what);
            if run.code == 0 {
                super::assert_whole(&out, to, &image);
                if out.is_dir() { fs::remove_dir_all(&out) } else { fs::remove_file(&out) }.expect("it can be removed");
            }
        }
        if input.is_dir() { fs::remove_dir_all(&input) } else { fs::remove_file(&input) }.expect("it can be removed");
    }
}

#[test]
fn a_layer_that_wants_out_is_carried_over_and_not_unpacked() {
    let image = greedy();
    let scene = Scene::new(&image);
    let input = scene.sandbox.put_tree("in.tar", &docker_tree(&image));
    for to in FORMATS {
        let out = scene.sandbox.path("out");
        scene.sandbox.convert(to, &input, &out).ok();
        super::assert_whole(&out, to, &image);
        scene.assert_untouched("in.tar");
        if out.is_dir() { fs::remove_dir_all(&out) } else { fs::remove_file(&out) }.expect("it can be removed");
    }
}

/// Asks the kernel: no sockets, no other programs, nothing made or changed outside the folder of the output, no secret
/// opened.
#[test]
fn the_system_is_asked_for_nothing_but_input_and_output() {
    if !trace::is_possible() {
        return;
    }
    let image = greedy();
    let scene = Scene::new(&image);
    let mut inputs = inputs(&scene.secret, &image);
    inputs.push(("in.tar", docker_tree(&image)));
    let log = scene.sandbox.tmp().join("log");
    for (what, tree) in inputs {
        let input = scene.sandbox.put_tree(what, &tree);
        let call = scene.sandbox.convert("oci-dir", &input, scene.sandbox.path("out"));
        let (code, calls) = trace::calls(&call, "%network,%process,%file", &log);
        assert!(matches!(code, Some(0 | 3)), "{what}: {code:?}");
        assert_eq!(calls.matches("execve(").count(), 1, "{what}: another program");
        let here = scene.sandbox.path("");
        for call in calls.lines().filter(|call| !call.contains("execve(")) {
            assert_harmless(call, here.to_str().expect("a path is text"), what);
        }
        for path in [input, scene.sandbox.path("out")].iter().filter(|path| path.exists()) {
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("it can be removed");
        }
    }
}

#[track_caller]
fn assert_harmless(call: &str, here: &str, what: &str) {
    let socket = ["socket(", "connect(", "sendto(", "bind("].iter().any(|word| call.contains(word));
    assert!(!socket, "{what}: the network: {call}");
    let opens = call.contains("open(") || call.contains("openat(");
    // The name stands in the text of links, which are read, not followed.
    assert!(!opens || !call.contains("/secret\""), "{what}: the secret: {call}");
    let writes = opens && ["O_CREAT", "O_WRONLY", "O_RDWR"].iter().any(|flag| call.contains(flag));
    let changes = ["mkdir", "rename", "link(", "linkat(", "unlink", "rmdir", "chmod", "chown", "truncate"];
    let changes = !call.contains("readlink") && changes.iter().any(|word| call.contains(word));
    if writes || changes {
        for path in call.split('"').skip(1).step_by(2) {
            let harmless = path.starts_with(here) || path.starts_with("/proc/self/fd/") || path == "/dev/null";
            let relative = !path.starts_with('/');
            assert!((harmless || relative) && !path.contains(".."), "{what}: {call}");
        }
    }
}
