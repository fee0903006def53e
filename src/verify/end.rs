//! How the archive ends. POSIX asks for two blocks of zeros; tools differ in what they make of less, and of more.

use super::Note;
use crate::code::Code;
use crate::codec::Compression;
use crate::content::{Flow, pump};
use crate::context::Context;
use crate::digest::Algorithm;
use crate::error::{Error, Result};
use crate::tree::Tail;

/// Two blocks.
const END: u64 = 1024;

/// Reads what is behind the last member.
pub(super) fn check(tail: &Tail, note: Note<'_>, cx: &Context<'_>) -> Result<()> {
    let (mut position, mut first) = (0_u64, None);
    let mut look = |bytes: &[u8]| {
        if first.is_none() {
            first = bytes.iter().position(|&b| b != 0).map(|at| position + at as u64);
        }
        position += bytes.len() as u64;
        Ok(())
    };
    let flow = Flow { stored: Some(&mut look), ..Flow::default() };
    pump(&tail.rest, Compression::None, Algorithm::Sha256, flow, cx)?;
    let zeros = first.unwrap_or(position);
    if zeros < END && first.is_none() {
        let message = format!("{zeros} bytes of zeros at the end, where two blocks of 512 belong");
        let error = Error::damaged(message).coded(Code::TarEnd).claims(END, zeros);
        note(error.at(Some(tail.offset)));
    }
    if let Some(first) = first {
        let message = format!("{} bytes behind the end of the archive", position - first);
        note(Error::damaged(message).coded(Code::TrailingData).at(Some(tail.offset + first)));
    }
    Ok(())
}
