//! Tars of every dialect.

use super::{bytes, check_reads, classic, item, layer_path, one, tar};
use crate::support::tally::tally;
use crate::support::tar::{Dialect, Header, pack, record, special};
use crate::support::{Sandbox, Style, Tree, docker, file, found, image};

#[test]
fn tars_of_every_dialect() {
    let dialect = |dialect: Dialect| pack(&classic(), &dialect);
    let long = {
        let tree = classic();
        let old = layer_path(&tree, 0);
        let folder = "long/".repeat(30);
        let name = format!("{folder}{}.tar", "n".repeat(101));
        let bytes = tree.file(&old).to_vec();
        item(tree.remove(&old), |item| item["Layers"][0] = name.as_str().into()).with_file(name, bytes)
    };
    let split = {
        let tree = classic();
        let old = layer_path(&tree, 0);
        let name = format!("{}/layer.tar", "folder/".repeat(18));
        let bytes = tree.file(&old).to_vec();
        item(tree.remove(&old), |item| item["Layers"][0] = name.as_str().into()).with_file(name, bytes)
    };
    let both = item(classic().prefixed("./"), |item| {
        for index in 0..2 {
            item["Layers"][index] = format!("./{}", item["Layers"][index].as_str().expect("a path")).into();
        }
        item["Config"] = format!("./x/../{}", item["Config"].as_str().expect("a path")).into();
    });
    let mut odd_modes = classic();
    for member in &mut odd_modes.members {
        member.mode = 0;
        member.owner = (12_345, 99);
        member.mtime = 1_700_000_000;
        member.owner_names = ("someone".into(), "else".into());
    }
    let rows = [
        bytes("PAX headers everywhere", dialect(Dialect { pax: true, ..Default::default() }), &[one()]),
        bytes("GNU magic", dialect(Dialect { header: Header::Gnu, ..Default::default() }), &[one()]),
        bytes("V7", dialect(Dialect { header: Header::V7, ..Default::default() }), &[one()]),
        bytes("base-256 sizes", dialect(Dialect { base256: true, ..Default::default() }), &[one()]),
        bytes("no end blocks", dialect(Dialect { end_blocks: 0, ..Default::default() }), &[one()]),
        bytes("one end block", dialect(Dialect { end_blocks: 1, ..Default::default() }), &[one()]),
        bytes("records of 10240 bytes", dialect(Dialect { end_blocks: 17, ..Default::default() }), &[one()]),
        bytes("bytes after the end", [classic().tar(), vec![7; 1000]].concat(), &[one()]),
        tar("long names as PAX records", long.clone(), &[one()]),
        bytes(
            "long names the GNU way",
            pack(&long, &Dialect { gnu_names: true, header: Header::Gnu, ..Default::default() }),
            &[one()],
        ),
        tar("a name split over the ustar prefix", split, &[one()]),
        tar("no folder members", classic().without_dirs(), &[one()]),
        tar("members in reverse order", classic().reversed(), &[one()]),
        tar("manifest.json first", classic().first("manifest.json"), &[one()]),
        tar("./ before every member", classic().prefixed("./"), &[one()]),
        tar("./ and x/../ in manifest.json as well", both, &[one()]),
        tar("a wrapper folder", classic().prefixed("app-1.0/"), &[one()]),
        tar("files that nobody names", classic().with_file("README", "hello").with_file("x/y/z", ""), &[one()]),
        tar("odd modes, owners and times", odd_modes, &[one()]),
    ];
    tally("dialects", &rows, check_reads);
}

/// What several headers say of one member, this reads as Go does, and with it docker and skopeo: an archive whose readers
/// disagree could be verified as one image and loaded as another.
#[test]
fn of_several_names_the_one_counts_that_counts_in_go() {
    let image = image().layer(file("a", "one")).tag("app:1");
    let tree = docker(std::slice::from_ref(&image), Style::Plain);
    let layer = tree.file("0-0.tar").to_vec();
    let open = Dialect { end_blocks: 0, ..Dialect::default() };
    let pax = |records: &[(&str, &str)]| {
        (b'x', records.iter().flat_map(|(key, value)| record(key, value)).collect::<Vec<u8>>())
    };
    let long = |name: &str| (b'L', format!("{name}\0").into_bytes());
    for (what, before, name) in [
        ("GNU's name after PAX", vec![pax(&[("path", "elsewhere")]), long("0-0.tar")], "other"),
        ("GNU's name before PAX", vec![long("0-0.tar"), pax(&[("path", "elsewhere")])], "other"),
        ("PAX alone", vec![pax(&[("path", "0-0.tar")])], "other"),
        ("empty records", vec![pax(&[("path", ""), ("size", ""), ("linkpath", "")])], "0-0.tar"),
    ] {
        let mut bytes = pack(&tree.clone().remove("0-0.tar"), &open);
        for (flag, body) in before {
            special(&mut bytes, flag, "x", &body, &open);
        }
        bytes.extend(pack(&Tree::default().with_file(name, layer.clone()), &Dialect::default()));
        let sandbox = Sandbox::new();
        let input = sandbox.put("in.tar", &bytes);
        let run = sandbox.convert("oci-archive", &input, sandbox.path("out")).run();
        assert_eq!(run.code, 0, "{what}: {run}");
        assert_eq!(found::output(&sandbox.path("out"), "oci-archive").ids(), [image.id()], "{what}");
    }
}
