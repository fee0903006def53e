//! The members of a folder. Links are not followed here: they are members like those of a tar.

use std::path::Path;
use std::sync::Arc;

use walkdir::WalkDir;

use super::{Member, Members};
use crate::content::Content;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::faults::Faults;

pub(super) fn scan(root: &Path, source: &Arc<str>, faults: Faults<'_>, cx: &Context<'_>) -> Result<Members> {
    let mut members = Members::new(cx);
    for entry in WalkDir::new(root).min_depth(1).follow_root_links(true) {
        cx.cancel.check()?;
        let entry = entry.map_err(|e| Error::io("cannot read the folder", e.into()))?;
        let path = entry.path();
        // A name that is not UTF-8 cannot stand in any document, so nothing asks for it.
        let name = path.strip_prefix(root).expect("the walk stays below its root").to_string_lossy().into_owned();
        let kind = entry.file_type();
        let failed = |cause| Error::io("cannot read", cause).within(name.clone());
        let member = if kind.is_file() {
            let size = entry.metadata().map_err(|e| failed(e.into()))?.len();
            Member::File(Content::file(Arc::clone(source), name.clone(), size, path.to_owned()))
        } else if kind.is_symlink() {
            Member::Symlink(std::fs::read_link(path).map_err(failed)?.to_string_lossy().into_owned())
        } else if kind.is_dir() {
            Member::Directory
        } else {
            Member::Other("a device, pipe or socket")
        };
        if let Err(error) = members.insert(&name, member) {
            faults.forgive(error)?;
            break;
        }
    }
    Ok(members)
}
