//! OCI layouts of every shape.

use serde_json::{Value, json};

use super::{check_reads, folder, oci, one, tar, two};
use crate::support::codec::base64_encode;
use crate::support::layout::{Layout, REF_NAME, blob_path, with};
use crate::support::tally::tally;
use crate::support::{Codec, Kind, file, image, sha256};

#[test]
fn oci_layouts_of_every_shape() {
    let arm = || image().platform("linux/arm64/v8").layer(file("arm", "a"));
    let nested = || {
        let mut layout = Layout::new();
        let inner = layout.platforms(&[one()]);
        let outer = layout.index(&[inner]);
        layout.root(outer, json!({REF_NAME: "docker.io/library/demo:1"}));
        layout.tree()
    };
    let with_attestation = |first: bool| {
        let mut layout = Layout::new();
        let child = layout.image(&one());
        let child = with(child, "platform", one().platform_value());
        let statement = layout.attestation(&child);
        let children = if first { [statement, child] } else { [child, statement] };
        let index = layout.index(&children);
        layout.root(index, json!({REF_NAME: "docker.io/library/demo:1"}));
        layout.tree()
    };
    let with_referrer = || {
        let mut layout = Layout::new();
        let child = layout.image(&one());
        let referrer = layout.referrer(&child);
        layout.root(child, json!({REF_NAME: "docker.io/library/demo:1"}));
        layout.root(referrer, Value::Null);
        layout.tree()
    };
    let sparse = || {
        let mut layout = Layout::new();
        let there = layout.image(&one());
        let absent = layout.image(&arm());
        let index = layout.index(&[
            with(absent.clone(), "platform", arm().platform_value()),
            with(there, "platform", one().platform_value()),
        ]);
        layout.forget(&absent);
        layout.root(index, json!({REF_NAME: "docker.io/library/demo:1"}));
        layout.tree()
    };
    let inline = || {
        let mut layout = Layout::new();
        let mut manifest = layout.manifest_of(&one());
        let bytes = layout.forget(&manifest["config"]);
        manifest["config"]["data"] = base64_encode(&bytes).into();
        let descriptor = layout.manifest(&manifest);
        layout.root(descriptor, Value::Null);
        layout.tree()
    };
    let flat = || {
        let mut layout = Layout::new();
        for image in [one(), two()] {
            let descriptor = layout.image(&image);
            layout.root(with(descriptor, "platform", image.platform_value()), Value::Null);
        }
        layout.tree()
    };
    let foreign = one().layers[1].clone().codec(Codec::Gzip);
    let foreign = foreign.media_type("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
    let foreign = image().layer(one().layers[0].clone()).layer(foreign).tag("demo:1");
    let linked = {
        let path = blob_path(&one().id());
        oci().relink(&path, Kind::Symlink("../../config".into())).with_file("config", one().config_bytes())
    };
    let no_types = oci().edit_json("index.json", |index| {
        index.as_object_mut().expect("an object").remove("mediaType");
    });
    let rows = [
        folder("a folder", oci(), &[one()]),
        tar("a tar", oci(), &[one()]),
        tar(
            "Docker media types",
            Layout::new().with_docker_types().named(&one().codec(Codec::Gzip), "v1").tree(),
            &[one()],
        ),
        tar("sha512", Layout::new().with_sha512().named(&one(), "v1").tree(), &[one()]),
        folder("sha512 in a folder", Layout::new().with_sha512().named(&one(), "v1").tree(), &[one()]),
        tar("an index in an index", nested(), &[one()]),
        tar("an attestation after the image", with_attestation(false), &[one()]),
        tar("an attestation before the image", with_attestation(true), &[one()]),
        tar("a signature beside the image", with_referrer(), &[one()]),
        tar("an index with one platform absent", sparse(), &[one()]),
        tar("the config only inside its descriptor", inline(), &[one()]),
        tar("two images side by side, with platforms", flat(), &[one(), two()]),
        tar("a foreign layer that is there", Layout::new().unnamed(&foreign).tree(), &[foreign]),
        tar("no oci-layout", oci().remove("oci-layout"), &[one()]),
        tar("index.json without a media type", no_types, &[one()]),
        tar(
            "files and blobs that nobody names",
            oci().with_file("x/y", "z").with_file(blob_path(&sha256(b"?")), "?"),
            &[one()],
        ),
        tar("a wrapper folder", oci().prefixed("out/"), &[one()]),
        tar("./ before every member, reversed", oci().prefixed("./").reversed(), &[one()]),
        folder("a blob that is a symlink inside the folder", linked, &[one()]),
    ];
    tally("OCI layouts", &rows, check_reads);
}
