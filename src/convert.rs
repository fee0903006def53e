//! Converting: the pipeline, one line a stage.

use std::collections::HashMap;
use std::path::Path;

use crate::archive::Archive;
use crate::code::Severity;
use crate::codec::{Compression, CompressionChoice, CompressionLevel, Encoding};
use crate::context::{Context, Event};
use crate::error::{Error, ErrorKind, Result, Within};
use crate::execute::{Assembly, Sealed, Sharing};
use crate::faults::Faults;
use crate::formats::{Format, Reading};
use crate::graph::{Name, Pick, Wish};
use crate::output::{self, Existing, Output, Staged};
use crate::plan::{self, Outcomes, Policy, Wanted};
use crate::platform::Platform;
use crate::receipt::{self, Receipt};
use crate::tree::Input;
use crate::verify::{Verification, VerifyOptions, verify};

/// What a conversion is to do. Everything here may change the result.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConvertOptions {
    /// The input's format; `None`: recognised by its contents.
    pub from: Option<Format>,
    /// The output's format.
    pub to: Format,
    /// Images to take, as `NAME`, `@N` (from 0) or a digest (whole, or at least twelve digits); empty: all.
    pub images: Vec<String>,
    /// Platforms to take; empty: all, or the one that a target for single platforms can hold.
    pub platforms: Vec<Platform>,
    /// Take every platform, and fail when the target cannot hold several.
    pub all_platforms: bool,
    /// Names for the one selected image, as `NAME[:TAG]`; empty: the source's.
    pub tags: Vec<String>,
    /// What happens to layers; `None`: what the target's readers take best.
    pub compression: Option<CompressionChoice>,
    /// How much work compression is worth; `None`: about gzip's level 2, zstd's 3.
    pub level: Option<CompressionLevel>,
    /// Take wrong digests, sizes and diff_ids, and a missing `rootfs`, for mistakes and put them right.
    pub recompute: bool,
    /// Fail when the target cannot hold something.
    pub strict: bool,
    /// Replace an output that is there.
    pub replace: bool,
    /// Add the images to an OCI layout folder that is there (or make one). Several processes may add to one at once.
    pub append: bool,
    /// Plan only, write nothing.
    pub dry_run: bool,
    /// Read the output again before it gets its name, and fail unless it [verifies](crate::verify()). Only for an output
    /// at a path. Until then the result is in a folder `.transload.*.tmp` beside that path.
    pub verify_output: bool,
    /// Which platform to take where only one can be and none is asked for.
    pub host: Platform,
}

impl ConvertOptions {
    /// Returns the defaults for a target.
    pub fn new(to: Format) -> Self {
        Self {
            from: None,
            to,
            images: Vec::new(),
            platforms: Vec::new(),
            all_platforms: false,
            tags: Vec::new(),
            compression: None,
            level: None,
            recompute: false,
            strict: false,
            replace: false,
            append: false,
            dry_run: false,
            verify_output: false,
            host: Platform::host(),
        }
    }
}

/// Converts what is at `input`, whole or not at all.
///
/// # Errors
///
/// [`Usage`](crate::ErrorKind::Usage) for options that make no sense, [`Damaged`](crate::ErrorKind::Damaged) for an input
/// that is no image archive or contradicts itself, [`Unsupported`](crate::ErrorKind::Unsupported) for what cannot be done
/// with it, [`Exists`](crate::ErrorKind::Exists) for an output that is there, [`Environment`](crate::ErrorKind) when the
/// system failed, [`Unverified`](crate::ErrorKind::Unverified) when the output was to be verified and is wrong. No output
/// is left behind.
pub fn convert(input: Input, output: Output, options: &ConvertOptions, cx: &Context<'_>) -> Result<Receipt> {
    open(input, &output, options, cx)?.convert(output, options, cx)
}

/// Opens what is to be converted. What can be refused is refused before anything is read.
pub(crate) fn open(input: Input, output: &Output, options: &ConvertOptions, cx: &Context<'_>) -> Result<Archive> {
    wanted(options)?;
    check_output(output, options)?;
    let beside = output.folder().filter(|_| !options.dry_run).map(Path::to_owned);
    let reading = Reading { cx, recompute: options.recompute, faults: Faults::FATAL };
    Archive::open_with(input, options.from, reading, beside.as_deref())
}

impl Archive {
    /// Converts the images, whole or not at all. The options `from` and `recompute` are for [`convert`], which opens its
    /// input with them.
    ///
    /// # Errors
    ///
    /// Those of [`convert`].
    pub fn convert(&self, output: Output, options: &ConvertOptions, cx: &Context<'_>) -> Result<Receipt> {
        match &output {
            Output::Path(path) if options.verify_output && !options.dry_run => self.convert_verified(path, options, cx),
            _ => self.convert_unseen(output, options, cx),
        }
    }

    /// Writes the result where nobody looks for it, reads it again, and gives it its name.
    fn convert_verified(&self, path: &Path, options: &ConvertOptions, cx: &Context<'_>) -> Result<Receipt> {
        check_output(&Output::Path(path.to_owned()), options)?;
        let staged = Staged::beside(path, options.to.container(), existing(options)?, cx)?;
        let inner = || staged.inner().to_owned();
        let within = ConvertOptions { replace: false, ..options.clone() };
        let receipt = self.convert_unseen(Output::Path(inner()), &within, cx).map_err(|error| staged.rename(error))?;
        let looking_for = VerifyOptions { from: Some(options.to), ..VerifyOptions::default() };
        let found = verify(Input::Path(inner()), &looking_for, cx).map_err(|error| staged.rename(error))?;
        if !found.passes(false) {
            return Err(unverified(&found).within(path.display().to_string()));
        }
        staged.publish()?;
        Ok(receipt)
    }

    fn convert_unseen(&self, output: Output, options: &ConvertOptions, cx: &Context<'_>) -> Result<Receipt> {
        let wanted = wanted(options)?;
        check_output(&output, options)?;
        let Self { name: subject, format: from, .. } = self;
        let mut graph = self.graph.clone();
        let plan = plan::draw(&mut graph, options.to.abilities(), &wanted).within(subject)?;
        if options.strict {
            refuse_losses(&plan.losses).within(subject)?;
        }
        if options.dry_run {
            let outcomes = Outcomes::forecast(&plan.jobs, &graph);
            return receipt::compile(graph, *from, plan, options, &outcomes, &HashMap::new()).within(subject);
        }
        let planned = plan.jobs.ids().map(|id| graph.blob(plan.jobs.get(id).blob).content.size());
        cx.observer.on(&Event::Planned { bytes: planned.sum() });
        for id in plan.jobs.ids() {
            let job = plan.jobs.get(id);
            let origin = graph.blob(job.blob).content.origin().to_owned();
            let reason = job.reason(&graph, options.to.abilities(), options.compression);
            cx.observer.on(&Event::Decided { origin, action: job.action.name(), reason });
        }
        let to = options.to;
        let writer = output::create(output, to.container(), existing(options)?, cx)?;
        let sharing = Sharing::default();
        let mut assembly = Assembly::new(&graph, &plan.jobs, writer, options.recompute, &sharing, cx);
        let like = |id| to.blob_member_like(plan.jobs.get(id));
        assembly.measure(&to.prologue(), &like, &|outcome| to.blob_member(outcome))?;
        let laid_out = to.lay_out(&graph, &plan.jobs, assembly.outcomes(), &plan.docker_images, options.recompute);
        let laid_out = laid_out.within(subject)?;
        assembly.write(&laid_out.entries)?;
        cx.observer.on(&Event::Sealing);
        let Sealed { outcomes, changes, read, written } = assembly.seal()?;
        let root_digest = laid_out.root_digest();
        let receipt = receipt::compile(graph, *from, plan, options, &outcomes, &laid_out.manifests).within(subject)?;
        Ok(Receipt {
            changes: [receipt.changes, changes].concat(),
            root_digest,
            bytes_read: read,
            bytes_written: written,
            ..receipt
        })
    }
}

/// Words the error for an output that is wrong.
fn unverified(found: &Verification) -> Error {
    let worst = found.findings.first().map(ToString::to_string).unwrap_or_default();
    let more = found.count(Severity::Error) + found.count(Severity::Warning);
    let more = if more > 1 { format!(" (and {} more)", more - 1) } else { String::new() };
    let message = format!("the output does not verify: {worst}{more}");
    Error::new(ErrorKind::Unverified, message)
        .hint("nothing was left at its place; transload verify tells whether the input has the same fault")
}

/// Finds out early what would fail at the end.
pub(crate) fn check_output(output: &Output, options: &ConvertOptions) -> Result<()> {
    let existing = existing(options)?;
    if options.verify_output && options.append {
        return Err(Error::usage("what is added to a layout cannot be verified apart from it")
            .hint("transload verify reads the whole layout afterwards"));
    }
    match output {
        Output::Stream(_, name) if options.verify_output => {
            return Err(Error::usage("a stream cannot be read again to verify it")
                .within(name)
                .hint("write a file, or pipe the output on by way of: tee >(transload verify -)"));
        }
        _ => {}
    }
    match output {
        Output::Path(path) if !options.dry_run => output::check(path, options.to.container(), existing),
        Output::Path(_) | Output::Stream(..) => Ok(()),
    }
}

fn existing(options: &ConvertOptions) -> Result<Existing> {
    match (options.append, options.replace) {
        (false, false) => Ok(Existing::Refuse),
        (false, true) => Ok(Existing::Replace),
        (true, true) => Err(Error::usage("the output is to be replaced and added to")),
        (true, false) => options.to.adds().ok_or_else(|| {
            Error::usage(format!("nothing can be added to a result in the format {}", options.to))
                .hint("an OCI layout folder (oci-dir) can be added to")
        }),
    }
}

fn refuse_losses(losses: &[String]) -> Result<()> {
    let Some((first, others)) = losses.split_first() else { return Ok(()) };
    let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
    let message = format!("not without a loss: {first}{more}");
    Err(Error::unsupported(message).hint("without --strict it is only told"))
}

/// Refuses options that make no sense, whatever the input is.
pub(crate) fn check_options(options: &ConvertOptions) -> Result<()> {
    wanted(options).and(existing(options)).map(drop)
}

/// Checks the options that can be checked without an input.
fn wanted(options: &ConvertOptions) -> Result<Wanted> {
    let picks = options.images.iter().map(|text| Pick::parse(text)).collect::<Result<_>>()?;
    let wish = match (options.all_platforms, options.platforms.as_slice()) {
        (true, []) => Wish::All,
        (false, []) => Wish::Default,
        (false, platforms) => Wish::These(platforms.to_vec()),
        (true, _) => return Err(Error::usage("all platforms and single ones are asked for")),
    };
    if let Some(level) = options.level {
        let compression = match options.compression {
            Some(CompressionChoice::Zstd) => Compression::Zstd,
            Some(CompressionChoice::Gzip) => Compression::Gzip,
            Some(CompressionChoice::Keep | CompressionChoice::None) => {
                return Err(Error::usage("a compression level, and nothing that would be compressed"));
            }
            None if options.to.abilities().policy == Policy::Plain => {
                return Err(Error::usage("a compression level, and nothing that would be compressed"));
            }
            // No other codec is ever a default.
            None => Compression::Gzip,
        };
        Encoding::new(compression, Some(level))?;
    }
    Ok(Wanted {
        picks,
        wish,
        names: options.tags.iter().map(|tag| Name::from_user(tag)).collect::<Result<_>>()?,
        choice: options.compression,
        level: options.level,
        recompute: options.recompute,
        host: options.host.clone(),
    })
}
