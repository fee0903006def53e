//! The tar scanner against the `tar` crate: where both read an archive, they find the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use transload::fuzzing::scan_tar;
use transload_fuzz::context;
use transload_fuzz::promises::check_error;
use transload_fuzz::tarball::{self, Listed};

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = bytes.to_vec();
    tarball::mend(&mut bytes);
    let listed = tarball::list(&bytes).unwrap_or_default();
    // Names that need no cleaning, and that nothing else hides or is below of.
    let plain = |name: &str| !name.is_empty() && !name.split('/').any(|part| matches!(part, "" | "." | ".."));
    let names: Vec<String> = listed
        .keys()
        .filter_map(|name| String::from_utf8(name.clone()).ok())
        .filter(|name| plain(name) && !name.contains('\u{fffd}'))
        .collect();
    let cx = context();
    let found = match scan_tar(bytes, &names, 1 << 20, &cx) {
        Ok(found) => found,
        Err(error) => return check_error(&error),
    };
    for (name, found) in names.iter().zip(found) {
        let Listed { kind, bytes, times, .. } = &listed[name.as_bytes()];
        match found {
            Ok(Some(content)) if kind.is_file() && *times == 1 => assert_eq!(&content, bytes, "{name:?}"),
            Ok(_) => {}
            Err(error) => check_error(&error),
        }
    }
});
