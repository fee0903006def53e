//! Texts that are pinned. `UPDATE_GOLDEN=1` writes them anew; they are reviewed like code.

use std::fs;

use super::shared::testdata;

/// Fails unless the file of this name in `testdata/golden` holds this text.
#[track_caller]
pub(crate) fn assert_golden(name: &str, text: &str) {
    let golden = testdata("golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(golden.parent().expect("a folder")).expect("a folder can be made");
        fs::write(&golden, text).expect("the golden file can be written");
    }
    let expected = fs::read_to_string(&golden).expect("the golden file; UPDATE_GOLDEN=1 makes it");
    assert!(text == expected, "{name} changed, if on purpose run with UPDATE_GOLDEN=1; it is now:\n{text}");
}
