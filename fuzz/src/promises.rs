//! What must hold whatever the input is. Each function panics where it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use transload::fuzzing::{self, Member as Given};
use transload::{
    Archive, Context, ConvertOptions, Error, ErrorKind, Format, Input, Note, Output, Prediction, Receipt, Result,
    Severity, Verdict, Verification, convert, escape,
};

use crate::recipe::{Kind, Member, sha256};
use crate::{scratch, tarball};

/// An error blames the input, and says so in one printable line.
#[track_caller]
pub fn check_error(error: &Error) {
    let kind = error.kind();
    assert!(matches!(kind, ErrorKind::Damaged | ErrorKind::Unsupported), "blames something else: {error:?}");
    for line in [error.to_string(), error.advice().unwrap_or_default()] {
        check_printable(&line);
    }
}

#[track_caller]
fn check_printable(line: &str) {
    let harmful = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!line.contains(harmful), "raw control characters: {line:?}");
}

/// Findings are printable lines, the worst first, and as many as are counted.
pub fn check_findings(verification: &Verification) {
    let findings = &verification.findings;
    findings.iter().for_each(|finding| check_printable(&finding.to_string()));
    assert!(findings.is_sorted_by_key(|finding| finding.severity()), "a worse one later: {findings:?}");
    let counted: usize =
        [Severity::Error, Severity::Warning, Severity::Note].map(|it| verification.count(it)).iter().sum();
    assert_eq!(counted, findings.len() + verification.omitted());
    verification.loadability.iter().for_each(check_prediction);
}

/// A prediction agrees with itself, and what it advises can be printed.
pub fn check_prediction(prediction: &Prediction) {
    let drawback = prediction.notes.iter().any(Note::is_drawback);
    let verdict = match &prediction.refusal {
        Some(_) => Verdict::No,
        None if drawback => Verdict::But,
        None => Verdict::Yes,
    };
    assert_eq!(prediction.verdict, verdict, "{prediction:?}");
    assert!(prediction.notes.len() <= 52 && prediction.names.len() <= 50, "{prediction:?}");
    let Some(refusal) = &prediction.refusal else { return };
    assert!(!refusal.reason.is_empty() && !refusal.source.is_empty());
    let command = refusal.fix.as_ref().map(|fix| fix.command("in.tar".as_ref())).unwrap_or_default();
    assert_eq!(escape(&command), command);
}

/// Opens members without a tar around them.
pub fn open(members: Vec<Member>, from: Option<Format>, recompute: bool, cx: &Context<'_>) -> Option<Archive> {
    let given = |member: Member| {
        let kind = match member.kind {
            Kind::File(bytes) => Given::File(bytes),
            Kind::Symlink(target) => Given::Symlink(target),
            Kind::HardLink(target) => Given::HardLink(target),
            Kind::Directory => Given::Directory,
        };
        (member.name, kind)
    };
    fuzzing::open_members(members.into_iter().map(given).collect(), from, recompute, cx).inspect_err(check_error).ok()
}

/// What an opened archive says of itself agrees with what it holds, and every conversion of it can be planned or is
/// refused.
pub fn check_archive(archive: &Archive, recompute: bool, cx: &Context<'_>) {
    for image in archive.images() {
        let id = image.config().map(|config| format!("sha256:{}", sha256(config)));
        assert_eq!(image.id().map(|id| id.to_string()), id, "the image ID is the hash of the config");
        let layers = image.layers();
        assert!(layers.len() <= cx.limits.layers);
        for layer in layers {
            let Some(size) = layer.size() else { continue };
            let mut bytes = Vec::new();
            let mut stored = layer.open().expect("a layer that has a size can be opened");
            std::io::Read::read_to_end(&mut stored, &mut bytes).expect("memory can be read");
            assert_eq!(bytes.len() as u64, size);
        }
    }
    for to in Format::ALL {
        let mut options = ConvertOptions::new(to);
        options.dry_run = true;
        options.recompute = recompute;
        drop(archive.convert(Output::Path("/nowhere/out".into()), &options, cx).inspect_err(check_error));
    }
}

/// A folder for one conversion after another.
pub struct Bench {
    folder: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("transload-fuzz-").tempdir_in(scratch());
        Self { folder: folder.expect("a folder can be made") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("a file can be written");
        path
    }

    /// Returns what is in a file, and removes it.
    pub fn take(&self, name: &str) -> Vec<u8> {
        let bytes = fs::read(self.path(name)).expect("a file can be read");
        fs::remove_file(self.path(name)).expect("a file can be removed");
        bytes
    }

    /// Nothing was left behind.
    #[track_caller]
    pub fn check_empty(&self) {
        assert_eq!(self.names(), BTreeSet::new(), "files are left behind");
    }

    /// Converts; afterwards the output is there or nothing is.
    pub fn convert(&self, input: &str, output: &str, options: &ConvertOptions) -> Option<Receipt> {
        self.attempt(input, output, options).ok()
    }

    /// A conversion finds no damage in what was found sound.
    pub fn check_sound(&self, input: &str, verification: &Verification) {
        for to in [Format::OciArchive, Format::DockerArchive] {
            if let Err(error) = self.attempt(input, &format!("{to}"), &ConvertOptions::new(to)) {
                assert_ne!(error.kind(), ErrorKind::Damaged, "{error:?}, but {:?}", verification.findings);
            }
        }
    }

    fn attempt(&self, input: &str, output: &str, options: &ConvertOptions) -> Result<Receipt> {
        let mut cx = crate::context();
        cx.temp_dir = Some(self.folder.path().to_owned());
        let before = self.names();
        let result = convert(Input::Path(self.path(input)), Output::Path(self.path(output)), options, &cx);
        let mut after = self.names();
        assert_eq!(after.remove(output), result.is_ok(), "an output after a failure, or none after a success");
        assert_eq!(after, before, "files are left behind: {result:?}");
        result.inspect_err(check_error)
    }

    /// Converts what an earlier conversion wrote, which must not fail.
    #[track_caller]
    fn again(&self, input: &str, output: &str, to: Format) -> Receipt {
        self.convert(input, output, &ConvertOptions::new(to)).expect("what was written can be read")
    }

    #[track_caller]
    fn check_same(&self, name: &str, other: &str) {
        let (one, two) = (self.contents(name), self.contents(other));
        let only =
            |a: &BTreeMap<_, _>, b: &BTreeMap<_, _>| a.keys().filter(|key| !b.contains_key(*key)).cloned().collect();
        let strangers: [Vec<String>; 2] = [only(&one, &two), only(&two, &one)];
        assert!(strangers.concat().is_empty(), "only in {name}, only in {other}: {strangers:?}");
        for (member, bytes) in &one {
            let text = String::from_utf8_lossy;
            assert!(*bytes == two[member], "{member} in {name}: {}\nin {other}: {}", text(bytes), text(&two[member]));
        }
    }

    fn names(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.folder.path()).expect("a folder can be listed");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }

    fn contents(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let path = self.path(name);
        let mut found = BTreeMap::new();
        if path.is_dir() {
            walk(&path, "", &mut found);
            return found;
        }
        let listed = tarball::list(&fs::read(path).expect("a file can be read")).expect("a tar");
        for (name, member) in listed {
            let name = String::from_utf8(name).expect("only names that are text are written");
            assert_eq!(member.times, 1, "{name} is there twice");
            found.insert(name, if member.kind.is_symlink() { member.target } else { member.bytes });
        }
        found
    }

    /// Holds a conversion's result against its receipt, converts it again, and there and back.
    pub fn check(&self, output: &str, to: Format, receipt: &Receipt) {
        let archive = Archive::open(Input::Path(self.path(output)), None, &crate::context());
        let archive = archive.expect("what was written can be opened");
        assert_eq!(archive.format(), to);
        check_told(&archive, receipt);

        let again = self.again(output, "again", to);
        assert_eq!(told(&again), told(receipt), "converting again changes the image");
        self.check_same("again", output);

        if matches!(to, Format::DockerArchive | Format::DockerDir) {
            self.check_docker(output, to, receipt);
        } else if let Some(receipt) = self.convert(output, "docker", &ConvertOptions::new(Format::DockerArchive)) {
            self.check_docker("docker", Format::DockerArchive, &receipt);
        }
    }

    /// A docker archive that we wrote goes to every other format and comes back as the same bytes.
    fn check_docker(&self, name: &str, to: Format, receipt: &Receipt) {
        for (number, format) in [Format::OciArchive, Format::HybridArchive].into_iter().enumerate() {
            let (there, back) = (format!("there{number}"), format!("back{number}"));
            assert_eq!(identities(&self.again(name, &there, format)), identities(receipt), "image IDs and diff_ids");
            assert_eq!(identities(&self.again(&there, &back, to)), identities(receipt), "image IDs and diff_ids");
            self.check_same(&back, name);
        }
    }
}

fn walk(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("a folder can be listed") {
        let entry = entry.expect("an entry");
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if path.is_symlink() {
            let target = fs::read_link(path).expect("a link has a target");
            found.insert(name, target.to_string_lossy().into_owned().into_bytes());
        } else if path.is_dir() {
            walk(&path, &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read(path).expect("a file can be read"));
        }
    }
}

type Identity = (Option<String>, Vec<Option<String>>);

/// Image IDs with diff_ids, sorted.
fn identities(receipt: &Receipt) -> BTreeSet<Identity> {
    told(receipt).into_iter().map(|(identity, _)| identity).collect()
}

fn told(receipt: &Receipt) -> BTreeSet<(Identity, BTreeSet<String>)> {
    let images = receipt.images.iter().map(|image| {
        let diff_ids = image.layers.iter().map(|layer| layer.diff_id.map(|id| id.to_string())).collect();
        ((image.image_id.map(|id| id.to_string()), diff_ids), image.names.iter().cloned().collect())
    });
    images.collect()
}

/// The receipt tells what was written: the same images under the same names. A config may claim nothing of its layers;
/// where it claims diff_ids, they are those that were measured.
fn check_told(archive: &Archive, receipt: &Receipt) {
    let mut told = told(receipt);
    for image in archive.images().into_iter().filter(|image| image.missing().is_empty()) {
        let id = image.id().map(|id| id.to_string());
        let names: BTreeSet<String> = image.names().into_iter().collect();
        let claims: Vec<Option<String>> =
            image.layers().iter().map(|layer| layer.diff_id().map(|id| id.to_string())).collect();
        let fits = |((other, measured), others): &(Identity, BTreeSet<String>)| {
            *other == id
                && *others == names
                && measured.len() == claims.len()
                && claims.iter().zip(measured).all(|(claim, measured)| claim.is_none() || claim == measured)
        };
        let before = told.len();
        told.retain(|image| !fits(image));
        assert!(told.len() < before, "{id:?} {names:?} {claims:?} was written and not told: {told:?}");
    }
    assert!(told.is_empty(), "told and not written: {told:?}");
}
