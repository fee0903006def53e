use proptest::prelude::*;
use tar::{Builder, EntryType, Header};

use super::super::entry::{FileKind, Time, Xattrs, shown};
use super::*;

/// What a scanner told of one tar.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    entries: Vec<(Entry, Vec<u8>)>,
    ended: usize,
    problems: Vec<Problem>,
}

impl Heard {
    fn faults(&self) -> Vec<&Fault> {
        self.problems.iter().map(|problem| &problem.what).collect()
    }

    fn paths(&self) -> Vec<String> {
        self.entries.iter().map(|(entry, _)| String::from_utf8_lossy(&entry.path).into_owned()).collect()
    }
}

fn scan_with<'b>(slices: impl Iterator<Item = &'b [u8]>, limits: &Limits) -> Heard {
    let mut heard = Heard::default();
    let mut sink = |event: Event<'_>| {
        match event {
            Event::Entry(entry) => heard.entries.push((entry.clone(), Vec::new())),
            Event::Contents(bytes) => heard.entries.last_mut().unwrap().1.extend_from_slice(bytes),
            Event::Hole(len) => {
                let contents = &mut heard.entries.last_mut().unwrap().1;
                contents.resize(contents.len() + usize::try_from(len).unwrap(), 0);
            }
            Event::End => heard.ended += 1,
            Event::Problem(problem) => heard.problems.push(problem),
        }
        Ok(())
    };
    let mut scanner = Scanner::new(limits);
    for slice in slices {
        scanner.push(slice, &mut sink).unwrap();
    }
    scanner.finish(&mut sink).unwrap();
    heard
}

fn scan(tar: &[u8]) -> Heard {
    scan_with(std::iter::once(tar), &Limits::default())
}

fn header(kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header
}

fn builder() -> Builder<Vec<u8>> {
    Builder::new(Vec::new())
}

/// A header with these bytes at these places, its checksum put right, and a body.
fn raw(kind: u8, edits: &[(usize, &[u8])], body: &[u8]) -> Vec<u8> {
    let mut header = header(EntryType::Regular, body.len() as u64);
    let block = header.as_mut_bytes();
    block[156] = kind;
    for (at, bytes) in edits {
        block[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    header.set_cksum();
    let mut out = header.as_bytes().to_vec();
    out.extend_from_slice(body);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    out
}

fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let len = (rest..).find(|len| rest + len.to_string().len() == *len).unwrap();
    [format!("{len} {key}=").as_bytes(), value, b"\n"].concat()
}

fn end() -> Vec<u8> {
    vec![0; 2 * BLOCK]
}

fn file(name: &str, body: &[u8]) -> Vec<u8> {
    raw(b'0', &[(0, name.as_bytes())], body)
}

#[test]
fn every_field_is_told() {
    let mut tar = builder();
    let mut device = header(EntryType::Char, 0);
    device.set_device_major(5).unwrap();
    device.set_device_minor(1).unwrap();
    device.set_username("root").unwrap();
    device.set_groupname("tty").unwrap();
    device.set_uid(3);
    device.set_gid(4);
    device.set_mode(0o4755);
    device.set_mtime(77);
    tar.append_pax_extensions([("mtime", &b"12.5"[..]), ("SCHILY.xattr.security.capability", b"\x01\0=\n\xff")])
        .unwrap();
    tar.append_data(&mut device, "dev/console", &[][..]).unwrap();
    tar.append_link(&mut header(EntryType::Symlink, 0), "a", "b/c").unwrap();
    let heard = scan(&tar.into_inner().unwrap());
    assert_eq!(heard.problems, []);
    let want = Entry {
        offset: 0,
        path: b"dev/console".to_vec(),
        kind: FileKind::CharDevice,
        size: 0,
        mode: 0o4755,
        uid: 3,
        gid: 4,
        user: b"root".to_vec(),
        group: b"tty".to_vec(),
        mtime: Time { seconds: 12, nanoseconds: 500_000_000 },
        link: Vec::new(),
        device: Some((5, 1)),
        xattrs: Xattrs::from([(b"security.capability".to_vec(), b"\x01\0=\n\xff".to_vec())]),
    };
    assert_eq!(heard.entries[0].0, want);
    let (link, _) = &heard.entries[1];
    assert_eq!((link.kind, link.link.as_slice(), link.offset), (FileKind::Symlink, &b"b/c"[..], 3 * BLOCK as u64));
    assert_eq!(heard.ended, 2);
}

#[test]
fn pax_records_and_gnu_long_names_count_as_in_go() {
    let long = "d/".repeat(200) + "f";
    let pax = |records: &[Vec<u8>]| raw(b'x', &[], &records.concat());
    let gnu = |flag, text: &str| raw(flag, &[], format!("{text}\0").as_bytes());
    for (parts, path, link, uid) in [
        (vec![pax(&[record("path", long.as_bytes())]), file("x", b"")], long.as_str(), "", 0),
        (vec![gnu(b'L', &long), file("x", b"")], &long, "", 0),
        (vec![gnu(b'L', "gnu"), pax(&[record("path", b"pax")]), file("x", b"")], "gnu", "", 0),
        (vec![pax(&[record("path", b""), record("uid", b"70000")]), file("x", b"")], "x", "", 70_000),
        (vec![pax(&[record("path", b"a")]), pax(&[record("uid", b"7")]), file("x", b"")], "x", "", 7),
        (vec![gnu(b'K', &long), raw(b'2', &[(0, b"x"), (157, b"short")], b"")], "x", &long, 0),
        (vec![raw(b'g', &[], &record("comment", b"abc")), file("x", b"")], "x", "", 0),
        (vec![raw(b'0', &[(0, b"name"), (345, b"prefix")], b"")], "prefix/name", "", 0),
        (vec![raw(b'0', &[(0, b"name"), (257, b"ustar  \0"), (345, b"17")], b"")], "name", "", 0),
    ] {
        let heard = scan(&[parts.concat(), end()].concat());
        assert_eq!(heard.problems, [], "{path}");
        let (entry, _) = &heard.entries[0];
        assert_eq!((shown(&entry.path).as_str(), shown(&entry.link).as_str(), entry.uid), (path, link, uid));
    }
    let sized = [pax(&[record("size", b"3")]), raw(b'0', &[(0, b"x"), (124, b"00000000000\0")], b"")].concat();
    let heard = scan(&[sized, b"abc".to_vec(), vec![0; 509], end()].concat());
    assert_eq!((heard.entries[0].1.as_slice(), heard.problems), (&b"abc"[..], vec![]));
}

#[test]
fn what_is_wrong_is_told_and_reading_goes_on() {
    let long = "x".repeat(256);
    for (entry, faults) in [
        (file("/etc/a", b""), vec![Fault::AbsoluteName]),
        (file("a/../b", b""), vec![Fault::ParentInName]),
        (file("../../a", b""), vec![Fault::NameLeavesRoot]),
        (raw(b'1', &[(0, b"a"), (157, b"../b")], b""), vec![Fault::HardLinkLeavesRoot]),
        (raw(b'2', &[(0, b"a"), (157, b"../b")], b""), vec![Fault::SymlinkLeavesRoot]),
        (raw(b'2', &[(0, b"a/b"), (157, b"../b")], b""), vec![]),
        (raw(b'Z', &[(0, b"a")], b"body"), vec![Fault::UnknownType(b'Z')]),
        (raw(b'0', &[(0, b"a"), (108, b"12x")], b""), vec![Fault::InvalidField("uid")]),
        (raw(b'0', &[(0, b"a"), (136, b"-1")], b""), vec![Fault::InvalidField("mtime")]),
        (
            [raw(b'x', &[], &record("mtime", b"x")), file("a", b"")].concat(),
            vec![Fault::InvalidRecord("mtime=\"x\"".to_owned())],
        ),
        (
            [raw(b'g', &[], &record("path", b"x")), file("a", b"")].concat(),
            vec![Fault::GlobalRecord("path".to_owned())],
        ),
        ([raw(b'x', &[], &record("path", long.as_bytes())), file("a", b"")].concat(), vec![Fault::NameTooLong]),
        ([raw(b'x', &[], &record("path", b"a\0b")), file("a", b"")].concat(), vec![Fault::NulInName]),
    ] {
        let heard = scan(&[entry, file("after", b"1"), end()].concat());
        assert_eq!(heard.faults(), faults.iter().collect::<Vec<_>>());
        assert_eq!(heard.paths().last().map(String::as_str), Some("after"), "{faults:?}");
        assert!(faults.iter().all(|fault| !fault.ends_reading()), "{faults:?}");
    }
}

#[test]
fn what_ends_the_reading_is_told_with_its_place() {
    let unreadable = |text: &str| Fault::Unreadable(text.to_owned());
    let ok = file("a", b"1");
    for (tar, fault, offset, ends) in [
        (vec![b"no tar".to_vec()], Fault::NotTar, 0, true),
        (vec![vec![1; 600]], Fault::NotTar, 0, true),
        (vec![ok.clone(), vec![1; 512]], Fault::NotAHeader, 1024, true),
        (
            vec![ok.clone(), raw(b'0', &[(124, b"9")], b""), ok.clone()],
            unreadable("the size field \"90000000000\" is not an octal number"),
            1024,
            true,
        ),
        (vec![raw(b'x', &[], b"nothing"), ok.clone()], unreadable("invalid pax record: no length"), 0, true),
        (vec![ok.clone(), ok[..100].to_vec()], Fault::Truncated(412), 1124, true),
        (vec![ok.clone(), file("b", &[7; 600])[..1000].to_vec()], Fault::Truncated(112), 2024, true),
        (vec![raw(b'L', &[], &[b'x'; 600])[..1000].to_vec()], Fault::Truncated(112), 1000, true),
        (vec![ok.clone(), vec![0; 512], ok.clone()], Fault::LoneZeroBlock, 1024, true),
        (vec![ok.clone()], Fault::NoEndMarker, 1024, false),
        (vec![ok[..513].to_vec()], Fault::NoEndMarker, 513, false),
        (vec![ok.clone(), vec![0; 512]], Fault::NoEndMarker, 1536, false),
        (vec![], Fault::NoEndMarker, 0, false),
        (vec![ok.clone(), end(), vec![0; 99], vec![5]], Fault::TrailingData, 2147, false),
        (vec![ok.clone(), raw(b'L', &[], b"x"), end()], Fault::OrphanHeader, 1024, false),
    ] {
        let heard = scan(&tar.concat());
        let got: Vec<_> = heard.problems.iter().map(|problem| (&problem.what, problem.offset)).collect();
        assert_eq!(got, [(&fault, offset)]);
        assert_eq!(fault.ends_reading(), ends, "{fault:?}");
    }
    let heard = scan(&file("b", &[7; 600])[..1000]);
    assert_eq!(heard.problems[0].path.as_deref(), Some(&b"b"[..]));
    assert_eq!((heard.entries[0].1.len(), heard.ended), (488, 0));
}

#[test]
fn headers_beyond_the_limit_end_the_reading() {
    let limits = Limits { header_bytes: 100, ..Limits::default() };
    for special in [b'L', b'K', b'x', b'g'] {
        let tar = [raw(special, &[], &[b'1'; 101]), file("a", b""), end()].concat();
        let heard = scan_with(std::iter::once(&tar[..]), &limits);
        assert_eq!(heard.faults(), [&Fault::HeaderTooLarge(101)]);
    }
}

/// The same file in all of GNU's sparse formats: `ab` at 1000, `c` at 2000, 3000 bytes in all.
fn sparse_files() -> Vec<(&'static str, Vec<u8>)> {
    let octal = |n: u64| format!("{n:011o}\0").into_bytes();
    let old_body = |more: &[u8]| {
        let mut edits: Vec<(usize, Vec<u8>)> =
            vec![(0, b"f".to_vec()), (257, b"ustar  \0".to_vec()), (483, octal(3000))];
        edits.extend([(386, octal(1000)), (398, octal(2)), (482, more.to_vec()), (124, octal(3))]);
        edits
    };
    let edit = |kind, edits: Vec<(usize, Vec<u8>)>, body: &[u8]| {
        let edits: Vec<(usize, &[u8])> = edits.iter().map(|(at, bytes)| (*at, bytes.as_slice())).collect();
        raw(kind, &edits, body)
    };
    let mut old = old_body(b"\0");
    old.extend([(410, octal(2000)), (422, octal(1))]);
    let mut extension = vec![0; BLOCK];
    extension[..12].copy_from_slice(&octal(2000));
    extension[12..24].copy_from_slice(&octal(1));
    let mut body = b"abc".to_vec();
    body.resize(BLOCK, 0);
    let extended = [edit(b'S', old_body(b"\x01"), b""), extension, body].concat();
    let pax = |records: &[(&str, &str)], body: &[u8]| {
        let records: Vec<u8> =
            records.iter().flat_map(|(key, value)| record(&format!("GNU.sparse.{key}"), value.as_bytes())).collect();
        [raw(b'x', &[], &records), file("GNUSparseFile.0/f", body)].concat()
    };
    let numbers = [("offset", "1000"), ("numbytes", "2"), ("offset", "2000"), ("numbytes", "1")];
    let zero: Vec<_> =
        [("size", "3000"), ("numblocks", "2")].into_iter().chain(numbers).chain([("name", "f")]).collect();
    let map = [("major", "0"), ("minor", "1"), ("name", "f"), ("size", "3000"), ("map", "1000,2,2000,1")];
    let mut text = b"2\n1000\n2\n2000\n1\n".to_vec();
    text.resize(BLOCK, 0);
    text.extend_from_slice(b"abc");
    let one = [("major", "1"), ("minor", "0"), ("name", "f"), ("realsize", "3000")];
    vec![
        ("old GNU", edit(b'S', old, b"abc")),
        ("old GNU, extended", extended),
        ("0.0", pax(&zero, b"abc")),
        ("0.1", pax(&map, b"abc")),
        ("1.0", pax(&one, &text)),
    ]
}

#[test]
fn sparse_files_are_read_in_all_of_gnu_s_formats() {
    let mut want = vec![0; 3000];
    want[1000..1002].copy_from_slice(b"ab");
    want[2000] = b'c';
    for (format, bytes) in sparse_files() {
        let tar = [bytes, file("after", b"1"), end()].concat();
        for step in [1, 7, 512, 10_000] {
            let heard = scan_with(tar.chunks(step), &Limits::default());
            assert_eq!(heard.problems, [], "{format}");
            assert_eq!(heard.paths(), ["f", "after"], "{format}");
            let (entry, contents) = &heard.entries[0];
            assert_eq!((entry.size, entry.kind), (3000, FileKind::File), "{format}");
            assert!(*contents == want, "{format}, {step}");
        }
        let limits = Limits { inflated_bytes: 2996, ..Limits::default() };
        let heard = scan_with(std::iter::once(&tar[..]), &limits);
        assert_eq!(heard.faults(), [&Fault::SparseTooLarge(3000)], "{format}");
        assert_eq!(heard.entries[0].1, b"abc", "{format}");
    }
}

/// No part begins with a dot: the tar crate refuses a long name whose first 100 bytes happen to end in `/..`.
fn names() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}", "[a-zé]{1,20}(/[a-z][a-z.]{0,29}x){1,12}", "([a-z]{1,40}/){1,4}[a-z]{90,140}",]
}

#[derive(Clone, Debug)]
struct Given {
    name: String,
    kind: EntryType,
    body: Vec<u8>,
    link: String,
    numbers: (u32, u64, u64, u64),
    pax: bool,
    gnu: bool,
}

fn given() -> impl Strategy<Value = Given> {
    use EntryType::{Block, Directory, Fifo, Link, Regular, Symlink};
    let kinds = prop::sample::select(vec![Regular, Regular, Regular, Directory, Symlink, Link, Fifo, Block]);
    // Beyond seven octal digits, ids are written in base-256.
    let ids = || prop_oneof![0_u64..65_536, 2_000_000_u64..4_000_000_000];
    let numbers = (0_u32..0o10000, ids(), ids(), 0_u64..1 << 33);
    let body = prop::collection::vec(any::<u8>(), 0..1500);
    (names(), kinds, body, names(), numbers, any::<bool>(), any::<bool>())
        .prop_map(|(name, kind, body, link, numbers, pax, gnu)| Given { name, kind, body, link, numbers, pax, gnu })
}

fn build(entries: &[Given]) -> Vec<u8> {
    let mut tar = builder();
    for given in entries {
        let mut header = if given.gnu { Header::new_gnu() } else { Header::new_ustar() };
        header.set_entry_type(given.kind);
        let (mode, uid, gid, mtime) = given.numbers;
        header.set_mode(mode);
        header.set_uid(uid);
        header.set_gid(gid);
        header.set_mtime(mtime);
        let body: &[u8] = if given.kind == EntryType::Regular { &given.body } else { &[] };
        header.set_size(body.len() as u64);
        if given.pax {
            tar.append_pax_extensions([("SCHILY.xattr.user.x", given.name.as_bytes())]).unwrap();
        }
        if matches!(given.kind, EntryType::Symlink | EntryType::Link) {
            tar.append_link(&mut header, &given.name, &given.link).unwrap();
        } else {
            tar.append_data(&mut header, &given.name, body).unwrap();
        }
    }
    tar.into_inner().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Long names are GNU's or PAX's, as the crate chooses.
    #[test]
    fn what_the_tar_crate_wrote_is_read_in_any_slicing(
        entries in prop::collection::vec(given(), 0..6),
        cuts in prop::collection::vec(1_usize..3000, 1..40),
    ) {
        let tar = build(&entries);
        let mut slices = Vec::new();
        let (mut left, mut cuts) = (&tar[..], cuts.iter().cycle());
        while !left.is_empty() {
            let (slice, rest) = left.split_at((*cuts.next().unwrap()).min(left.len()));
            slices.push(slice);
            left = rest;
        }
        let heard = scan_with(slices.into_iter(), &Limits::default());
        prop_assert_eq!(&heard, &scan(&tar));
        prop_assert_eq!(heard.entries.len(), entries.len());
        prop_assert_eq!(heard.ended, entries.len());
        let expected = |fault: &Fault| matches!(fault, Fault::NameTooLong);
        prop_assert!(heard.faults().into_iter().all(expected), "{:?}", heard.problems);
        for (given, (entry, contents)) in entries.iter().zip(&heard.entries) {
            let (mode, uid, gid, mtime) = given.numbers;
            prop_assert_eq!(shown(&entry.path), given.name.as_str());
            prop_assert_eq!((entry.mode, entry.uid, entry.gid), (mode, uid, gid));
            prop_assert_eq!(entry.mtime, Time { seconds: mtime.cast_signed(), nanoseconds: 0 });
            let regular = given.kind == EntryType::Regular;
            prop_assert_eq!(contents, if regular { &given.body } else { &[][..] });
            prop_assert_eq!(entry.size, contents.len() as u64);
            if !entry.link.is_empty() {
                prop_assert_eq!(shown(&entry.link), given.link.as_str());
            }
            prop_assert_eq!(entry.xattrs.len(), usize::from(given.pax));
        }
    }

    /// Whatever comes, there is an end, the same in any slicing.
    #[test]
    fn damage_is_told_the_same_in_any_slicing(
        entries in prop::collection::vec(given(), 1..4),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        step in 1_usize..2000,
    ) {
        let mut tar = build(&entries);
        for (at, byte) in edits {
            let at = at.index(tar.len());
            tar[at] = byte;
        }
        tar.truncate(cut.index(tar.len() + 1));
        prop_assert_eq!(scan_with(tar.chunks(step), &Limits::default()), scan(&tar));
    }
}
