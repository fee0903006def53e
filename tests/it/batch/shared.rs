//! Layers that several items need are made once, and what is wrong with one item stays its own.

use std::fs;
use std::time::Duration;

use super::fleet::{Fleet, contents, ends, text};
use crate::support::image::noise;
use crate::support::{Codec, Kind, Layer, Layout, Style, Tree, docker, image};

/// Each takes long enough that it counts.
const LARGE: usize = 6_000_000;

/// Images in OCI archives, each with gzipped layers.
fn gzipped(fleet: &Fleet, name: &str, layers: &[&Layer]) {
    let image =
        layers.iter().fold(image(), |image, layer| image.layer((*layer).clone())).tag(&format!("demo/{name}:1"));
    fleet.put(&format!("{name}.tar"), &image, 1);
}

#[test]
fn a_layer_that_many_need_is_made_once() {
    let fleet = Fleet::new(0);
    let base = text(1, LARGE);
    for n in 0..12 {
        gzipped(&fleet, &format!("app-{n}"), &[&base, &crate::support::file("n", &n.to_string())]);
    }
    let cpu = |more: &[&str]| {
        let _ = fs::remove_dir_all(fleet.sandbox.path("out"));
        let call = fleet.batch("oci-archive").args(["--compression", "zstd", "--compression-level", "9"]).args(more);
        call.ok().cpu
    };
    let one = cpu(&["--threads", "1"]);
    fleet.sandbox.put("list", b"in/app-0.tar\n");
    let call =
        fleet.call("oci-archive", "r").args(["--compression", "zstd", "--compression-level", "9", "--list", "list"]);
    let single = call.ok().cpu.max(Duration::from_millis(10));
    // Twelve cost far less than twelve times one; in between is reading and hashing.
    assert!(one < single * 7, "{one:?} for twelve, {single:?} for one");
}

/// Two layers in opposite order in many images: each waits for what another makes, and nobody waits for ever.
#[test]
fn nobody_waits_for_ever() {
    let fleet = Fleet::new(0);
    let layers: Vec<_> = (0..4).map(|n| text(n, 1_500_000)).collect();
    for n in 0..16 {
        let mut order: Vec<_> = layers.iter().collect();
        order.rotate_left(n % 4);
        if n % 8 > 3 {
            order.reverse();
        }
        gzipped(&fleet, &format!("app-{n:02}"), &order);
    }
    for to in ["docker-archive", "oci-archive", "docker-dir", "oci-dir"] {
        let mut first = None;
        for threads in ["1", "2", "3", "8"] {
            let _ = fs::remove_dir_all(fleet.sandbox.path("out"));
            let more: &[&str] = if to.starts_with("oci") { &["--compression", "zstd"] } else { &[] };
            fleet.batch(to).args(["--threads", threads]).args(more).ok();
            let found = contents(&fleet.sandbox.path("out"));
            assert_eq!(found.len(), 16);
            assert!(*first.get_or_insert_with(|| found.clone()) == found, "{to} with {threads} threads");
        }
    }
}

/// The bytes of a layer are wrong in one of many archives: that one fails, although its result is at hand.
#[test]
fn a_result_at_hand_hides_no_damage() {
    let base = text(1, 2_000_000);
    let image = |n: usize| image().layer(base.clone()).layer(noise(n as u64, 1000)).tag(&format!("demo/app:{n}"));
    let oci = Layout::new().named(&image(8).codec(Codec::Gzip), "docker.io/demo/app:8").tree();
    // What an OCI source claims of a layer is checked once more when the job is settled.
    for (kind, damaged, targets) in [
        (1, oci, &["docker-archive", "oci-archive", "oci-dir", "docker-dir"][..]),
        (0, docker(&[image(8)], Style::Plain), &["oci-archive", "oci-dir"]),
    ] {
        let fleet = Fleet::new(0);
        for n in 0..8 {
            fleet.put(&format!("app-{n}.tar"), &image(n), kind);
        }
        damage_hides_nowhere(&fleet, damaged, targets);
    }
}

fn damage_hides_nowhere(fleet: &Fleet, mut damaged: Tree, targets: &[&str]) {
    let large = damaged
        .members
        .iter_mut()
        .max_by_key(|member| if let Kind::File(bytes) = &member.kind { bytes.len() } else { 0 });
    let Some(Kind::File(bytes)) = large.map(|member| &mut member.kind) else { panic!("a layer is a file") };
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(fleet.path("damaged.tar"), damaged.tar()).expect("it can be written");
    for to in targets {
        for threads in ["1", "2", "8"] {
            let _ = fs::remove_dir_all(fleet.sandbox.path("out"));
            let more: &[&str] = if to.starts_with("oci") { &["--compression", "zstd"] } else { &[] };
            // The second time what others made is in the cache.
            for _ in 0..2 {
                let call = fleet.batch(to).args(["--threads", threads, "--layer-cache", "cache", "--force"]).args(more);
                ends(call, 1);
                let report = fleet.report();
                assert_eq!(report.with("failed").len(), 1, "{report:?}");
                let failed = report.items.iter().find(|item| item["status"] == "failed").expect("one failed");
                assert!(failed["in"].as_str().is_some_and(|path| path.ends_with("damaged.tar")), "{failed}");
                assert_eq!(failed["error"]["class"], "permanent", "{failed}");
                assert_eq!(report.items.len(), 9);
            }
        }
    }
}
