//! Layers whose entries have every attribute that a tar can hold.

use tar::{Builder, EntryType, Header};

use crate::support::Layer;

/// An entry of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    name: String,
    kind: EntryType,
    body: Vec<u8>,
    link: String,
    mode: u32,
    owner: (u64, u64),
    mtime: u64,
    device: (u32, u32),
    records: Vec<(String, Vec<u8>)>,
}

fn entry(name: &str, kind: EntryType, body: &str, link: &str) -> Entry {
    let mode = if kind == EntryType::Directory { 0o755 } else { 0o644 };
    let (name, body, link) = (name.to_owned(), body.as_bytes().to_vec(), link.to_owned());
    Entry { name, kind, body, link, mode, owner: (0, 0), mtime: 1000, device: (0, 0), records: Vec::new() }
}

pub(crate) fn text(name: &str, body: &str) -> Entry {
    entry(name, EntryType::Regular, body, "")
}

pub(crate) fn folder(name: &str) -> Entry {
    entry(name, EntryType::Directory, "", "")
}

pub(crate) fn symlink(name: &str, target: &str) -> Entry {
    entry(name, EntryType::Symlink, "", target)
}

pub(crate) fn hard_link(name: &str, target: &str) -> Entry {
    entry(name, EntryType::Link, "", target)
}

pub(crate) fn device(name: &str, numbers: (u32, u32)) -> Entry {
    Entry { device: numbers, ..entry(name, EntryType::Char, "", "") }
}

impl Entry {
    pub(crate) fn mode(self, mode: u32) -> Entry {
        Entry { mode, ..self }
    }

    pub(crate) fn owner(self, uid: u64, gid: u64) -> Entry {
        Entry { owner: (uid, gid), ..self }
    }

    pub(crate) fn mtime(self, mtime: u64) -> Entry {
        Entry { mtime, ..self }
    }

    /// Adds a PAX record.
    pub(crate) fn record(mut self, key: &str, value: &[u8]) -> Entry {
        self.records.push((key.to_owned(), value.to_vec()));
        self
    }
}

pub(crate) fn layer(entries: &[Entry]) -> Layer {
    let mut tar = Builder::new(Vec::new());
    for entry in entries {
        let records = entry.records.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
        tar.append_pax_extensions(records).expect("records can be written");
        let mut header = Header::new_ustar();
        header.set_entry_type(entry.kind);
        header.set_mode(entry.mode);
        header.set_uid(entry.owner.0);
        header.set_gid(entry.owner.1);
        header.set_mtime(entry.mtime);
        header.set_size(entry.body.len() as u64);
        let device = header.set_device_major(entry.device.0).and_then(|()| header.set_device_minor(entry.device.1));
        device.expect("ustar has device numbers");
        if entry.link.is_empty() {
            tar.append_data(&mut header, &entry.name, &entry.body[..]).expect("an entry can be written");
        } else {
            tar.append_link(&mut header, &entry.name, &entry.link).expect("an entry can be written");
        }
    }
    Layer::from_tar(tar.into_inner().expect("a tar ends"))
}
