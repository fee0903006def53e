//! Adding images to one layout from several programs, some of which are killed: no entry is lost, every blob is whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::{app, docker_tree, killed, list, wait};
use crate::support::layout::{REF_NAME, with};
use crate::support::{Image, Layout, Sandbox, Tree, found, trace};

const WRITERS: usize = 8;

fn tag(number: usize) -> String {
    format!("demo/app:{number}")
}

fn start(sandbox: &Sandbox, input: &str, tag: &str) -> Child {
    let mut command = sandbox.convert("oci-dir", sandbox.path(input), sandbox.path("out")).prepared();
    command.args(["--append", "--tag", tag]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program can be started")
}

/// The names in a layout, each once, after a check of every blob.
#[track_caller]
fn names(layout: &Path) -> BTreeSet<String> {
    let view = found::output(layout, "oci-dir");
    assert!(view.missing.is_empty(), "missing: {:?}", view.missing);
    let names: Vec<String> = view.roots.iter().filter_map(|(_, name)| name.clone()).collect();
    let set: BTreeSet<String> = names.iter().cloned().collect();
    assert_eq!(set.len(), names.len(), "a name is there twice: {names:?}");
    set
}

fn expected(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<String> {
    numbers.into_iter().map(|number| format!("docker.io/{}", tag(number))).collect()
}

/// Images that share a layer.
fn images() -> Vec<Image> {
    let shared = crate::support::image::noise(1, 100_000);
    let own = |number| crate::support::image::noise(100 + number as u64, 50_000);
    (0..WRITERS).map(|number| crate::support::image().layer(shared.clone()).layer(own(number)).tag("x:1")).collect()
}

fn sandbox(images: &[Image]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (number, image) in images.iter().enumerate() {
        sandbox.put_tree(&format!("{number}.tar"), &docker_tree(image));
    }
    sandbox
}

#[test]
fn many_programs_add_to_one_layout_at_once() {
    let images = images();
    for _ in 0..3 {
        let sandbox = sandbox(&images);
        let inputs = sandbox.names();
        let mut children: Vec<Child> = (0..WRITERS).map(|n| start(&sandbox, &format!("{n}.tar"), &tag(n))).collect();
        let codes: Vec<_> = children.iter_mut().map(|child| wait(child).code()).collect();
        assert_eq!(codes, [Some(0); WRITERS]);
        let out = sandbox.path("out");
        assert_eq!(names(&out), expected(0..WRITERS));
        let ids: BTreeSet<String> = found::output(&out, "oci-dir").ids().into_iter().collect();
        assert_eq!(ids, images.iter().map(Image::id).collect());
        assert_eq!(list(&out), ["blobs", "index.json", "oci-layout"]);
        assert_eq!(sandbox.names(), [inputs, vec!["out".to_owned()]].concat());
    }
}

#[test]
fn an_image_of_the_same_name_takes_the_place_of_the_older() {
    let images = images();
    let sandbox = sandbox(&images);
    for (input, name) in [("0.tar", 0), ("1.tar", 1), ("2.tar", 0)] {
        assert!(start(&sandbox, input, &tag(name)).wait().expect("the program ends").success());
    }
    let out = sandbox.path("out");
    assert_eq!(names(&out), expected(0..2));
    let view = found::output(&out, "oci-dir");
    let named: BTreeSet<_> = view.roots.into_iter().filter_map(|(ids, name)| Some((name?, ids))).collect();
    let expected = [(0, 2), (1, 1)].map(|(name, at)| (format!("docker.io/{}", tag(name)), vec![images[at].id()]));
    assert_eq!(named, expected.into());
}

/// All at once, all with one name: the last stays, and the layout is whole.
#[test]
fn many_programs_add_the_same_name_at_once() {
    let images = images();
    let sandbox = sandbox(&images);
    let mut children: Vec<Child> = (0..WRITERS).map(|n| start(&sandbox, &format!("{n}.tar"), &tag(0))).collect();
    let codes: Vec<_> = children.iter_mut().map(|child| wait(child).code()).collect();
    assert_eq!(codes, [Some(0); WRITERS]);
    assert_eq!(names(&sandbox.path("out")), expected([0]));
}

#[test]
fn a_program_that_is_killed_while_it_adds_costs_no_earlier_image() {
    let images = images();
    let sandbox = sandbox(&images);
    sandbox.put_tree("large.tar", &docker_tree(&app(600_000)));
    let out = sandbox.path("out");
    assert!(start(&sandbox, "0.tar", &tag(0)).wait().expect("the program ends").success());
    let started = Instant::now();
    assert!(start(&sandbox, "large.tar", &tag(99)).wait().expect("the program ends").success());
    let took = started.elapsed().min(Duration::from_secs(1));
    let mut there = expected([0, 99]);
    assert_eq!(names(&out), there);
    for moment in 0..20 {
        let mut child = start(&sandbox, "large.tar", &tag(100 + moment));
        thread::sleep(took * (moment as u32 + 1) / 18);
        killed::send(&child, Signal::KILL);
        let done = wait(&mut child).success();
        let now = names(&out);
        assert!(now.is_superset(&there), "an entry is lost: {now:?}");
        let new = expected([100 + moment]);
        assert!(now.difference(&there).all(|name| new.contains(name)), "a strange entry: {now:?}");
        assert!(!done || now.is_superset(&new), "it ended well and added nothing");
        there = now;
    }
    // The dead hold no lock and what they left is in nobody's way.
    assert!(start(&sandbox, "1.tar", &tag(1)).wait().expect("the program ends").success());
    there.extend(expected([1]));
    assert_eq!(names(&out), there);
    assert_eq!(list(&out), ["blobs", "index.json", "oci-layout"]);
}

/// One that is killed while it makes the layout leaves a place where the next one can.
#[test]
fn a_program_that_is_killed_while_it_makes_the_layout_is_in_nobodys_way() {
    let images = images();
    let sandbox = sandbox(&images);
    let out = sandbox.path("out");
    let started = Instant::now();
    assert!(start(&sandbox, "0.tar", &tag(0)).wait().expect("the program ends").success());
    let took = started.elapsed().min(Duration::from_secs(1));
    for moment in 1..=20 {
        fs::remove_dir_all(&out).expect("the layout can be removed");
        let mut child = start(&sandbox, "0.tar", &tag(0));
        thread::sleep(took * moment / 16);
        killed::send(&child, Signal::KILL);
        wait(&mut child);
        assert_eq!(start(&sandbox, "1.tar", &tag(1)).wait().expect("the program ends").code(), Some(0), "{moment}");
        assert!(names(&out).is_superset(&expected([1])));
    }
}

#[test]
fn a_program_that_is_interrupted_while_it_waits_for_its_turn_leaves_nothing() {
    let images = images();
    let sandbox = sandbox(&images);
    assert!(start(&sandbox, "0.tar", &tag(0)).wait().expect("the program ends").success());
    let before = sandbox.names();
    let lock = fs::File::open(sandbox.path("out")).expect("a folder can be opened");
    lock.lock().expect("a folder can be locked");
    let mut child = start(&sandbox, "1.tar", &tag(1));
    killed::wait_until_it_listens(&child, Signal::TERM);
    thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().expect("a child can be waited for").is_none(), "it did not wait");
    killed::send(&child, Signal::TERM);
    assert_eq!(wait(&mut child).code(), Some(143));
    assert_eq!(names(&sandbox.path("out")), expected([0]));
    assert_eq!(sandbox.names(), before);
}

/// What is no layout is not made one, and a layout that cannot be read is not touched.
#[test]
fn nothing_is_added_to_what_is_no_layout() {
    let images = images();
    let tree = super::oci_tree(&images[0]);
    let cases: [(&str, Tree, i32); 5] = [
        ("a home", Tree::default().with_file("letter", "precious"), 5),
        ("a docker-archive's folder", docker_tree(&images[0]), 5),
        ("an index that is no JSON", tree.clone().replace("index.json", "{"), 3),
        ("an index that is no object", tree.clone().replace("index.json", "[]"), 3),
        ("an index of nonsense", tree.replace("index.json", r#"{"manifests":[7]}"#), 3),
    ];
    for (what, tree, code) in cases {
        let sandbox = sandbox(&images[..2]);
        let out = sandbox.put_tree("out", &tree);
        let before = Tree::read(&out);
        let run = sandbox.convert("oci-dir", sandbox.path("1.tar"), &out).args(["--append", "--tag", "b:1"]).run();
        assert_eq!(run.code, code, "{what}: {run}");
        assert_eq!(fs::read(out.join("index.json")).ok(), before.get("index.json").map(<[u8]>::to_vec), "{what}");
        let after = Tree::read(&out);
        assert!(before.members.iter().all(|member| after.members.contains(member)), "{what}: something changed");
        sandbox.assert_holds(&["0.tar", "1.tar", "out"]);
    }
    let sandbox = sandbox(&images[..1]);
    for to in ["docker-archive", "oci-archive", "hybrid-archive", "docker-dir"] {
        sandbox.convert(to, sandbox.path("0.tar"), sandbox.path("out")).arg("--append").fails(2);
    }
    let file = sandbox.put("out", b"precious");
    let run = sandbox.convert("oci-dir", sandbox.path("0.tar"), &file).arg("--append").run();
    assert_eq!(run.code, 5, "{run}");
    assert_eq!(fs::read(&file).expect("it is there"), b"precious");
    sandbox.assert_holds(&["0.tar", "out"]);
}

/// Platforms of one name that come together keep it, each, whatever was there before.
#[test]
fn platforms_that_are_added_together_keep_their_name() {
    let platforms = ["linux/amd64", "linux/arm64"].map(|platform| {
        crate::support::image().layer(crate::support::file("p", platform)).platform(platform).tag("demo/multi:1")
    });
    let mut layout = Layout::new();
    for image in &platforms {
        let descriptor = with(layout.image(image), "platform", image.platform_value());
        layout.root(descriptor, json!({REF_NAME: "docker.io/demo/multi:1"}));
    }
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &layout.tree());
    let out = sandbox.path("out");
    let add = |more: &[&str]| sandbox.convert("oci-dir", &input, &out).arg("--append").args(more).ok();
    add(&["--platform", "linux/amd64", "--tag", "demo/other:1"]);
    for _ in 0..2 {
        add(&[]);
        let roots = found::output(&out, "oci-dir").roots;
        let named = |name: &str| roots.iter().filter(|(_, root)| root.as_deref() == Some(name)).count();
        assert_eq!((roots.len(), named("docker.io/demo/other:1"), named("docker.io/demo/multi:1")), (3, 1, 2));
    }
}

/// What an error says of a limit holds for the index that is there, too.
#[test]
fn limits_hold_for_the_index_that_is_there() {
    let sandbox = sandbox(&images()[..2]);
    let out = sandbox.path("out");
    let add = |input: &str| sandbox.convert("oci-dir", sandbox.path(input), &out).arg("--append");
    add("0.tar").args(["--tag", "a:1"]).ok();
    let index = fs::read_to_string(out.join("index.json")).expect("it is there");
    let many: String = (0..2000).map(|n| format!("\"key{n}\":\"{}\",", "x".repeat(1000))).collect();
    fs::write(out.join("index.json"), index.replacen('{', &format!("{{{many}"), 1)).expect("it can be written");
    for (limit, low, enough) in [("json-values", "1000", "100000"), ("document-bytes", "1000000", "10000000")] {
        let call = |value: &str| add("1.tar").args(["--tag", "b:1", "--limit", &format!("{limit}={value}")]);
        let error = call(low).run();
        assert_eq!(error.code, 3, "{error}");
        assert!(error.stderr.contains(&format!("--limit {limit}=")), "{error}");
        call(enough).ok();
    }
}

/// A folder that cannot be listed is not taken for an empty one: an index must not name what was left behind.
#[test]
fn what_cannot_be_listed_is_an_error() {
    if !trace::is_possible() {
        return;
    }
    let sandbox = sandbox(&images()[..2]);
    let out = sandbox.path("out");
    sandbox.convert("oci-dir", sandbox.path("0.tar"), &out).args(["--append", "--tag", "a:1"]).ok();
    let log = sandbox.tmp().join("log");
    let mut failed = 0;
    let wanted = BTreeSet::from(["docker.io/library/a:1", "docker.io/library/b:1"].map(str::to_owned));
    for number in 1..100 {
        let call = sandbox.convert("oci-dir", sandbox.path("1.tar"), &out).args(["--append", "--tag", "b:1"]);
        let (code, calls) = trace::failing(&call, "getdents64", number, &log);
        // All that is named is there, in any case; taking away what was temporary may fail.
        let names = names(&out);
        assert!(matches!(code, Some(0 | 75)), "call {number}: {code:?}");
        assert!(code == Some(75) || names == wanted, "call {number}: {names:?}");
        failed += usize::from(code == Some(75));
        if !calls.contains("INJECTED") {
            assert!(failed > 4, "{failed}");
            return;
        }
    }
    panic!("it never ended");
}
