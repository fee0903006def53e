//! Verifying: whatever the archive is, there is an answer, and it is not sound where a conversion finds damage.
#![no_main]

use libfuzzer_sys::fuzz_target;
use transload::{Format, Input, VerifyOptions, verify};
use transload_fuzz::promises::{Bench, check_error, check_findings};
use transload_fuzz::{context, recipe, tarball};

fuzz_target!(|bytes: &[u8]| {
    let [how, rest @ ..] = bytes else { return };
    let mut tar = if how & 1 != 0 {
        let mut tar = rest.to_vec();
        tarball::mend(&mut tar);
        tar
    } else {
        tarball::pack(&recipe::cook(rest))
    };
    if how & 2 != 0 {
        tar = recipe::gzip(&tar);
    }
    let mut options = VerifyOptions::default();
    options.from = [None, Some(Format::DockerArchive), Some(Format::OciArchive), Some(Format::HybridArchive)]
        [usize::from(how >> 2 & 3)];
    let bench = Bench::new();
    let path = bench.put("in", &tar);
    let verification = match verify(Input::Path(path), &options, &context()) {
        Ok(verification) => verification,
        Err(error) => return check_error(&error),
    };
    check_findings(&verification);
    if verification.is_sound() && options.from.is_none() {
        bench.check_sound("in", &verification);
    }
});
