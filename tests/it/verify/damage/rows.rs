//! Damaged archives, and what is found in them.

use super::*;

pub(super) fn of_archives() -> Vec<Row> {
    // The names of its members tell what it was, also when manifest.json is gone.
    let tree = || docker(&[app()], Style::Crane);
    let tar = || tree().tar();
    let cut = |at: usize| tar()[..at].to_vec();
    let ends = |end_blocks| pack(&tree(), &Dialect { end_blocks, ..Dialect::default() });
    let len = ends(0).len();
    let header_of_last = len - 1024;
    let mut bad_header = tar();
    bad_header[header_of_last] ^= 1;
    let gzip = Codec::Gzip.pack(&tar());
    let mut bad_crc = gzip.clone();
    let crc = bad_crc.len() - 8;
    bad_crc[crc] ^= 1;
    vec![
        row("cut inside a body", cut(len - 512 + 10), &["truncated"]),
        row("cut inside a header", cut(header_of_last + 100), &["missing", "truncated"]),
        row("cut between members", cut(header_of_last), &["missing", "tar-end"]),
        row("no end", ends(0), &["tar-end"]),
        row("half an end", ends(1), &["tar-end"]),
        row("data behind the end", [tar(), tar()].concat(), &["trailing-data"]),
        row("a header with a wrong checksum", bad_header, &["missing", "tar-header"]),
        row("gzip around it, with a wrong CRC", bad_crc, &["archive-compression"]),
        row("gzip around it, cut", gzip[..gzip.len() - 4].to_vec(), &["archive-compression"]),
        row("a name that leaves", plain(app()).with_file("../evil", "x").tar(), &["member-outside"]),
        row("two manifests that differ", plain(app()).with_file("manifest.json", "[]").tar(), &["member-twice"]),
        row("two layers that differ", plain(app()).with_file("0-0.tar", "x").tar(), &["member-twice"]),
        row(
            "the same layer twice",
            plain(app()).with_file("0-0.tar", app().layers[0].tar.clone()).tar(),
            &["member-repeated"],
        ),
        row(
            "another file twice",
            plain(app()).with_file("VERSION", "1").with_file("VERSION", "2").tar(),
            &["member-twice"],
        ),
        row("a link to nowhere", plain(app()).relink("0-0.tar", Kind::Symlink("x".into())).tar(), &["member-link"]),
        row(
            "a link to itself",
            plain(app()).relink("0-0.tar", Kind::Symlink("0-0.tar".into())).tar(),
            &["member-link"],
        ),
        row("a link out", plain(app()).relink("0-0.tar", Kind::Symlink("../x".into())).tar(), &["member-link"]),
        row("a hard link out", plain(app()).relink("0-0.tar", Kind::Hardlink("/etc/x".into())).tar(), &["member-link"]),
        row("a fifo for a layer", plain(app()).relink("0-0.tar", Kind::Fifo).tar(), &["member-kind"]),
        row("a folder for a config", plain(app()).relink("config0.json", Kind::Dir).tar(), &["member-kind"]),
    ]
}

pub(super) fn of_documents() -> Vec<Row> {
    let edited = |edit: fn(&mut Value)| plain(app()).edit_json("manifest.json", edit).tar();
    let index = |edit: fn(&mut Value)| oci(&app()).edit_json("index.json", edit).tar();
    let config = |text: &str| plain(app().raw_config(text)).tar();
    let diff_ids = app().diff_ids();
    let rootfs =
        |ids: &[String]| json!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": ids}}).to_string();
    let history = |n: usize| {
        let entries: Vec<_> = (0..n).map(|_| json!({"created_by": "x"})).collect();
        let rootfs = json!({"type": "layers", "diff_ids": diff_ids});
        json!({"os": "linux", "architecture": "amd64", "rootfs": rootfs, "history": entries}).to_string()
    };
    let manifest = |edit: fn(&mut Value)| with_manifest(&app(), edit).tar();
    vec![
        row("no JSON in manifest.json", plain(app()).replace("manifest.json", "[").tar(), &["document"]),
        row("text behind the list", plain(app()).replace("manifest.json", "[] x").tar(), &["document"]),
        row("Layers is a string", edited(|m| m[0]["Layers"] = "x".into()), &["document"]),
        row("no Config", edited(|m| drop(m[0].as_object_mut().map(|m| m.remove("Config")))), &["document"]),
        row("an empty list", edited(|m| *m = json!([])), &["no-image"]),
        row(
            "a key twice",
            plain(app()).replace("manifest.json", r#"[{"Config":"a","Config":"b"}]"#).tar(),
            &["duplicate-key"],
        ),
        row("a key in two cases", edited(|m| m[0]["layers"] = json!([])), &["duplicate-key"]),
        row("a missing config", plain(app()).remove("config0.json").tar(), &["missing"]),
        row("a missing layer", plain(app()).remove("0-1.tar").tar(), &["missing"]),
        row("a config that is no JSON", config("{"), &["document"]),
        row("a diff_id that is none", config(r#"{"rootfs":{"diff_ids":["x","y"]}}"#), &["document"]),
        row("no rootfs", config(r#"{"os":"linux"}"#), &["no-diff-ids"]),
        row("a diff_id too few", config(&rootfs(&diff_ids[..1])), &["layer-count"]),
        row("a diff_id too many", config(&rootfs(&[&diff_ids[..], &diff_ids[..1]].concat())), &["layer-count"]),
        row("diff_ids of the other layer", config(&rootfs(&[diff_ids[1].clone(), diff_ids[0].clone()])), &["diff-id"]),
        row("a history too short", config(&history(1)), &["history-count"]),
        row("a history too long", config(&history(3)), &["history-count"]),
        row(
            "a config that was edited",
            docker(&[app()], Style::Skopeo).replace(&format!("{}.json", hex_of(&app().id())), rootfs(&diff_ids)).tar(),
            &["config-name"],
        ),
        row("no index.json", oci(&app()).remove("index.json").tar(), &["missing"]),
        row("no JSON in index.json", oci(&app()).replace("index.json", "nothing").tar(), &["document"]),
        row(
            "an unknown version",
            oci(&app()).replace("oci-layout", r#"{"imageLayoutVersion":"2.0.0"}"#).tar(),
            &["document"],
        ),
        row("an empty index", Layout::new().tree().tar(), &["no-image"]),
        row("a digest that is none", index(|i| i["manifests"][0]["digest"] = "sha256:xyz".into()), &["document"]),
        row(
            "a descriptor without size",
            index(|i| drop(i["manifests"][0].as_object_mut().map(|m| m.remove("size")))),
            &["document"],
        ),
        row("index and manifest at once", index(|i| i["layers"] = json!([])), &["ambiguous-document"]),
        row(
            "an index that is said to be a manifest",
            index(|i| i["manifests"][0]["mediaType"] = INDEX.into()),
            &["ambiguous-document"],
        ),
        row("a manifest of an old schema", manifest(|m| m["schemaVersion"] = 1.into()), &["document"]),
        row(
            "a manifest without config",
            manifest(|m| drop(m.as_object_mut().map(|m| m.remove("config")))),
            &["document"],
        ),
        row("one layer's descriptor is broken", manifest(|m| m["layers"][0]["digest"] = 7.into()), &["document"]),
        row("other data embedded", manifest(|m| m["config"]["data"] = "e30=".into()), &["embedded-data"]),
        row("data that is no base64", manifest(|m| m["config"]["data"] = "?".into()), &["embedded-data"]),
        row("a wrong size in the index", index(|i| i["manifests"][0]["size"] = 1.into()), &["size"]),
        row("a wrong size of a layer", manifest(|m| m["layers"][0]["size"] = 1.into()), &["size"]),
        row(
            "a layer too few in the manifest",
            manifest(|m| drop(m["layers"].as_array_mut().map(Vec::pop))),
            &["layer-count", "unreferenced"],
        ),
    ]
}

pub(super) fn of_blobs() -> Vec<Row> {
    let gzip = || app().codec(Codec::Gzip);
    let layer = "/layers/1/digest";
    let missing = |path: &str| without_blob(oci(&app()), path).tar();
    let mut packed = app().layers[1].blob();
    packed = Codec::Gzip.pack(&packed);
    let len = packed.len();
    packed[len - 8] ^= 1;
    let bad_crc = with_manifest(&app(), |_| {});
    let claimed =
        |bytes: &[u8], media_type: &str| json!({"mediaType": media_type, "digest": sha256(bytes), "size": bytes.len()});
    let broken = |bytes: &[u8], ending: &str| {
        let media_type = format!("application/vnd.oci.image.layer.v1.tar{ending}");
        let descriptor = claimed(bytes, &media_type);
        let old = digest_of(&bad_crc, layer);
        let tree = with_manifest(&app(), |m| m["layers"][1] = descriptor);
        tree.remove(&blob_path(&old)).with_file(blob_path(&sha256(bytes)), bytes)
    };
    let zstd = Codec::Zstd.pack(&app().layers[1].tar);
    let foreign = with_manifest(&app(), |m| m["layers"][1]["urls"] = json!(["https://example.com/x"]));
    let lying = |codec, media_type: &str| {
        let layer = file("b", "two").codec(codec).media_type(media_type);
        oci(&image().layer(file("etc/a", "one")).layer(layer)).tar()
    };
    let (tar, tar_gzip) = ("application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip");
    vec![
        row("a bit of a config", flipped_blob(oci(&app()), "/config/digest", 3).tar(), &["digest", "document"]),
        row("a space in a config", flipped_blob(oci(&app()), "/config/digest", 0).tar(), &["digest", "document"]),
        row("a bit of a manifest", flipped_blob(oci(&app()), "/manifest", 0).tar(), &["digest", "document"]),
        row("a bit of padding in a plain layer", flipped_blob(oci(&app()), layer, 1100).tar(), &["diff-id", "digest"]),
        row("a bit of a gzip layer's length", flipped_blob(oci(&gzip()), layer, 0).tar(), &["compression", "digest"]),
        row("a bit of a docker layer", flipped(plain(app()), "0-0.tar", 1100).tar(), &["diff-id"]),
        row("a missing manifest", missing("/manifest"), &["missing"]),
        row("a missing config", missing("/config/digest"), &["missing"]),
        row("a missing layer", missing(layer), &["missing"]),
        row("a foreign layer elsewhere", without_blob(foreign, layer).tar(), &["elsewhere"]),
        row("a wrong CRC, digest right", broken(&packed, "+gzip").tar(), &["compression"]),
        row("a cut zstd stream, digest right", broken(&zstd[..zstd.len() - 3], "+zstd").tar(), &["compression"]),
        row("another layer, digest right", broken(&file("x", "y").tar, "").tar(), &["diff-id"]),
        row("plain, said to be gzip", lying(Codec::Plain, tar_gzip), &["media-type"]),
        row("zstd, said to be gzip", lying(Codec::Zstd, tar_gzip), &["media-type"]),
        row("gzip, said to be plain", lying(Codec::Gzip, tar), &["media-type"]),
        row("a blob under a wrong name", oci(&app()).with_file(blob_path(LIE), "x").tar(), &["digest", "unreferenced"]),
        row("a blob that nobody names", oci(&app()).with_file(blob_path(&sha256(b"x")), "x").tar(), &["unreferenced"]),
        row(
            "a layer that nobody names",
            plain(app()).with_file("x/layer.tar", file("x", "y").tar).tar(),
            &["unreferenced"],
        ),
        row(
            "a platform that the config does not have",
            said_to_be(&app(), json!({"os": "linux", "architecture": "arm64"})).tar(),
            &["platform"],
        ),
        row(
            "a variant that the config does not have",
            said_to_be(&app().platform("linux/arm/v6"), json!({"os": "linux", "architecture": "arm", "variant": "v7"}))
                .tar(),
            &["platform"],
        ),
    ]
}

pub(super) fn of_layers() -> Vec<Row> {
    let of = |tar: Vec<u8>| plain(layer_of(tar)).tar();
    let tree = |name: &str, kind| Tree::default().with(name, kind).tar();
    let good = || file("a", "one").tar;
    let mut bad_header = files(&[("a", "one"), ("b", "two")]).tar;
    bad_header[1024] ^= 1;
    let mut no_number = Tree::default().with_file("a", "one").tar();
    no_number[108..115].copy_from_slice(b"zzzzzzz");
    crate::support::tar::seal(&mut no_number[..512]);
    vec![
        row("noise for a layer", of(vec![7; 5000]), &["layer-not-tar"]),
        row("a layer cut in a body", of(noise(1, 5000).tar[..3000].to_vec()), &["layer-tar"]),
        row("a layer cut in a header", of(files(&[("a", "1"), ("b", "2")]).tar[..1300].to_vec()), &["layer-tar"]),
        row("a wrong checksum in a layer", of(bad_header), &["layer-tar"]),
        row("an owner that is no number", of(no_number), &["layer-tar"]),
        row("a layer without an end", of(good()[..1024].to_vec()), &["layer-tar-end"]),
        row("a layer that goes on behind its end", of([good(), good()].concat()), &["layer-tar-end"]),
        row("a file that leaves", of(tree("../../etc/passwd", Kind::File(b"x".to_vec()))), &["layer-escape"]),
        row("a hard link that leaves", of(tree("a", Kind::Hardlink("../../etc/passwd".into()))), &["layer-escape"]),
        row("an absolute name", of(tree("/etc/passwd", Kind::File(b"x".to_vec()))), &["layer-name"]),
        row("a name with dots", of(tree("a/../b", Kind::File(b"x".to_vec()))), &["layer-name"]),
        row("a symlink that leaves is a symlink", of(tree("a", Kind::Symlink("../../x".into()))), &[]),
        row("a global record that counts for some", of(global_record()), &["layer-tar-odd"]),
        row(
            "a legacy layer that is no tar",
            docker(&[layer_of(vec![7; 5000])], Style::Legacy).tar(),
            &["layer-not-tar"],
        ),
    ]
}

/// A tar whose global PAX header names a file.
fn global_record() -> Vec<u8> {
    let mut tar = pack(&Tree::default().with_file("a", "one"), &Dialect { pax: true, ..Dialect::default() });
    let record = b"22 comment=made by a test\n";
    let at = tar.windows(7).position(|bytes| bytes == &b"comment"[..]).expect("a comment") - 3;
    let path = b"26 path=0123456789abcdefg\n";
    assert_eq!(record.len(), path.len());
    tar[at..at + path.len()].copy_from_slice(path);
    tar
}

pub(super) fn of_names() -> Vec<Row> {
    let tags = |tags: Value| plain(app()).edit_json("manifest.json", |m| m[0]["RepoTags"] = tags).tar();
    let named = |text: &str| Layout::new().named(&app(), text).tree().tar();
    let other = image().layer(file("x", "y"));
    let two = |a: &str, b: &str| Layout::new().named(&app(), a).named(&other, b).tree().tar();
    let halves = |edit: fn(&mut Value)| hybrid().edit_json("manifest.json", edit).tar();
    let mut strangers = hybrid();
    for member in docker(&[other.clone().tag("docker.io/library/other:1")], Style::Plain).members {
        if member.name != "manifest.json" {
            strangers.members.push(member);
        }
    }
    let stranger = |tag: &str| {
        let entry = json!({"Config": "config0.json", "RepoTags": [tag], "Layers": ["0-0.tar"]});
        let app = hybrid().json("manifest.json")[0].clone();
        (entry, app)
    };
    let (entry, first) = stranger("docker.io/library/other:1");
    let beside = strangers.clone().edit_json("manifest.json", |m| *m = json!([first, entry])).tar();
    let (entry, _) = stranger(NAME);
    let instead = strangers.edit_json("manifest.json", |m| *m = json!([entry])).tar();
    let doubled = docker(&[app(), other.clone().tag(NAME)], Style::Plain).tar();
    let mut copied = hybrid();
    copied.push("copy.tar", Kind::File(app().layers[1].tar.clone()));
    let copied = copied.edit_json("manifest.json", |m| m[0]["Layers"][1] = "copy.tar".into()).tar();
    vec![
        row("a name that is none", tags(json!(["A B"])), &["name"]),
        row("an empty name", tags(json!([""])), &["name"]),
        row("a digest for a name", tags(json!([format!("app@{LIE}")])), &[]),
        row("the same name twice", tags(json!([NAME, NAME])), &[]),
        row("a name that steers terminals", named("a\u{1b}[31m"), &["name"]),
        row("a name that no engine takes", named("Not A Name"), &["name-unusable"]),
        row("one name for two images, docker", doubled, &["name-twice"]),
        row("one name for two images, OCI", two(NAME, NAME), &["name-repeated"]),
        row("one tag for two images, OCI", two("v1", "v1"), &["name-repeated"]),
        row("two names for two images", two("v1", "v2"), &[]),
        row("a hybrid whose halves are one", hybrid().tar(), &[]),
        row(
            "a hybrid with another name",
            halves(|m| m[0]["RepoTags"] = json!(["docker.io/library/other:1"])),
            &["hybrid-names"],
        ),
        row("a hybrid without the image in docker's half", halves(|m| *m = json!([])), &["hybrid-images"]),
        row("a hybrid with an image in docker's half only", beside, &["hybrid-images"]),
        row("a hybrid with another image of that name", instead, &["hybrid-differs", "hybrid-images"]),
        row("a hybrid with another layer of the image", copied, &["hybrid-layers"]),
    ]
}
