//! Every byte matters here, too: no change of one that a digest or checksum covers passes, and no cut.

use super::{attempt, listed};
use crate::damage::{bodies, is_covered, on_all_cores, victims};

#[test]
fn no_changed_byte_passes() {
    for victim in victims() {
        let plain = victim.what != "docker in gzip";
        let bodies = if plain { bodies(&victim.bytes) } else { Vec::new() };
        let end = bodies.last().map_or(0, |(_, range)| range.end.next_multiple_of(512));
        on_all_cores(victim.bytes.len(), |sandbox, at| {
            let mut damaged = victim.bytes.clone();
            damaged[at] ^= 0x01 << (at % 8);
            let passes = attempt(&sandbox.put("in.tar", &damaged)).is_ok_and(|found| found.passes(false));
            let covered = plain && is_covered(&bodies, at, end);
            assert!(!(covered && passes), "{}: byte {at} changed, and nobody noticed", victim.what);
            sandbox.assert_holds(&["in.tar"]);
        });
    }
}

/// A cut that takes nothing but the end is a warning: it may have taken members that nothing names.
#[test]
fn no_cut_passes_in_silence() {
    for victim in victims() {
        let plain = victim.what != "docker in gzip";
        let needed = if plain { bodies(&victim.bytes).last().expect("members").1.end } else { victim.bytes.len() };
        let step = if plain { 512 } else { 37 };
        let cuts: Vec<usize> = (0..victim.bytes.len()).step_by(step).chain([needed - 1]).collect();
        on_all_cores(cuts.len(), |sandbox, number| {
            let found = attempt(&sandbox.put("in.tar", &victim.bytes[..cuts[number]]));
            let Ok(found) = found else { return };
            let cut = cuts[number];
            assert!(!found.passes(true), "{}: cut at {cut}, and nobody noticed", victim.what);
            // The last member of the layouts is oci-layout, which nobody misses.
            let spared = cut >= needed || (victim.what.starts_with("oci") && cut + 2048 >= needed);
            assert!(spared || !found.passes(false), "{}: cut at {cut}: {}", victim.what, listed(&found));
        });
    }
}
