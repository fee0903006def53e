//! What changes the result of a conversion: taken by all commands that convert.

use clap::Args;
use transload::{CompressionChoice, CompressionLevel, ConvertOptions, Error, Format};

use super::args::{compression, format, parse};
use super::source::usage;

#[derive(Args, Clone, Debug)]
pub(super) struct ConversionArgs {
    /// Format of the output
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    pub(super) to: Option<Format>,
    /// Take this image only: a name, @N (counted from 0) or a digest; may be repeated
    #[arg(long, value_name = "NAME|@N|DIGEST")]
    image: Vec<String>,
    /// Take this platform only, as in linux/arm64, or all; may be repeated
    #[arg(long, value_name = "PLATFORM")]
    platform: Vec<String>,
    /// Name the image so, instead of as in the input; may be repeated
    #[arg(long, value_name = "NAME[:TAG]")]
    tag: Vec<String>,
    /// What happens to layers; by default what the readers of the output's format take best
    #[arg(long, value_name = "HOW", value_parser = compression())]
    compression: Option<CompressionChoice>,
    /// fast, or a level of the codec: 0 to 12 for gzip, 1 to 19 for zstd (by default close to 3)
    #[arg(long, value_name = "LEVEL", allow_hyphen_values = true, value_parser = parse::<CompressionLevel>)]
    compression_level: Option<CompressionLevel>,
    /// Put wrong digests, sizes and diff_ids right instead of refusing them; the image ID can change
    #[arg(long)]
    recompute: bool,
    /// Fail when the output cannot hold something, instead of noting it
    #[arg(long)]
    strict: bool,
    /// Replace an output that is there
    #[arg(long, short)]
    force: bool,
    /// Read the output again and check all of it before it gets its name; nothing is left where it does not verify
    #[arg(long)]
    verify_output: bool,
}

impl ConversionArgs {
    /// Works out what the arguments mean for a target.
    pub(super) fn options(&self, target: Format) -> Result<ConvertOptions, Error> {
        let mut options = ConvertOptions::new(target);
        options.images.clone_from(&self.image);
        for platform in &self.platform {
            match platform.as_str() {
                "all" => options.all_platforms = true,
                other => options.platforms.push(other.parse()?),
            }
        }
        options.tags.clone_from(&self.tag);
        options.compression = self.compression;
        options.level = self.compression_level;
        options.recompute = self.recompute;
        options.strict = self.strict;
        options.replace = self.force;
        options.verify_output = self.verify_output;
        Ok(options)
    }
}

/// Makes the error for a target that nothing names.
pub(super) fn no_format() -> Error {
    usage("no format for the output")
        .hint("pass --to docker-archive, oci-archive, oci-dir, hybrid-archive or docker-dir")
}
