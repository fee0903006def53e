//! Which files of two merged trees are not the same.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::DiffOptions;
use super::ignore::Ignore;
use super::model::{Attribute, AttributeChange, FileChange, FileChanges, FileStatus};
use crate::context::Cancel;
use crate::error::Result;
use crate::layer::{FileKind, Merged, PathId, Paths, Time, Visible, Xattrs, shown};

/// Compares two trees, path by path. The lists beneath both were made by one catalog.
pub(super) fn compare(
    a: &Merged,
    b: &Merged,
    paths: &Paths,
    options: &DiffOptions,
    cancel: &Cancel,
) -> Result<FileChanges> {
    let mut links = Links([a, b].map(|tree| (tree.linked(), HashMap::new())));
    let mut collector = Collector { brief: options.brief, changes: FileChanges::default(), cover: None };
    let mut todo = vec![PathId::ROOT];
    while let Some(path) = todo.pop() {
        cancel.check()?;
        let from = todo.len();
        todo.extend(a.children(path).chain(b.children(path)));
        todo[from..].sort_unstable_by(|&x, &y| paths.name(y).cmp(paths.name(x)));
        // Equal names in one directory are one path, and stand side by side.
        let both: Vec<PathId> = todo.drain(from..).collect();
        todo.extend(both.iter().enumerate().filter(|(i, path)| *i == 0 || both[i - 1] != **path).map(|(_, path)| path));
        let (status, file, differences) = match (a.get(path), b.get(path)) {
            (None, None) => continue,
            (Some(file), None) => (FileStatus::Removed, file, Vec::new()),
            (None, Some(file)) => (FileStatus::Added, file, Vec::new()),
            (Some(one), Some(other)) => {
                let same = one.is_same_entry(&other);
                let mut differences = if same { Vec::new() } else { attributes(one, other, &options.ignore) };
                differences.extend(links.difference(path, one, other, paths));
                if differences.is_empty() {
                    continue;
                }
                (FileStatus::Changed, other, differences)
            }
        };
        let folder = paths.parent(path);
        let inside = a.get(folder).is_some() != b.get(folder).is_some();
        collector.add(status, file, differences, inside, paths);
    }
    Ok(collector.changes)
}

/// Counts what differs, and lists it as far as it is wanted.
struct Collector {
    brief: Option<usize>,
    changes: FileChanges,
    /// The listed directory that the next files may be in.
    cover: Option<usize>,
}

impl Collector {
    /// Adds a file; `inside`: its directory is there on one side only, too.
    fn add(
        &mut self,
        status: FileStatus,
        file: Visible<'_>,
        differences: Vec<AttributeChange>,
        inside: bool,
        paths: &Paths,
    ) {
        let changes = &mut self.changes;
        match status {
            FileStatus::Added => changes.added += 1,
            FileStatus::Removed => changes.removed += 1,
            FileStatus::Changed => changes.changed += 1,
        }
        if let Some(most) = self.brief {
            if status == FileStatus::Changed && differences.iter().all(|it| it.what == Attribute::Mtime) {
                changes.only_mtime += 1;
                return;
            }
            if inside && let Some(cover) = self.cover {
                changes.list[cover].inside += 1;
                return;
            }
            if changes.list.len() >= most {
                self.cover = None;
                changes.unlisted += 1;
                return;
            }
        }
        self.cover = Some(changes.list.len());
        let kind = file.kind();
        let size = file.file().filter(|_| kind == FileKind::File).map(|file| file.size());
        let path = format!("/{}", shown(&paths.path(file.path)));
        changes.list.push(FileChange { path, status, kind, size, inside: 0, differences });
    }
}

/// Returns what is different between two files of one name, hard links apart.
fn attributes(one: Visible<'_>, other: Visible<'_>, ignore: &BTreeSet<Ignore>) -> Vec<AttributeChange> {
    let mut found = Vec::new();
    let mut add = |what, a: String, b: String| found.push(AttributeChange { what, a, b });
    let kind = one.kind();
    if kind != other.kind() {
        add(Attribute::Kind, kind.to_string(), other.kind().to_string());
    }
    // Nothing is known of a directory that no entry made.
    let (Some(a), Some(b)) = (one.file(), other.file()) else { return found };
    if kind == other.kind() {
        match kind {
            FileKind::File if a.size() != b.size() || one.digest() != other.digest() => {
                add(Attribute::Content, content(one), content(other));
            }
            FileKind::Symlink if one.target() != other.target() => {
                add(Attribute::Target, shown(one.target()), shown(other.target()));
            }
            FileKind::CharDevice | FileKind::BlockDevice if a.device() != b.device() => {
                add(Attribute::Device, device(a.device()), device(b.device()));
            }
            _ => {}
        }
    }
    let (Some(a), Some(b)) = (one.attributes(), other.attributes()) else { return found };
    // Linux gives every symbolic link the same.
    let links = [kind, other.kind()].contains(&FileKind::Symlink);
    if a.mode != b.mode && !links && !ignore.contains(&Ignore::Modes) {
        add(Attribute::Mode, format!("{:o}", a.mode), format!("{:o}", b.mode));
    }
    if (a.uid, a.gid) != (b.uid, b.gid) && !ignore.contains(&Ignore::Owners) {
        add(Attribute::Owner, format!("{}:{}", a.uid, a.gid), format!("{}:{}", b.uid, b.gid));
    }
    if one.xattrs() != other.xattrs() && !ignore.contains(&Ignore::Xattrs) {
        add(Attribute::Xattrs, xattrs(one.xattrs(), other.xattrs()), xattrs(other.xattrs(), one.xattrs()));
    }
    if a.mtime() != b.mtime() && !ignore.contains(&Ignore::Timestamps) {
        add(Attribute::Mtime, time(a.mtime()), time(b.mtime()));
    }
    found
}

fn content(file: Visible<'_>) -> String {
    let hex = |bytes: &[u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match (file.digest(), file.file().map(|file| file.size())) {
        (Some(digest), _) => format!("sha256:{}", hex(digest)),
        (None, Some(0)) => "empty".to_owned(),
        (None, _) => "unknown".to_owned(),
    }
}

fn device(numbers: Option<(u64, u64)>) -> String {
    numbers.map_or_else(String::new, |(major, minor)| format!("{major}:{minor}"))
}

/// Names the attributes that the other file does not have so.
fn xattrs(own: Option<&Xattrs>, other: Option<&Xattrs>) -> String {
    let differs = |key: &Vec<u8>, value: &Vec<u8>| other.and_then(|other| other.get(key)) != Some(value);
    let own = own.into_iter().flatten().filter(|(key, value)| differs(key, value));
    let text = |(key, value): (&Vec<u8>, &Vec<u8>)| {
        let hex: String = value.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
        format!("{}=0x{hex}{}", shown(key), if value.len() > 32 { "…" } else { "" })
    };
    own.map(text).collect::<Vec<_>>().join(", ")
}

/// Writes a time in RFC 3339 where it has one, else as seconds.
fn time(time: Time) -> String {
    let nanoseconds = i32::try_from(time.nanoseconds).expect("below a thousand million");
    match jiff::Timestamp::new(time.seconds, nanoseconds) {
        Ok(known) => known.to_string(),
        Err(_) => format!("@{}.{:09}", time.seconds, time.nanoseconds),
    }
}

/// Files with several names, on each side: of the names that both sides have, the first stands for all.
struct Links([(HashSet<u32>, HashMap<u32, PathId>); 2]);

impl Links {
    /// Tells whether a path is another name for different files on the two sides. Paths come in the order of the walk.
    fn difference(&mut self, path: PathId, a: Visible<'_>, b: Visible<'_>, paths: &Paths) -> Option<AttributeChange> {
        if [a, b].iter().any(|file| file.kind() != FileKind::File) {
            return None;
        }
        let [one, other] = [(0, a), (1, b)].map(|(side, file)| {
            let (linked, groups) = &mut self.0[side];
            if linked.contains(&file.inode()) { *groups.entry(file.inode()).or_insert(path) } else { path }
        });
        let name = |of: PathId| if of == path { String::new() } else { format!("/{}", shown(&paths.path(of))) };
        (one != other).then(|| AttributeChange { what: Attribute::Links, a: name(one), b: name(other) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_dates_where_they_have_one() {
        for (seconds, nanoseconds, want) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (951_782_400, 0, "2000-02-29T00:00:00Z"),
            (1_700_000_000, 120_000_000, "2023-11-14T22:13:20.12Z"),
            (-1, 0, "1969-12-31T23:59:59Z"),
            (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
            (253_402_300_800, 0, "@253402300800.000000000"),
            (i64::MAX, 0, "@9223372036854775807.000000000"),
            (i64::MIN, 1, "@-9223372036854775808.000000001"),
        ] {
            assert_eq!(time(Time { seconds, nanoseconds }), want);
        }
    }
}
