//! Several programs at once that write to the same new place: one of them wins, whole; nothing is lost or mixed.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Once;

use transload::{Context, ConvertOptions, ErrorKind, Event, Input, Observer, Output, convert};

use super::{FORMATS, app, docker_tree, list, wait};
use crate::support::{Image, Sandbox, found};

fn start(sandbox: &Sandbox, to: &str, input: &str) -> Child {
    let mut command = sandbox.convert(to, sandbox.path(input), sandbox.path("out")).prepared();
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program can be started")
}

fn images() -> [Image; 4] {
    // Others in content, alike in size: they are done at about the same time.
    [30_000, 30_010, 30_020, 30_030].map(app)
}

#[test]
fn of_several_programs_that_make_one_output_one_succeeds() {
    let images = images();
    for to in FORMATS {
        for _ in 0..4 {
            let sandbox = Sandbox::new();
            let names = ["0.tar", "1.tar", "2.tar", "3.tar"];
            for (name, image) in names.iter().zip(&images) {
                sandbox.put_tree(name, &docker_tree(image));
            }
            let mut children = names.map(|name| start(&sandbox, to, name));
            let codes = children.each_mut().map(|child| wait(child).code().expect("no signal"));
            let winners: Vec<usize> = (0..codes.len()).filter(|&at| codes[at] == 0).collect();
            assert_eq!(winners.len(), 1, "{to}: {codes:?}");
            assert!(codes.iter().all(|code| [0, 5].contains(code)), "{to}: {codes:?}");
            super::assert_whole(&sandbox.path("out"), to, &images[winners[0]]);
            sandbox.assert_holds(&[&names[..], &["out"]].concat());
        }
    }
}

#[test]
fn of_several_programs_that_replace_one_output_the_last_stays() {
    let images = images();
    for to in FORMATS {
        let sandbox = Sandbox::new();
        let names = ["0.tar", "1.tar", "2.tar", "3.tar"];
        for (name, image) in names.iter().zip(&images) {
            sandbox.put_tree(name, &docker_tree(image));
        }
        start(&sandbox, to, "0.tar").wait().expect("the program ends");
        let mut children = names.map(|name| {
            let mut command = sandbox.convert(to, sandbox.path(name), sandbox.path("out")).arg("--force").prepared();
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program can be started")
        });
        let codes = children.each_mut().map(|child| wait(child).code().expect("no signal"));
        assert_eq!(codes, [0; 4], "{to}");
        let ids = found::output(&sandbox.path("out"), to).ids();
        assert!(images.iter().any(|image| ids == [image.id()]), "{to}: a mixture");
        sandbox.assert_holds(&[&names[..], &["out"]].concat());
    }
}

/// Somebody else who does something once, when the first blob is done.
struct Somebody<'a> {
    once: Once,
    act: &'a (dyn Fn() + Sync),
}

impl Observer for Somebody<'_> {
    fn on(&self, event: &Event) {
        if matches!(event, Event::Blob { .. }) {
            self.once.call_once(self.act);
        }
    }
}

/// Converts to `out` in the sandbox while somebody does something there; the error's kind.
fn meanwhile(sandbox: &Sandbox, to: &str, replace: bool, act: &(dyn Fn() + Sync)) -> ErrorKind {
    let input = sandbox.put_tree("in.tar", &docker_tree(&app(1000)));
    let somebody = Somebody { once: Once::new(), act };
    let mut cx = Context::default();
    cx.observer = &somebody;
    cx.temp_dir = Some(sandbox.tmp());
    let mut options = ConvertOptions::new(to.parse().expect("a format"));
    options.replace = replace;
    let out = Output::Path(sandbox.path("folder/out"));
    fs::create_dir(sandbox.path("folder")).expect("a folder can be made");
    let outcome = convert(Input::Path(input), out, &options, &cx);
    assert!(somebody.once.is_completed(), "nobody did anything");
    outcome.expect_err("it does not succeed").kind()
}

#[test]
fn what_somebody_else_made_meanwhile_stays() {
    for to in FORMATS {
        for replace in [false, true] {
            let sandbox = Sandbox::new();
            let out = sandbox.path("folder/out");
            let letter = out.join("letter");
            let make = || {
                fs::create_dir(&out).expect("a folder can be made");
                fs::write(&letter, b"precious").expect("a file can be written");
            };
            let kind = meanwhile(&sandbox, to, replace, &make);
            let is_archive = to.ends_with("archive");
            assert!(kind == ErrorKind::Exists || (is_archive && replace), "{to}: {kind:?}");
            assert_eq!(fs::read(&letter).expect("the letter is there"), b"precious");
            assert_eq!(list(&sandbox.path("folder")), ["out"], "{to}");
        }
        let sandbox = Sandbox::new();
        let out = sandbox.path("folder/out");
        let kind = meanwhile(&sandbox, to, false, &|| fs::write(&out, b"precious").expect("a file can be written"));
        assert!([ErrorKind::Exists, ErrorKind::Environment].contains(&kind), "{to}: {kind:?}");
        assert_eq!(fs::read(&out).expect("the file is there"), b"precious");
        assert_eq!(list(&sandbox.path("folder")), ["out"], "{to}");
    }
}

#[test]
fn a_folder_that_goes_away_meanwhile_is_a_failure_of_the_environment() {
    for to in FORMATS {
        let sandbox = Sandbox::new();
        let (folder, moved) = (sandbox.path("folder"), sandbox.path("moved"));
        let kind = meanwhile(&sandbox, to, false, &|| fs::rename(&folder, &moved).expect("a folder can be renamed"));
        assert_eq!(kind, ErrorKind::Environment, "{to}");
        assert!(!moved.join("out").exists() && !Path::new(&folder).join("out").exists(), "{to}");
        if to.ends_with("archive") {
            sandbox.assert_holds(&["in.tar", "moved"]);
            assert_eq!(list(&moved), [""; 0]);
        }
    }
}
