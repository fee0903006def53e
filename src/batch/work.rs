//! Doing one item, once.

use std::path::PathBuf;

use super::item::{Item, NO_ARCHIVE};
use super::record::{Class, Failure, Recompressed, Record, RecordedImage, Status};
use crate::archive::Archive;
use crate::code::Severity;
use crate::context::Context;
use crate::convert::{self, ConvertOptions};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::formats::Format;
use crate::inspect::{InspectOptions, RawDocument};
use crate::output::Output;
use crate::receipt::Receipt;
use crate::tree::Input;
use crate::verify::{VerifyOptions, verify};

/// What happens to the items of a batch.
#[derive(Clone, Debug)]
pub enum Task {
    /// Each is converted. Images, platforms and names that an item asks for take the place of those here.
    Convert(Box<ConvertOptions>),
    /// Each is read as a whole; fails for what does not [verify](crate::verify()).
    Verify(VerifyOptions),
    /// It is told what is in each.
    Inspect {
        /// Its format; `None`: recognised by its contents.
        from: Option<Format>,
    },
}

/// Does an item, and says what became of it. `paths` are where its source is and where its result is to be.
pub(super) fn perform(item: &Item, task: &Task, paths: &Paths, replace: bool, cx: &Context<'_>) -> Result<Record> {
    let mut record = recorded(item, Status::Ok);
    let input = || Input::Path(paths.input.clone());
    match task {
        Task::Convert(options) => {
            let options = options_for(options, item, replace)?;
            let output = Output::Path(paths.output.clone().unwrap_or_default());
            let archive = convert::open(input(), &output, &options, cx)?;
            record.in_digest = archive.root_digest();
            tell(&mut record, archive.convert(output, &options, cx)?);
        }
        Task::Verify(options) => {
            let found = verify(input(), options, cx)?;
            if let Some(worst) = found.findings.first().filter(|_| !found.passes(false)) {
                let more = found.count(Severity::Error) + found.count(Severity::Warning) - 1;
                let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
                record = recorded(item, Status::Failed);
                let (code, message) = (worst.code.name().to_owned(), format!("{worst}{more}"));
                record.error = Some(Failure { code, class: Class::Permanent, message, member: worst.member.clone() });
            }
            record.bytes_in = found.bytes_read;
        }
        Task::Inspect { from } => {
            let archive = Archive::open(input(), *from, cx)?;
            record.in_digest = archive.root_digest();
            let found = archive.inspect(&InspectOptions::default(), cx)?;
            record.images = found
                .images
                .into_iter()
                .map(|image| RecordedImage {
                    names: image.names,
                    image_id: image.image_id,
                    manifest_digest: image.manifest_digest,
                    platform: image.platform,
                })
                .collect();
        }
    }
    Ok(record)
}

/// Where an item's bytes are.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub(super) input: PathBuf,
    pub(super) output: Option<PathBuf>,
}

pub(super) fn options_for(options: &ConvertOptions, item: &Item, replace: bool) -> Result<ConvertOptions> {
    let mut options = options.clone();
    options.replace |= replace;
    if let Some(image) = &item.image {
        options.images = vec![image.clone()];
    }
    match item.platform.as_deref() {
        None => {}
        Some("all") => (options.all_platforms, options.platforms) = (true, Vec::new()),
        Some(platform) => (options.all_platforms, options.platforms) = (false, vec![platform.parse()?]),
    }
    if !item.tags.is_empty() {
        options.tags.clone_from(&item.tags);
    }
    Ok(options)
}

fn tell(record: &mut Record, receipt: Receipt) {
    record.out_digest = receipt.root_digest;
    record.images = receipt.images.iter().map(RecordedImage::from).collect();
    for layer in receipt.images.iter().flat_map(|image| &image.layers) {
        if let (Some(from), Some(to), Some(compression)) = (layer.source_digest, layer.digest, layer.compression)
            && from != to
            && !record.recompressed.iter().any(|known| known.from == from)
        {
            record.recompressed.push(Recompressed { from, to, compression: compression.name().to_owned() });
        }
    }
    (record.bytes_in, record.bytes_out) = (receipt.bytes_read, receipt.bytes_written);
    record.losses = receipt.losses;
}

/// Says of an item why it failed; of one that turned out to be nothing to do, that.
pub(super) fn failed(item: &Item, error: &Error) -> Record {
    let foreign = error.detail().foreign;
    let mut failure = Failure::of(error);
    if foreign {
        failure.code = NO_ARCHIVE.to_owned();
    }
    let status = if foreign && item.found { Status::Skipped } else { Status::Failed };
    let mut record = recorded(item, status);
    record.error = Some(failure);
    record
}

/// Makes the record of an item, with all that another try needs.
fn recorded(item: &Item, status: Status) -> Record {
    let mut record = Record::new(&item.key, item.input.to_string_lossy(), status);
    record.output = item.output.as_ref().map(|output| output.to_string_lossy().into_owned());
    record.line = (status == Status::Failed).then(|| item.line());
    record
}

impl Archive {
    /// Returns the digest of the document from which everything else in the source is named: `index.json`, or the
    /// `manifest.json` of a docker-archive. `None` where there is none, as in archives of docker before 1.10.
    pub fn root_digest(&self) -> Option<Digest> {
        let document = match self.format() {
            Format::DockerArchive | Format::DockerDir => RawDocument::Manifest,
            Format::OciArchive | Format::OciDir | Format::HybridArchive => RawDocument::Index,
        };
        self.raw(document, &InspectOptions::default()).ok().map(|bytes| Digest::of(&bytes))
    }
}
