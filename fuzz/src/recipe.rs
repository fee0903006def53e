//! Archives as recipes: members one after another, with holes where digests and sizes belong. The holes are filled from
//! the members themselves, so that a changed layer still has the right digest everywhere.
//!
//! A recipe is a list of members with `\xff\xfe` between them: a letter, a name, a line end, a body. In a body, `\xf8`, a
//! letter and a number (from `0` on) stand for a fact of that member, which must come earlier: `d` the digest of its
//! stored bytes, `p` the digest of its plain bytes, `s` the number of its stored bytes.

use std::io::Read;

use sha2::{Digest, Sha256};

const BETWEEN: &[u8] = b"\xff\xfe";
const HOLE: u8 = 0xf8;
/// More members and bytes make a fuzzer slow and find nothing.
const MEMBERS: usize = 64;
const BYTES: usize = 256 << 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File(Vec<u8>),
    Symlink(String),
    HardLink(String),
    Directory,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub kind: Kind,
}

/// What a hole can be filled with.
struct Fact {
    digest: String,
    plain: String,
    size: usize,
}

/// Makes the members that a recipe describes.
pub fn cook(recipe: &[u8]) -> Vec<Member> {
    let mut members = Vec::new();
    let mut facts = Vec::new();
    let mut room = BYTES;
    for part in split(recipe).into_iter().take(MEMBERS) {
        let Some((&letter, rest)) = part.split_first() else { continue };
        let line = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        let name = String::from_utf8_lossy(&rest[..line]).into_owned();
        let plain = fill(rest.get(line + 1..).unwrap_or_default(), &facts);
        let stored = match letter {
            b'g' | b'G' => gzip(&plain),
            b'z' | b'Z' => zstd::bulk::compress(&plain, 1).expect("memory can be written"),
            _ => plain.clone(),
        };
        room = room.saturating_sub(stored.len());
        if room == 0 {
            break;
        }
        let fact = Fact { digest: sha256(&stored), plain: sha256(&plain), size: stored.len() };
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        members.push(match letter {
            b'b' | b'G' | b'Z' => Member { name: format!("blobs/sha256/{}", fact.digest), kind: Kind::File(stored) },
            b'l' => Member { name, kind: Kind::Symlink(text(&stored)) },
            b'h' => Member { name, kind: Kind::HardLink(text(&stored)) },
            b'd' => Member { name, kind: Kind::Directory },
            _ => Member { name, kind: Kind::File(stored) },
        });
        facts.push(fact);
    }
    members
}

fn split(recipe: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut start) = (Vec::new(), 0);
    while let Some(at) = recipe[start..].windows(BETWEEN.len()).position(|two| two == BETWEEN) {
        parts.push(&recipe[start..start + at]);
        start += at + BETWEEN.len();
    }
    parts.push(&recipe[start..]);
    parts
}

fn fill(body: &[u8], facts: &[Fact]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some((&first, more)) = rest.split_first() {
        let fact = |number: u8| facts.get(usize::from(number.wrapping_sub(b'0')));
        let text = match (first, more) {
            (HOLE, [b'd', number, ..]) => fact(*number).map(|fact| fact.digest.clone()),
            (HOLE, [b'p', number, ..]) => fact(*number).map(|fact| fact.plain.clone()),
            (HOLE, [b's', number, ..]) => fact(*number).map(|fact| fact.size.to_string()),
            _ => None,
        };
        match text {
            Some(text) => {
                out.extend(text.into_bytes());
                rest = &more[2..];
            }
            None => {
                out.push(first);
                rest = more;
            }
        }
        if out.len() > BYTES {
            break;
        }
    }
    out
}

/// Writes the recipe of an archive. Of layers, the first `keep` bytes are taken.
pub fn describe(members: &[Member], keep: usize) -> Vec<u8> {
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut known: Vec<Fact> = Vec::new();
    let mut waiting: Vec<&Member> = members.iter().collect();
    while !waiting.is_empty() {
        // What names another member's digest comes after it; when they wait for one another, the first goes on.
        let free = |member: &&Member| {
            let Kind::File(bytes) = &member.kind else { return true };
            !is_json(bytes) || !waiting.iter().any(|other| !std::ptr::eq(*other, *member) && names(bytes, other))
        };
        let member = waiting.remove(waiting.iter().position(free).unwrap_or(0));
        let blob = member.name.starts_with("blobs/sha256/");
        let (letter, body) = match &member.kind {
            Kind::Symlink(target) => (b'l', target.clone().into_bytes()),
            Kind::HardLink(target) => (b'h', target.clone().into_bytes()),
            Kind::Directory => (b'd', Vec::new()),
            Kind::File(bytes) if is_json(bytes) => (if blob { b'b' } else { b'f' }, with_holes(bytes, &known)),
            Kind::File(bytes) => {
                let plain = inflated(bytes);
                let letter = match (bytes.as_slice(), blob) {
                    ([0x1f, 0x8b, ..], true) => b'G',
                    ([0x28, 0xb5, ..], true) => b'Z',
                    ([0x1f, 0x8b, ..], false) => b'g',
                    ([0x28, 0xb5, ..], false) => b'z',
                    (_, true) => b'b',
                    (_, false) => b'f',
                };
                (letter, plain[..plain.len().min(keep)].to_vec())
            }
        };
        let bytes = if let Kind::File(bytes) = &member.kind { bytes.as_slice() } else { body.as_slice() };
        known.push(Fact { digest: sha256(bytes), plain: sha256(&inflated(bytes)), size: bytes.len() });
        let name = if blob { "" } else { &member.name };
        parts.push([&[letter], name.as_bytes(), b"\n", &body].concat());
    }
    parts.join(BETWEEN)
}

fn is_json(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'{' | b'['))
}

/// Tells whether a text names the digest of a member.
fn names(text: &[u8], member: &Member) -> bool {
    let Kind::File(bytes) = &member.kind else { return false };
    [sha256(bytes), sha256(&inflated(bytes))].iter().any(|digest| find(text, digest.as_bytes()).is_some())
}

fn with_holes(text: &[u8], known: &[Fact]) -> Vec<u8> {
    let mut text = text.to_vec();
    for (number, fact) in known.iter().enumerate().take(MEMBERS) {
        let hole = |letter: u8| vec![HOLE, letter, b'0' + u8::try_from(number).expect("few members")];
        let before = text.len();
        replace(&mut text, fact.digest.as_bytes(), &hole(b'd'));
        if text.len() != before {
            for end in [",", "}"] {
                let size = format!("\"size\":{}{end}", fact.size);
                let filled = [b"\"size\":", &hole(b's')[..], end.as_bytes()].concat();
                replace(&mut text, size.as_bytes(), &filled);
            }
        }
        replace(&mut text, fact.plain.as_bytes(), &hole(b'p'));
    }
    text
}

fn replace(text: &mut Vec<u8>, what: &[u8], with: &[u8]) {
    while let Some(at) = find(text, what) {
        text.splice(at..at + what.len(), with.iter().copied());
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = flate2::bufread::GzEncoder::new(plain, flate2::Compression::fast());
    encoder.read_to_end(&mut out).expect("memory can be read");
    out
}

fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match bytes {
        [0x1f, 0x8b, ..] => drop(flate2::bufread::MultiGzDecoder::new(bytes).read_to_end(&mut out)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            drop(zstd::stream::copy_decode(bytes, &mut out));
        }
        _ => out.extend_from_slice(bytes),
    }
    out
}
