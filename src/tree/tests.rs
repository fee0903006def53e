//! Names, links, repeated members and what they may take.

use super::*;
use crate::content::Extent;

fn members(list: &[(&str, Member)]) -> Members {
    let mut members = Members::new(&Context::default());
    for (name, member) in list {
        members.insert(name, member.clone()).unwrap();
    }
    members
}

fn file(text: &str) -> Member {
    Member::File(Content::bytes("x".into(), text.into(), text.into()))
}

fn symlink(target: &str) -> Member {
    Member::Symlink(target.into())
}

fn check(list: &[(&str, Member)], name: &str, want: Result<Option<&str>, &str>) {
    let members = members(list);
    let got = members.find(name).map(|found| found.map(|content| content.read(100).unwrap()));
    match want {
        Ok(want) => assert_eq!(got.unwrap().as_deref(), want.map(str::as_bytes), "{name}"),
        Err(want) => assert!(got.unwrap_err().to_string().contains(want), "{name}: {want}"),
    }
}

#[test]
fn names_are_cleaned_on_both_sides() {
    for stored in ["a/b", "./a/b", "/a//b", "a/./b", "c/../a/b"] {
        for asked in ["a/b", "./a/b", "/a/b", "x/../a/b"] {
            check(&[(stored, file("hit"))], asked, Ok(Some("hit")));
        }
    }
    check(&[("a", file("x"))], "b", Ok(None));
    check(&[("a", file("x"))], "../a", Err("outside"));
    check(&[("a", file("x"))], "", Err("empty"));
}

#[test]
fn links_lead_on_in_any_order_and_never_out() {
    check(&[("a/x", symlink("../b/y")), ("b/y", symlink("z")), ("b/z", file("hit"))], "a/x", Ok(Some("hit")));
    check(&[("a/x", symlink("/b")), ("b", file("hit"))], "a/x", Ok(Some("hit")));
    check(&[("d/x", Member::HardLink("d/y".into())), ("d/y", file("hit"))], "d/x", Ok(Some("hit")));
    check(&[("blobs", symlink("store")), ("store/x", file("hit"))], "blobs/x", Ok(Some("hit")));
    check(&[("x", symlink("y")), ("y", symlink("x"))], "x", Err("loop"));
    check(&[("x", symlink("gone"))], "x", Err("not found"));
    check(&[("x", symlink("../../etc/passwd"))], "x", Err("outside"));
    for nowhere in ["", ".", "/", "./"] {
        check(&[("x", symlink(nowhere))], "x", Err("directory"));
        check(&[("x", Member::HardLink(nowhere.into()))], "x", Err("directory"));
    }
    check(&[("x", symlink("/etc/passwd"))], "x", Err("etc/passwd"));
    check(&[("x", Member::Other("a fifo"))], "x", Err("fifo"));
}

#[test]
fn a_name_that_is_there_twice_must_be_the_same_twice() {
    check(&[("a", file("x")), ("./a", file("x"))], "a", Ok(Some("x")));
    check(&[("a", file("x")), ("./a", file("y"))], "a", Err("more than once"));
    check(&[("a", file("x")), ("a", symlink("b"))], "a", Err("more than once"));
}

#[test]
fn what_members_take_is_limited() {
    let sparse = |parts: u64| {
        let extents = (0..parts).map(|at| Extent { at: 2 * at, offset: at, len: 1 }).collect();
        let file = std::fs::File::open("/dev/null").unwrap().into();
        Member::File(Content::archive("x".into(), "sparse".into(), 2 * parts, file, extents))
    };
    let long = "x".repeat(600);
    for (name, member) in [
        (long.as_str(), Member::Directory),
        ("a", symlink(&long)),
        ("a", Member::HardLink(long.clone())),
        ("a", sparse(30)),
    ] {
        let mut members = members(&[]);
        members.limits.member_bytes = 1000;
        members.insert(name, member.clone()).unwrap();
        assert!(!members.are_too_many());
        let error = members.insert(name, member).unwrap_err();
        assert!(error.advice().unwrap().contains("member-bytes"), "{error}");
        assert!(members.are_too_many());
    }
}

#[test]
fn a_folder_around_everything_is_looked_through() {
    let list = [("w/manifest.json", file("hit")), ("w/x/y", file("y"))];
    let mut wrapped = members(&list);
    wrapped.unwrap_folder(&["manifest.json"]);
    assert!(wrapped.contains("manifest.json") && wrapped.find("x/y").unwrap().is_some());
    let mut beside = members(&[&list[..], &[("other", file("z"))]].concat());
    beside.unwrap_folder(&["manifest.json"]);
    assert!(!beside.contains("manifest.json"));
}
