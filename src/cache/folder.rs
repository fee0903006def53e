//! A folder of results that outlives the run. Several processes may use it at once: a result gets its name when it is
//! whole, and one that is removed while it is read stays readable. What is wrong with it costs time, never a result.

use std::fs::{DirBuilder, File, FileTimes};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use serde_json::{Value, json};
use walkdir::WalkDir;

use super::{Made, Recipe};
use crate::codec::{Compression, ENCODER_VERSION};
use crate::content::{Content, Extent, Flow, Measured, pump};
use crate::context::Context;
use crate::digest::{Algorithm, Digest};
use crate::error::{Error, ErrorKind, Result};

/// What is known of a result stands behind its bytes, so that both get their name at once.
const TRAILER_LEN: usize = 512;

#[derive(Debug)]
pub(crate) struct CacheFolder {
    path: PathBuf,
    /// Bytes that its files may take together.
    room: u64,
    /// Bytes that were added since somebody looked whether they do.
    added: AtomicU64,
}

impl CacheFolder {
    /// Opens a folder, or makes one that nobody else can write to: whoever can puts what he likes into images.
    pub(crate) fn open(path: &Path, room: u64) -> Result<Self> {
        let failed = |doing, cause| Error::io(doing, cause).within(path.display().to_string());
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| failed("cannot make a folder", e))?;
        let mode = std::fs::metadata(path).map_err(|e| failed("cannot open", e))?.permissions().mode();
        if mode & 0o002 != 0 {
            let error = Error::new(ErrorKind::Usage, "everybody can write to this folder, and so into images");
            return Err(error.within(path.display().to_string()).hint("chmod o-w, or another folder"));
        }
        let folder = Self { path: path.to_owned(), room, added: AtomicU64::new(0) };
        folder.make_room();
        Ok(folder)
    }

    /// Returns a result that was kept. Its bytes are checked where they are used.
    pub(super) fn find(&self, recipe: Recipe) -> Option<Made> {
        let file = File::open(self.file_of(recipe)).ok()?;
        let body = file.metadata().ok()?.len().checked_sub(TRAILER_LEN as u64)?;
        let mut trailer = [0; TRAILER_LEN];
        file.read_exact_at(&mut trailer, body).ok()?;
        let says: Value = serde_json::from_slice(&trailer).ok()?;
        let measured = |what: &str| {
            let digest = says[what]["digest"].as_str()?.parse().ok()?;
            Some(Measured { digest, size: says[what]["size"].as_u64()? })
        };
        let (stored, plain) = (measured("stored")?, measured("plain")?);
        if stored.size != body {
            return None;
        }
        // What is used stays longest. It is no loss when that cannot be noted.
        let _ = file.set_times(FileTimes::new().set_modified(SystemTime::now()));
        let extents = vec![Extent { at: 0, offset: 0, len: body }];
        let (source, origin) = (self.path.display().to_string().into(), stored.digest.to_string());
        Some(Made { content: Content::archive(source, origin, body, Arc::new(file), extents), stored, plain })
    }

    /// Keeps a copy of a result, if that is possible.
    pub(super) fn keep(&self, recipe: Recipe, made: &Made) {
        // A cache that is full or on a disk that fails must not stop the work.
        if self.try_keep(recipe, made).is_ok()
            && self.added.fetch_add(made.stored.size, Ordering::Relaxed) + made.stored.size > self.room / 8
        {
            self.make_room();
        }
    }

    fn try_keep(&self, recipe: Recipe, made: &Made) -> Result<()> {
        let path = self.file_of(recipe);
        let folder = path.parent().expect("it is in a folder");
        let failed = |e| Error::io("cannot write", e).within(path.display().to_string());
        if made.stored.size > self.room || path.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = tempfile::Builder::new().prefix(".new.").tempfile_in(folder).map_err(failed)?;
        let mut write = |bytes: &[u8]| file.write_all(bytes).map_err(failed);
        let flow = Flow { stored: Some(&mut write), ..Flow::default() };
        let found = pump(&made.content, Compression::None, Algorithm::Sha256, flow, &Context::default())?;
        if found != made.stored {
            return Err(Error::damaged("changed while it was copied"));
        }
        let text = |Measured { digest, size }: Measured| json!({"digest": digest.to_string(), "size": size});
        let says = json!({"stored": text(made.stored), "plain": text(made.plain)}).to_string();
        let trailer = format!("{says:<0$}\n", TRAILER_LEN - 1);
        file.write_all(trailer.as_bytes()).map_err(failed)?;
        file.persist(&path).map_err(|e| failed(e.error))?;
        Ok(())
    }

    pub(super) fn forget(&self, recipe: Recipe) {
        let _ = std::fs::remove_file(self.file_of(recipe));
    }

    /// Removes what was not needed for longest, until the rest fits, and what others began and did not end.
    fn make_room(&self) {
        self.added.store(0, Ordering::Relaxed);
        let files = WalkDir::new(&self.path).min_depth(2).max_depth(2).into_iter().flatten();
        let mut files: Vec<_> = files
            .filter_map(|entry| {
                let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
                let known = is_ours(entry.file_name().to_str()?);
                known.then(|| (metadata.mtime(), metadata.mtime_nsec(), metadata.len(), entry.into_path()))
            })
            .collect();
        files.sort_unstable();
        let mut all: u64 = files.iter().map(|(_, _, len, _)| len).sum();
        for (_, _, len, path) in files {
            if all <= self.room {
                break;
            }
            let _ = std::fs::remove_file(path);
            all -= len;
        }
    }

    fn file_of(&self, Recipe { of, into }: Recipe) -> PathBuf {
        let how = into.map_or_else(|| "plain".to_owned(), |encoding| format!("{encoding:?} {ENCODER_VERSION}"));
        let name = Digest::of(format!("{of} {how}").as_bytes()).hex();
        self.path.join(&name[..2]).join(name)
    }
}

/// Tells whether a file is one of the cache's: a result, or one in the making.
fn is_ours(name: &str) -> bool {
    name.starts_with(".new.") || (name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn made(text: &str) -> (Recipe, Made) {
        let stored = Measured { digest: Digest::of(text.as_bytes()), size: text.len() as u64 };
        let content = Content::bytes("a".into(), "b".to_owned(), text.as_bytes().to_vec());
        let recipe = Recipe { of: Digest::of(text.as_bytes()), into: None };
        (recipe, Made { content, stored, plain: stored })
    }

    fn text(made: &Made) -> String {
        let mut text = String::new();
        made.content.open().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn what_is_kept_is_found_by_another_process() {
        let temp = tempfile::tempdir().unwrap();
        let (recipe, one) = made("one");
        CacheFolder::open(temp.path(), 1 << 20).unwrap().keep(recipe, &one);
        let again = CacheFolder::open(temp.path(), 1 << 20).unwrap();
        let found = again.find(recipe).unwrap();
        assert_eq!((text(&found).as_str(), found.stored, found.plain), ("one", one.stored, one.plain));
        again.forget(recipe);
        assert!(again.find(recipe).is_none() && text(&found) == "one");
    }

    #[test]
    fn what_was_cut_is_not_found() {
        let temp = tempfile::tempdir().unwrap();
        let folder = CacheFolder::open(temp.path(), 1 << 20).unwrap();
        let (recipe, one) = made("one");
        folder.keep(recipe, &one);
        let path = folder.file_of(recipe);
        let len = path.metadata().unwrap().len();
        File::options().write(true).open(&path).unwrap().set_len(len - 1).unwrap();
        assert!(folder.find(recipe).is_none());
    }

    #[test]
    fn the_oldest_make_room() {
        let temp = tempfile::tempdir().unwrap();
        let folder = CacheFolder::open(temp.path(), 10_000).unwrap();
        let results: Vec<_> = (0..10).map(|n| made(&n.to_string().repeat(2_000))).collect();
        for (recipe, made) in &results {
            folder.keep(*recipe, made);
            let _ = folder.find(results[0].0);
        }
        let left: Vec<_> = results.iter().map(|(recipe, _)| folder.find(*recipe).is_some()).collect();
        assert!(left[0] && left[9] && !left[1], "{left:?}");
        std::fs::write(temp.path().join("other"), "a user's").unwrap();
        CacheFolder::open(temp.path(), 0).unwrap();
        assert!(results.iter().all(|(recipe, _)| folder.find(*recipe).is_none()) && temp.path().join("other").exists());
    }

    #[test]
    fn a_folder_that_everybody_writes_to_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        assert!(CacheFolder::open(temp.path(), 1).unwrap_err().to_string().contains("everybody"));
    }
}
