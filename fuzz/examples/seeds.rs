//! Writes seeds for every fuzz target, from the archives in `testdata` and from what they are converted to.
//!
//! Usage: seeds TESTDATA CORPUS

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use transload::{Archive, Context, ConvertOptions, Format, Input, Output, convert};
use transload_fuzz::recipe::{self, Kind, Member};
use transload_fuzz::tarball;

/// So many bytes of a layer are enough: a header or two.
const KEEP: usize = 1024;
const TAR: usize = 8 << 10;

fn main() {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let (testdata, corpus) = (args.next().expect("TESTDATA"), args.next().expect("CORPUS"));
    let work = tempfile::tempdir().expect("a folder can be made");
    let seeds = Seeds { corpus };
    let mut archives: Vec<PathBuf> = list(&testdata);
    for archive in archives.clone() {
        for to in [Format::DockerArchive, Format::OciArchive, Format::HybridArchive] {
            let out = work.path().join(format!("{to}-{}.tar", stem(&archive)));
            let options = ConvertOptions::new(to);
            if convert(Input::Path(archive.clone()), Output::Path(out.clone()), &options, &Context::default()).is_ok() {
                archives.push(out);
            }
        }
    }
    for archive in archives {
        seeds.archive(&archive);
    }
    seeds.codec();
    seeds.members();
    seeds.tar();
    seeds.references();
}

struct Seeds {
    corpus: PathBuf,
}

impl Seeds {
    fn put(&self, target: &str, name: &str, bytes: &[u8]) {
        let folder = self.corpus.join(target);
        fs::create_dir_all(&folder).expect("a folder can be made");
        fs::write(folder.join(format!("seed-{name}")), bytes).expect("a seed can be written");
    }

    fn archive(&self, path: &Path) {
        let (bytes, name) = (fs::read(path).expect("an archive can be read"), stem(path));
        self.put("tar", &name, &bytes[..bytes.len().min(TAR)]);
        self.put("layer", &name, &[&[0], &bytes[..bytes.len().min(TAR)]].concat());
        self.put("convert", &format!("raw-{name}"), &[&[1, 2], &bytes[..]].concat());
        self.put("verify", &format!("raw-{name}"), &[&[1], &bytes[..]].concat());
        let recipe = recipe::describe(&members(&bytes), KEEP);
        let archive = Archive::open(Input::Path(path.to_owned()), None, &Context::default());
        let (format, legacy) = match &archive {
            Ok(archive) => (archive.format(), archive.images().iter().all(|image| image.id().is_none())),
            Err(error) => panic!("{}: {error}", path.display()),
        };
        let target = match format {
            Format::DockerArchive | Format::DockerDir if legacy => "legacy",
            Format::DockerArchive | Format::DockerDir => "docker",
            _ => "oci",
        };
        let how = if format == Format::HybridArchive { 2 } else { 0 };
        self.put(target, &name, &[&[how], &recipe[..]].concat());
        for target in ["verify", "loadability"] {
            self.put(target, &name, &[&[0], &recipe[..]].concat());
        }
        for to in 0..u8::try_from(Format::ALL.len()).expect("few formats") {
            self.put("convert", &format!("{to}-{name}"), &[&[0, 20 + to], &recipe[..]].concat());
        }
    }

    fn codec(&self) {
        let text = "A stream of words, of words, of words, and of other words. ".repeat(8).into_bytes();
        let zstd = zstd::bulk::compress(&text, 3).expect("memory can be compressed");
        let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        bzip2.write_all(&text).and_then(|()| xz.write_all(&text)).expect("memory can be written");
        let streams = [
            ("gzip", recipe::gzip(&text)),
            ("gzip-twice", [recipe::gzip(&text), recipe::gzip(b"")].concat()),
            ("zstd-frames", [&zstd[..], b"\x5f\x2a\x4d\x18\x04\0\0\0skip", &zstd].concat()),
            ("zstd", zstd),
            ("bzip2", bzip2.finish().expect("memory can be written")),
            ("xz", xz.finish().expect("memory can be written")),
        ];
        for (name, stream) in streams {
            self.put("codec", name, &[&[0], &stream[..]].concat());
        }
        // Behind the header of a gzip member.
        for (name, text) in [("raw", &text[..]), ("raw-short", b"a"), ("raw-blocks", include_bytes!("../Cargo.lock"))] {
            self.put("codec", name, &[&[2], &recipe::gzip(text)[10..]].concat());
        }
        for how in [1, 3, 5, 7] {
            self.put("codec", &format!("make-{how}"), &[&[how], &text[..]].concat());
        }
    }

    /// Each is a recipe, see `stream`.
    fn members(&self) {
        const BLOCK: u8 = 13;
        for (name, recipe) in [
            ("blocks", &[1, BLOCK, 1, 16 + BLOCK, 1, 32 + BLOCK, 0, 4, b't', b'e', b'x', b't'][..]),
            ("stored", &[1, 6 * 16 + BLOCK, 13, 2, 0, 1, b'x']),
            ("small", &[0, 3, b'a', b'b', b'c', 1, 16 + 7, 13 + 16, 60]),
            ("halves", &[1, 16 + 9, 1, 16 + 11, 13 + 16, 3]),
            ("go", &[4, 16 + 8, 1, BLOCK, 4, 16 + 14, 1, BLOCK]),
            ("named", &[1, BLOCK, 3, 16 + 8, 1, BLOCK]),
            ("decoy", &[1, BLOCK, 5, 3 + 32, 16 + 7, b't', 1, 16 + BLOCK]),
            ("decoy-whole", &[1, BLOCK, 5, 2 + 16 + 64, 16 + 7, b'a', b'b', 1, 16 + BLOCK]),
            ("padded", &[1, BLOCK, 7, 9, 1, BLOCK]),
            ("padded-end", &[1, BLOCK, 1, BLOCK, 7, 12]),
            ("garbage", &[1, BLOCK, 1, BLOCK, 8, 3, b'x', b'y', b'z']),
            ("no-member", &[1, BLOCK, 9, 8, b'w', b'x', b'y', b'z', 1, BLOCK]),
            ("damaged", &[1, 16 + BLOCK, 13, 3, 10, 64, 0, 1, 0, 1, 16 + BLOCK]),
            ("wrong-size", &[1, 16 + 7, 11, 1, 0, 1, 16 + BLOCK]),
            ("cut", &[1, 16 + BLOCK, 13, 3, 12, 9]),
            ("layers", &[1, 16 + BLOCK, 13, 2, 15, 0, 1, 6 * 16 + 7, 13, 4, 10, 8, 1, 0, 0]),
            ("empty", &[2, 0, 13, 20, 1, BLOCK]),
        ] {
            for how in [0, 8 + 16, 4 + 32, 64] {
                self.put("members", &format!("{name}-{how}"), &[&[how], recipe].concat());
            }
        }
        let own = |text: &[u8]| {
            let (mut member, header) = (Vec::new(), flate2::GzBuilder::new().operating_system(255));
            let mut encoder = header.write(&mut member, flate2::Compression::best());
            encoder.write_all(text).and_then(|()| encoder.try_finish()).expect("memory can be written");
            drop(encoder);
            member
        };
        self.put("members", "raw", &[&[1][..], &own(b"text"), &own(b""), &own(&[b'a'; 600])].concat());
        self.put("members", "raw-block", &[&[9][..], &own(&vec![0; 1 << 20]), &own(b"more")].concat());
    }

    fn tar(&self) {
        let long = "folder/".repeat(30) + "name";
        let members = [
            ("a", Kind::File(b"text".to_vec())),
            (&long, Kind::File(vec![7; 600])),
            ("b", Kind::Symlink(long.clone())),
        ];
        let members = members.map(|(name, kind)| Member { name: name.to_owned(), kind });
        self.put("tar", "long-names", &tarball::pack(&members));
        let pax = |records: &str, name: &str| {
            let header = Member { name: name.to_owned(), kind: Kind::File(records.as_bytes().to_vec()) };
            let mut tar = tarball::pack(&[header, members[0].clone()]);
            tar[156] = b'x';
            tar
        };
        self.put("tar", "pax", &pax("18 path=other/name\n10 size=4\n", "pax"));
        self.put("tar", "pax-sparse", &pax("22 GNU.sparse.major=1\n", "pax"));
        let mut sparse = tarball::pack(&[Member { name: "sparse".into(), kind: Kind::File(vec![1; 512]) }]);
        sparse[156] = b'S';
        sparse[386..410].copy_from_slice(b"00000001000\x0000000001000\0");
        sparse[483..495].copy_from_slice(b"00000004000\0");
        self.put("tar", "sparse", &sparse);
        sparse[482] = 1;
        sparse.splice(512..512, [0; 512]);
        self.put("tar", "sparse-extended", &sparse);
    }

    fn references(&self) {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (number, text) in [
            "ubuntu",
            "ubuntu:20.04",
            "docker.io/library/ubuntu:latest",
            "index.docker.io/a/b__c:T_1.x-y",
            "localhost:5000/x/y",
            "[::1]:5000/x:y",
            "registry.example.com/team/app-1.2:v1",
            &format!("a/b:t@{digest}"),
            &format!("a@{digest}"),
            &"f".repeat(64),
            &format!("a/{}", "r".repeat(240)),
        ]
        .into_iter()
        .enumerate()
        {
            self.put("reference", &number.to_string(), text.as_bytes());
        }
    }
}

fn members(tar: &[u8]) -> Vec<Member> {
    let listed = tarball::list(tar).expect("a tar");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("names are text");
    let member = |(name, found): (Vec<u8>, tarball::Listed)| {
        let kind = match found.kind {
            kind if kind.is_dir() => return None,
            kind if kind.is_symlink() => Kind::Symlink(text(found.target)),
            kind if kind.is_hard_link() => Kind::HardLink(text(found.target)),
            _ => Kind::File(found.bytes),
        };
        Some(Member { name: text(name), kind })
    };
    listed.into_iter().filter_map(member).collect()
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder can be listed").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|name| name == "tar")).collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a file has a name").to_string_lossy().into_owned()
}
