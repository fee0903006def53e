//! What tests of predictions share.

use std::io;
use std::path::Path;

use transload::{Archive, Context, ConvertOptions, ErrorKind, Format, Input, Output};

/// Opens an archive whose contents are what it says they are; `None` when it cannot be opened or is damaged: what comes
/// of such is not for predictions to say.
pub(crate) fn open_sound(path: &Path) -> Option<Archive> {
    let cx = Context::default();
    let archive = Archive::open(Input::Path(path.to_owned()), None, &cx).ok()?;
    let sink = Output::Stream(Box::new(io::sink()), "nowhere".into());
    let mut options = ConvertOptions::new(Format::OciArchive);
    // A name that nobody can use is no damage.
    options.tags = vec!["sound:1".into()];
    match archive.convert(sink, &options, &cx) {
        Err(error) if error.kind() == ErrorKind::Damaged => None,
        Err(error) if error.kind() == ErrorKind::Usage || error.kind() == ErrorKind::Unsupported => {
            // Several images cannot be named at once.
            options.tags.clear();
            let sink = Output::Stream(Box::new(io::sink()), "nowhere".into());
            let again = archive.convert(sink, &options, &cx);
            let damaged = again.is_err_and(|error| error.kind() == ErrorKind::Damaged);
            (!damaged).then_some(archive)
        }
        _ => Some(archive),
    }
}

/// A name without the day on which containerd gave it.
pub(crate) fn dateless(name: &str) -> String {
    let parts = name.strip_prefix("import-").and_then(|rest| rest.split_once(':'));
    parts.map_or_else(|| name.to_owned(), |(_, tag)| format!("import-DAY:{tag}"))
}
