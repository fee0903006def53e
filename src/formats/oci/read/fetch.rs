//! Finding what descriptors name, and holding it against what they say of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Reader;
use crate::code::Code;
use crate::content::Content;
use crate::descriptor::Descriptor;
use crate::digest::Digest;
use crate::document::Document;
use crate::error::{Error, Result};
use crate::formats::oci::layout::blob_name;

impl Reader<'_> {
    /// Finds what a manifest names; `None` when it is absent, or cannot be used where that is only noted.
    pub(super) fn part(&mut self, descriptor: &Descriptor, noun: &str) -> Result<Option<Content>> {
        let Some(found) = self.reading.faults.attempt(self.content(descriptor))? else { return Ok(None) };
        if found.is_none() {
            self.remark_absence(descriptor, noun);
        }
        Ok(found)
    }

    pub(super) fn remark_absence(&self, descriptor: &Descriptor, noun: &str) {
        self.reading.faults.remark(|| {
            let platform = descriptor.platform.as_ref().map(|platform| format!(" for {platform}")).unwrap_or_default();
            let urls = descriptor.urls().join(", ");
            let (code, what) = match urls.as_str() {
                "" => (Code::Missing, format!("this {noun}{platform} is not there")),
                urls => (Code::Elsewhere, format!("this {noun}{platform} is not there, but at {urls}")),
            };
            Error::damaged(what).coded(code).about(blob_name(&descriptor.digest))
        });
    }

    /// Finds a descriptor's blob, in the layout or embedded in the descriptor.
    pub(super) fn content(&mut self, descriptor: &Descriptor) -> Result<Option<Content>> {
        let name = blob_name(&descriptor.digest);
        let found = self.members.find(&name)?.cloned();
        let Some(data) = &descriptor.data else { return Ok(found) };
        let invalid = |e| Error::damaged("data is not base64").coded(Code::EmbeddedData).caused_by(e).within(&name);
        let Some(embedded) = self.reading.faults.attempt(BASE64.decode(data).map_err(invalid))? else {
            return Ok(found);
        };
        let digest = Digest::with(descriptor.digest.algorithm(), &embedded);
        if digest != descriptor.digest {
            let what = "data embedded in the descriptor: digest";
            let error = Error::mismatch(Code::EmbeddedData, what, descriptor.digest, digest).about(&name).within(name);
            self.reading.faults.forgive(error)?;
            return Ok(found);
        }
        if found.is_none() {
            self.graph.embedded.insert(digest);
        }
        Ok(found.or_else(|| Some(Content::bytes(self.source.clone(), format!("{name} (embedded)"), embedded))))
    }

    /// Returns what the pump is to hold a blob to, after checking its size.
    pub(super) fn claim(&mut self, descriptor: &Descriptor, content: &Content) -> Result<(Digest, u64)> {
        self.check(content.size() == descriptor.size, || {
            let (claimed, size) = (descriptor.size, content.size());
            let message = format!("size mismatch: the descriptor says {claimed} bytes, the blob has {size}");
            let error = Error::damaged(message).coded(Code::Size).claims(claimed, size);
            error.about(content.origin()).at(content.offset_of(0)).within(content.origin())
        })?;
        Ok((descriptor.digest, content.size()))
    }

    /// Reads a document and checks it against its descriptor.
    pub(super) fn document(&mut self, descriptor: &Descriptor, content: &Content) -> Result<Document> {
        self.claim(descriptor, content)?;
        let document = self.members.document(content)?;
        let digest = Digest::with(descriptor.digest.algorithm(), document.bytes());
        self.check(digest == descriptor.digest, || {
            let error = Error::mismatch(Code::Digest, "digest", descriptor.digest, digest);
            error.about(content.origin()).at(content.offset_of(0)).within(content.origin())
        })?;
        Ok(document.named(digest))
    }

    /// Fails when a claim does not hold, or notes that it is put right.
    fn check(&mut self, holds: bool, error: impl FnOnce() -> Error) -> Result<()> {
        match (holds, self.reading.recompute) {
            (true, _) => Ok(()),
            (false, false) => {
                self.reading.faults.forgive(error().hint("--recompute puts wrong digests and sizes right"))
            }
            (false, true) => {
                self.graph.changes.push(error().within(self.source.to_string()).to_string());
                Ok(())
            }
        }
    }
}
