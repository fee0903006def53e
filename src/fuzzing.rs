//! Doors to private parts for the fuzz targets. Only `cargo fuzz` compiles them.

use std::io::BufRead;
use std::sync::Arc;

use crate::archive::Archive;
use crate::codec::{self, BLOCK_LEN, BlockEncoder, Compression, CompressionLevel, Encoding, Inflate};
use crate::content::{Content, Flow, pump};
use crate::context::Context;
use crate::digest::Algorithm;
use crate::error::Result;
use crate::faults::Faults;
use crate::formats::{self, Format, Reading, Shape};
use crate::layer::{Catalog, Contents, Event, FileKind, Scanner};
use crate::tree::{self, Container, Input, Members};

/// A member of an archive that stands in no tar.
#[derive(Clone, Debug)]
pub enum Member {
    /// A file.
    File(Vec<u8>),
    /// A symbolic link.
    Symlink(String),
    /// A hard link.
    HardLink(String),
    /// A folder.
    Directory,
}

/// Reads members as the archive they would make in a tar.
pub fn open_members(
    list: Vec<(String, Member)>,
    from: Option<Format>,
    recompute: bool,
    cx: &Context<'_>,
) -> Result<Archive> {
    let source: Arc<str> = "members".into();
    let mut members = Members::new(cx);
    for (name, member) in list {
        let member = match member {
            Member::File(bytes) => tree::Member::File(Content::bytes(source.clone(), name.clone(), bytes)),
            Member::Symlink(target) => tree::Member::Symlink(target),
            Member::HardLink(target) => tree::Member::HardLink(target),
            Member::Directory => tree::Member::Directory,
        };
        members.insert(&name, member)?;
    }
    let reading = Reading { cx, recompute, faults: Faults::FATAL };
    let (graph, format) = formats::read(&mut members, Container::Tar, from, reading)?;
    let shape = Shape::of(&members, Container::Tar, &graph.entries);
    let traits = formats::traits(&members, &graph);
    Ok(Archive { graph, format, shape, name: source.to_string(), traits })
}

/// Reads a tar, and what it holds under each of these names; files larger than `limit` are refused.
pub fn scan_tar(
    bytes: Vec<u8>,
    names: &[String],
    limit: u64,
    cx: &Context<'_>,
) -> Result<Vec<Result<Option<Vec<u8>>>>> {
    let input = Input::Stream(Box::new(std::io::Cursor::new(bytes)), "tar".to_owned());
    let (members, _) = tree::open(input, None, cx)?;
    let read = |name: &String| members.find(name)?.map(|content| content.read(limit)).transpose();
    Ok(names.iter().map(read).collect())
}

/// Reads a layer's tar that comes in these slices, and words all that is told of it; contents in one piece.
pub fn scan_layer(slices: &[&[u8]], cx: &Context<'_>) -> Vec<String> {
    let mut scanner = Scanner::new(&cx.limits);
    let (mut told, mut contents) = (Vec::new(), Vec::new());
    let mut sink = |event: Event<'_>| {
        match event {
            Event::Contents(bytes) => contents.extend_from_slice(bytes),
            event => {
                told.push(format!("{contents:?} {event:?}"));
                contents.clear();
            }
        }
        Ok(())
    };
    let push = |slice: &&[u8]| scanner.push(slice, &mut sink);
    slices.iter().try_for_each(push).and_then(|()| scanner.finish(&mut sink)).expect("the receiver does not fail");
    told
}

/// The tree that layers make.
#[derive(Debug)]
pub struct Tree {
    /// Path, kind and number of the layer, from 0.
    pub files: Vec<(Vec<u8>, FileKind, usize)>,
    /// How many files each layer added and removed.
    pub counts: Vec<(usize, usize)>,
}

/// Merges layers.
pub fn merge_layers(layers: Vec<Vec<u8>>, cx: &Context<'_>) -> Result<Tree> {
    let catalog = Catalog::new(&cx.limits);
    let list = |(i, layer): (usize, Vec<u8>)| {
        let content = Content::bytes("memory".into(), format!("{i}"), layer);
        let algorithms = (Algorithm::Sha256, Algorithm::Sha256);
        catalog.list(&content, Compression::None, algorithms, Contents::Hashed, cx).map(Arc::new)
    };
    let lists = layers.into_iter().enumerate().map(list).collect::<Result<Vec<_>>>()?;
    let merged = catalog.merge(lists)?;
    let paths = catalog.into_paths();
    let files = merged.files(&paths).map(|file| (paths.path(file.path), file.kind(), file.layer)).collect();
    let counts = merged.tallies().iter().map(|tally| (tally.added, tally.removed)).collect();
    Ok(Tree { files, counts })
}

/// Undoes the compression that the first bytes tell of.
pub fn inflate(stream: Vec<u8>, cx: &Context<'_>) -> Result<Vec<u8>> {
    let content = Content::bytes("memory".into(), "stream".to_owned(), stream);
    let mut plain = Vec::new();
    let mut take = |bytes: &[u8]| {
        plain.extend_from_slice(bytes);
        Ok(())
    };
    let flow = Flow { plain: Some(&mut take), ..Flow::default() };
    pump(&content, content.sniff()?, Algorithm::Sha256, flow, cx)?;
    Ok(plain)
}

/// Undoes gzip as a whole. Returns what was made, and what was wrong behind that.
pub fn gunzip(stream: &[u8], cx: &Context<'_>) -> (Vec<u8>, Option<String>) {
    let mut plain = Vec::new();
    let mut decode = || {
        let mut decoder = codec::decoder(Compression::Gzip, stream, &cx.limits)?;
        loop {
            let made = decoder.fill_buf()?;
            let len = made.len();
            plain.extend_from_slice(made);
            decoder.consume(len);
            if len == 0 {
                return Ok(());
            }
        }
    };
    let failure: std::io::Result<()> = decode();
    (plain, failure.err().map(|error| error.to_string()))
}

/// Undoes runs of gzip members as they are cut off a stream that comes in pieces of this size, one or more. Returns what was
/// made of them and where they end: at the first that is none.
pub fn gunzip_runs(stream: &[u8], size: usize) -> (Vec<u8>, usize) {
    let (runs, end) = codec::inflate_runs(stream, size);
    (runs.concat(), end)
}

/// Undoes a deflate stream that comes in pieces of this size, one or more. Returns what was made and how much of the stream
/// was used for it, or else whether it is damaged and not only cut short.
pub fn inflate_pieces(stream: &[u8], size: usize) -> (Vec<u8>, std::result::Result<usize, bool>) {
    let mut inflate = Inflate::new();
    let (mut made, mut at) = (Vec::new(), 0);
    loop {
        let decoded = inflate.decode(&stream[at..stream.len().min(at + size)]);
        made.extend_from_slice(inflate.fresh());
        let Ok(used) = decoded else { return (made, Err(true)) };
        at += used;
        if inflate.has_ended() {
            return (made, Ok(at));
        }
        if at == stream.len() && inflate.fresh().is_empty() {
            return (made, Err(false));
        }
    }
}

/// Compresses as layers are compressed.
pub fn deflate(plain: &[u8], compression: Compression, level: Option<CompressionLevel>) -> Result<Vec<u8>> {
    let mut encoder = BlockEncoder::new(Encoding::new(compression, level)?)?;
    let (mut stream, mut made) = (Vec::new(), Vec::new());
    for block in plain.chunks(BLOCK_LEN) {
        encoder.encode(block, &mut made)?;
        stream.extend_from_slice(&made);
    }
    Ok(stream)
}
