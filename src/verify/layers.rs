//! What is wrong in the tar of a layer, while its bytes pass.

use std::collections::BTreeMap;

use super::Note;
use crate::code::Code;
use crate::codec::Compression;
use crate::content::Content;
use crate::context::Context;
use crate::error::{Error, quoted};
use crate::layer::{Event, Fault, Problem, Scanner, shown};

/// Problems of one code that are told of one layer; the others are counted.
const TOLD: usize = 20;

/// Reads a layer's tar and keeps what is wrong with it.
pub(super) struct LayerCheck {
    scanner: Scanner,
    found: Found,
}

#[derive(Default)]
struct Found(BTreeMap<Code, (Vec<Problem>, usize)>);

impl LayerCheck {
    pub(super) fn new(cx: &Context<'_>) -> Self {
        Self { scanner: Scanner::new(&cx.limits), found: Found::default() }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        let found = &mut self.found;
        self.scanner.push(bytes, &mut |event| found.take(event)).expect("the receiver does not fail");
    }

    /// Notes what was found. A stream that could not be inflated to its end ends early by that, not by itself.
    pub(super) fn finish(self, content: &Content, compression: Compression, whole: bool, note: Note<'_>) {
        let Self { scanner, mut found } = self;
        if whole {
            scanner.finish(&mut |event| found.take(event)).expect("the receiver does not fail");
        }
        for (code, (problems, count)) in found.0 {
            for problem in &problems {
                let mut error = Error::damaged(problem.what.to_string()).coded(code);
                if let Some(path) = &problem.path {
                    error = error.within(quoted(&shown(path)));
                }
                error = error.within(format!("byte {} of the layer's tar", problem.offset));
                // Where a layer is stored plain, its bytes are the archive's.
                let plain = compression == Compression::None;
                note(content.locate(error.at(plain.then(|| content.offset_of(problem.offset)).flatten())));
            }
            if count > problems.len() {
                let message = format!("the same {} times more in this layer", count - problems.len());
                note(content.locate(Error::damaged(message).coded(code)));
            }
        }
    }
}

impl Found {
    fn take(&mut self, event: Event<'_>) -> crate::error::Result<()> {
        if let Event::Problem(problem) = event
            && let Some(code) = code(&problem.what)
        {
            let (problems, count) = self.0.entry(code).or_default();
            *count += 1;
            if problems.len() < TOLD {
                problems.push(problem);
            }
        }
        Ok(())
    }
}

/// Returns what kind of finding a problem is; `None` for what is no problem of the archive.
fn code(fault: &Fault) -> Option<Code> {
    Some(match fault {
        Fault::NotTar => Code::LayerNotTar,
        Fault::NotAHeader
        | Fault::Unreadable(_)
        | Fault::Truncated(_)
        | Fault::LoneZeroBlock
        | Fault::InvalidField(_)
        | Fault::InvalidRecord(_)
        | Fault::NulInName => Code::LayerTar,
        Fault::HeaderTooLarge(_) | Fault::SparseTooLarge(_) => Code::Limit,
        Fault::NoEndMarker | Fault::TrailingData => Code::LayerTarEnd,
        Fault::OrphanHeader | Fault::GlobalRecord(_) | Fault::UnknownType(_) | Fault::NameTooLong => Code::LayerTarOdd,
        Fault::NameLeavesRoot | Fault::HardLinkLeavesRoot => Code::LayerEscape,
        Fault::AbsoluteName | Fault::ParentInName => Code::LayerName,
        // Inside a container the root is its own parent, and distributions ship such links.
        Fault::SymlinkLeavesRoot => return None,
    })
}
