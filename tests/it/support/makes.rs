//! Archives of every make: formats, names, compressions, platforms, links, oddities that some engine trips over. All of
//! them can be opened.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::codec::{hex_of, sha256};
use super::layout::{IMAGE_NAME, REF_NAME, with};
use super::run::host_platform;
use super::{Codec, Image, Kind, Layout, Style, Tree, docker, file, image};

/// How a case is stored.
pub(crate) enum Case {
    File(Vec<u8>),
    Folder(Tree),
}

impl Case {
    pub(crate) fn put(&self, folder: &Path, name: &str) -> PathBuf {
        // Colons mean something to engines.
        let path = folder.join(name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        match self {
            Self::File(bytes) => fs::write(&path, bytes).expect("the folder can be written"),
            Self::Folder(tree) => tree.write_to(&path),
        }
        path
    }
}

const NAME: &str = "docker.io/demo/app:1";
const SHORT: &str = "demo/app:1";

fn app() -> Image {
    image().platform(&host_platform()).layer(file("one", "1")).layer(file("two", "2"))
}

fn other() -> Image {
    image().platform(&host_platform()).layer(file("three", "3"))
}

fn foreign() -> Image {
    let platform = if host_platform() == "linux/arm64" { "linux/amd64" } else { "linux/arm64" };
    app().layer(file("foreign", "x")).platform(platform)
}

fn tar(tree: &Tree) -> Case {
    Case::File(tree.tar())
}

/// Every case with its name.
pub(crate) fn all() -> Vec<(String, Case)> {
    let mut all = Vec::new();
    for (group, cases) in [
        ("docker", docker_makes()),
        ("docker name", docker_names()),
        ("docker layers", docker_layers()),
        ("docker ways", docker_ways()),
        ("docker platform", docker_platforms()),
        ("hybrid", hybrids()),
        ("oci name", oci_names()),
        ("oci", oci_makes()),
        ("oci types", oci_types()),
        ("oci index", oci_indexes()),
        ("whole", wholes()),
    ] {
        all.extend(cases.into_iter().map(|(name, case)| (format!("{group}: {name}"), case)));
    }
    all
}

type Cases = Vec<(String, Case)>;

fn cases<N: Into<String>>(list: impl IntoIterator<Item = (N, Tree)>) -> Cases {
    list.into_iter().map(|(name, tree)| (name.into(), tar(&tree))).collect()
}

fn docker_makes() -> Cases {
    let full = app().tag(NAME);
    let shared = [app().tag("docker.io/demo/parent:1"), app().layer(file("more", "m")).tag("docker.io/demo/child:1")];
    let repeated = image().platform(&host_platform()).layer(file("a", "1")).layer(file("b", "2")).layer(file("a", "1"));
    cases([
        ("classic", docker(std::slice::from_ref(&full), Style::Classic)),
        ("skopeo", docker(std::slice::from_ref(&full), Style::Skopeo)),
        ("crane", docker(&[full.clone().codec(Codec::Gzip)], Style::Crane)),
        ("plain", docker(std::slice::from_ref(&full), Style::Plain)),
        ("legacy", docker(&[app().tag(SHORT)], Style::Legacy)),
        ("two images", docker(&[full.clone(), other().tag("docker.io/demo/other:1")], Style::Plain)),
        ("two images without names", docker(&[app(), other()], Style::Plain)),
        ("images that share layers", docker(&shared, Style::Classic)),
        ("a repeated layer", docker(&[repeated.tag(NAME)], Style::Classic)),
        ("no rootfs type", {
            let config =
                String::from_utf8(full.config_bytes()).expect("JSON").replace(r#""type":"layers""#, r#""x":"y""#);
            docker(&[full.raw_config(config)], Style::Plain)
        }),
    ])
}

fn docker_names() -> Cases {
    let digest = format!("sha256:{}", "0".repeat(64));
    let tagged = |names: &[&str]| {
        let image = names.iter().fold(app(), |image, name| image.tag(name));
        docker(&[image], Style::Plain)
    };
    cases([
        ("none", tagged(&[])),
        ("short", tagged(&[SHORT])),
        ("library", tagged(&["app:1"])),
        ("localhost", tagged(&["localhost/app:1"])),
        ("registry", tagged(&["reg.example:5000/a/app:1"])),
        ("two", tagged(&[NAME, "docker.io/demo/app:2"])),
        ("the same twice", tagged(&[SHORT, NAME])),
        ("no tag", tagged(&["demo/app"])),
        ("upper case", tagged(&["Demo/app:1"])),
        ("empty", tagged(&[""])),
        ("bad characters", tagged(&["demo/app:a b"])),
        ("digest", tagged(&[&format!("demo/app@{digest}")])),
        ("tag and digest", tagged(&[&format!("demo/app:1@{digest}")])),
        ("one of two has none", docker(&[app().tag(NAME), other()], Style::Plain)),
        ("one of two bad", docker(&[app().tag(NAME), other().tag("demo/other")], Style::Plain)),
    ])
}

fn docker_layers() -> Cases {
    let stored = |codec: Codec| docker(&[app().codec(codec).tag(NAME)], Style::Plain);
    let mut mixed = app().tag(NAME);
    mixed.layers[1].codec = Codec::Gzip;
    cases([
        ("gzip", stored(Codec::Gzip)),
        ("gzip members", stored(Codec::GzipMembers)),
        ("zstd", stored(Codec::Zstd)),
        ("bzip2", stored(Codec::Bzip2)),
        ("xz", stored(Codec::Xz)),
        ("mixed", docker(&[mixed], Style::Plain)),
    ])
}

/// How `manifest.json` leads to files.
fn docker_ways() -> Cases {
    let plain = || docker(&[app().tag(NAME)], Style::Plain);
    let folder = |kind: Kind| {
        let manifest = plain().edit_json("manifest.json", |value| value[0]["Layers"][0] = "x/layer.tar".into());
        manifest.with("x/", Kind::Dir).with("x/layer.tar", kind)
    };
    let named = |edit: fn(&str) -> String| {
        plain().edit_json("manifest.json", |value| {
            for layer in value[0]["Layers"].as_array_mut().expect("layers") {
                *layer = edit(layer.as_str().expect("a path")).into();
            }
        })
    };
    cases([
        ("dots in the tar", plain().prefixed("./")),
        ("dots in both", named(|path| format!("./{path}")).prefixed("./")),
        ("dots in manifest.json", named(|path| format!("x/../{path}"))),
        ("slash in manifest.json", named(|path| format!("/{path}"))),
        ("slash in the tar", plain().prefixed("/")),
        ("symlink", folder(Kind::Symlink("../0-0.tar".into()))),
        ("symlink with dots in the tar", folder(Kind::Symlink("../0-0.tar".into())).prefixed("./")),
        ("symlink from the root", folder(Kind::Symlink("/0-0.tar".into()))),
        ("symlink to a symlink", folder(Kind::Symlink("../hop".into())).with("hop", Kind::Symlink("0-0.tar".into()))),
        ("hard link", folder(Kind::Hardlink("0-0.tar".into()))),
        ("dangling symlink", plain().with("unrelated", Kind::Symlink("gone".into()))),
        (
            "config is a symlink",
            plain()
                .edit_json("manifest.json", |value| value[0]["Config"] = "c.json".into())
                .with("c.json", Kind::Symlink("config0.json".into())),
        ),
        ("manifest.json is a symlink", {
            let tree = plain();
            let manifest = tree.file("manifest.json").to_vec();
            tree.relink("manifest.json", Kind::Symlink("m.json".into())).with_file("m.json", manifest)
        }),
        ("manifest.json first", plain().first("manifest.json")),
        ("large manifest.json", plain().edit_json("manifest.json", |value| value[0]["X"] = "x".repeat(1 << 20).into())),
    ])
}

fn docker_platforms() -> Cases {
    let of = |platform: &str| docker(&[app().platform(platform).tag(NAME)], Style::Plain);
    let nowhere = image().layer(file("one", "1")).tag(NAME);
    let nowhere = {
        let mut config: Value = serde_json::from_slice(&nowhere.config_bytes()).expect("JSON");
        let fields = config.as_object_mut().expect("an object");
        fields.remove("os");
        fields.remove("architecture");
        nowhere.raw_config(config.to_string())
    };
    cases([
        ("foreign", docker(&[foreign().tag(NAME)], Style::Plain)),
        ("windows", of("windows/amd64")),
        ("386", of("linux/386")),
        ("none", docker(&[nowhere], Style::Plain)),
    ])
}

fn hybrids() -> Cases {
    let full = || app().codec(Codec::Gzip).tag(NAME);
    let index = |platforms: &[Image]| {
        let mut layout = Layout::new();
        let index = layout.platforms(platforms);
        layout.root(index, json!({IMAGE_NAME: NAME, REF_NAME: "1"}));
        let entry = &platforms[0];
        let path = |digest: &str| format!("blobs/sha256/{}", hex_of(digest));
        let layers: Vec<String> = entry.layers.iter().map(|layer| path(&sha256(&layer.blob()))).collect();
        let manifest = json!([{"Config": path(&entry.id()), "RepoTags": [SHORT], "Layers": layers}]);
        layout.tree().with_file("manifest.json", manifest.to_string())
    };
    cases([
        ("plain", docker(&[app().tag(NAME)], Style::Hybrid)),
        ("gzip", docker(&[full()], Style::Hybrid)),
        ("zstd", docker(&[app().codec(Codec::Zstd).tag(NAME)], Style::Hybrid)),
        ("short name", docker(&[app().tag(SHORT)], Style::Hybrid)),
        ("no name", docker(&[app()], Style::Hybrid)),
        ("two names", docker(&[full().tag("docker.io/demo/app:2")], Style::Hybrid)),
        ("two images", docker(&[full(), other().tag("docker.io/demo/other:1")], Style::Hybrid)),
        ("two platforms", index(&[app(), foreign()])),
        ("only a foreign platform", index(&[foreign()])),
        ("no oci-layout", docker(&[full()], Style::Hybrid).remove("oci-layout")),
        (
            "bad names in index.json",
            docker(&[full()], Style::Hybrid).edit_json("index.json", |index| {
                index["manifests"][0]["annotations"] = json!({REF_NAME: "not a name!"});
            }),
        ),
    ])
}

fn annotated(annotations: Value) -> Tree {
    let mut layout = Layout::new();
    let descriptor = layout.image(&app().codec(Codec::Gzip));
    layout.root(descriptor, annotations);
    layout.tree()
}

fn oci_names() -> Cases {
    let own = Layout::new().image(&app().codec(Codec::Gzip))["digest"].as_str().expect("a digest").to_owned();
    let zero = format!("sha256:{}", "0".repeat(64));
    let reference = |name: &str| annotated(json!({REF_NAME: name}));
    cases([
        ("none", annotated(Value::Null)),
        ("full", reference(NAME)),
        ("short", reference(SHORT)),
        ("localhost", reference("localhost/app:1")),
        ("registry", reference("reg.example:5000/app:1")),
        ("no tag", reference("demo/app")),
        ("bare tag", reference("v1.0")),
        ("latest", reference("latest")),
        ("upper case", reference("Demo/app:1")),
        ("spaces", reference("not a name!")),
        ("image ID", reference(&format!("sha256:{}", hex_of(&app().id())))),
        ("own digest", reference(&format!("{NAME}@{own}"))),
        ("other digest", reference(&format!("demo/app@{zero}"))),
        ("containerd's", annotated(json!({IMAGE_NAME: NAME}))),
        ("both", annotated(json!({IMAGE_NAME: NAME, REF_NAME: "1"}))),
        ("containerd's bare", annotated(json!({IMAGE_NAME: "v1", REF_NAME: NAME}))),
        ("empty", annotated(json!({REF_NAME: ""}))),
    ])
}

fn oci_makes() -> Cases {
    let app = || app().codec(Codec::Gzip);
    let two_tags = Layout::new().named(&app(), "v1").named(&app(), "latest");
    let two_images = Layout::new().named(&app(), NAME).named(&other(), "docker.io/demo/other:1");
    let unnamed = Layout::new().unnamed(&app()).unnamed(&other());
    let half_named = Layout::new().unnamed(&other()).named(&app(), NAME);
    let plain = || Layout::new().named(&app(), NAME).tree();
    let referrer = {
        let mut layout = Layout::new();
        let subject = layout.image(&app());
        let referrer = layout.referrer(&subject);
        layout.root(subject, json!({REF_NAME: NAME}));
        layout.root(referrer, Value::Null);
        layout.tree()
    };
    let blob = |tree: &Tree| tree.names().into_iter().find(|name| name.len() > 70).expect("a blob").to_owned();
    let linked = {
        let tree = plain();
        let path = blob(&tree);
        let bytes = tree.file(&path).to_vec();
        tree.relink(&path, Kind::Symlink("../../stored".into())).with_file("stored", bytes)
    };
    cases([
        ("two tags", two_tags.tree()),
        ("two images", two_images.tree()),
        ("two images without names", unnamed.tree()),
        ("one of two images without a name", half_named.tree()),
        ("a referrer beside", referrer),
        ("dots", plain().prefixed("./")),
        ("no folders", plain().without_dirs()),
        ("reversed", plain().reversed()),
        ("no oci-layout", plain().remove("oci-layout")),
        ("version 1.1.0", plain().replace("oci-layout", r#"{"imageLayoutVersion":"1.1.0"}"#)),
        ("a linked blob", linked),
        (
            "no media type in index.json",
            plain().edit_json("index.json", |index| {
                index["manifests"][0].as_object_mut().expect("a descriptor").remove("mediaType");
            }),
        ),
        ("sha512", Layout::new().with_sha512().named(&app(), NAME).tree()),
    ])
}

fn oci_types() -> Cases {
    let stored = |codec: Codec| Layout::new().named(&app().codec(codec), NAME).tree();
    let labelled = |codec: Codec, label: &str| {
        let mut image = app().codec(codec);
        for layer in &mut image.layers {
            layer.media_type = Some(format!("application/vnd.oci.image.layer.v1.tar{label}"));
        }
        Layout::new().named(&image, NAME).tree()
    };
    let manifest = |edit: fn(&mut Value)| {
        let mut layout = Layout::new();
        let mut manifest = layout.manifest_of(&app().codec(Codec::Gzip));
        edit(&mut manifest);
        let descriptor = layout.manifest(&manifest);
        layout.root(descriptor, json!({REF_NAME: NAME}));
        layout.tree()
    };
    let embedded = {
        let mut layout = Layout::new();
        let image = app().codec(Codec::Gzip);
        let mut manifest = layout.manifest_of(&image);
        let config = manifest["config"].clone();
        layout.forget(&config);
        manifest["config"]["data"] = super::codec::base64_encode(&image.config_bytes()).into();
        let descriptor = layout.manifest(&manifest);
        layout.root(descriptor, json!({REF_NAME: NAME}));
        layout.tree()
    };
    let foreign_layer = |keep: bool| {
        let mut layout = Layout::new();
        let mut manifest = layout.manifest_of(&app().codec(Codec::Gzip));
        let layer = manifest["layers"][1].clone();
        if !keep {
            layout.forget(&layer);
        }
        let media_type = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
        manifest["layers"][1] = with(layer, "urls", json!(["http://127.0.0.1:1/layer"]));
        manifest["layers"][1]["mediaType"] = media_type.into();
        let descriptor = layout.manifest(&manifest);
        layout.root(descriptor, json!({REF_NAME: NAME}));
        layout.tree()
    };
    let config = |edit: fn(&mut serde_json::Map<String, Value>)| {
        let image = app().codec(Codec::Gzip);
        let mut config: Value = serde_json::from_slice(&image.config_bytes()).expect("JSON");
        edit(config.as_object_mut().expect("an object"));
        Layout::new().named(&image.raw_config(config.to_string()), NAME).tree()
    };
    cases([
        ("plain", stored(Codec::Plain)),
        ("zstd", stored(Codec::Zstd)),
        ("bzip2", stored(Codec::Bzip2)),
        ("xz", stored(Codec::Xz)),
        ("plain as gzip", labelled(Codec::Plain, "+gzip")),
        ("zstd as gzip", labelled(Codec::Zstd, "+gzip")),
        ("xz as gzip", labelled(Codec::Xz, "+gzip")),
        ("gzip as plain", labelled(Codec::Gzip, "")),
        ("gzip as zstd", labelled(Codec::Gzip, "+zstd")),
        ("docker's", Layout::new().with_docker_types().named(&app().codec(Codec::Gzip), NAME).tree()),
        (
            "docker's config",
            manifest(|manifest| {
                manifest["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json".into();
            }),
        ),
        (
            "docker's layers",
            manifest(|manifest| {
                for layer in manifest["layers"].as_array_mut().expect("layers") {
                    layer["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip".into();
                }
            }),
        ),
        (
            "one unknown layer",
            manifest(|manifest| {
                manifest["layers"][1]["mediaType"] = "application/vnd.example".into();
            }),
        ),
        ("config in its descriptor", embedded),
        ("foreign layer", foreign_layer(true)),
        ("foreign layer, missing", foreign_layer(false)),
        ("no rootfs", config(|config| drop(config.remove("rootfs")))),
        (
            "no platform",
            config(|config| {
                config.remove("os");
                config.remove("architecture");
            }),
        ),
    ])
}

fn oci_indexes() -> Cases {
    let app = || app().codec(Codec::Gzip);
    let foreign = || foreign().codec(Codec::Gzip);
    let rooted = |make: fn(&mut Layout) -> Value| {
        let mut layout = Layout::new();
        let index = make(&mut layout);
        layout.root(index, json!({REF_NAME: NAME}));
        layout.tree()
    };
    let variant = |architecture: &str, variant: &str| {
        let mut layout = Layout::new();
        let image = layout.image(&app());
        let platform = json!({"os": "linux", "architecture": architecture, "variant": variant});
        let index = layout.index(&[with(image, "platform", platform)]);
        layout.root(index, json!({REF_NAME: NAME}));
        layout.tree()
    };
    let single_foreign = Layout::new().named(&foreign(), NAME).tree();
    let partial = |own: bool| {
        let mut layout = Layout::new();
        let images = [app(), foreign()];
        let index = layout.platforms(&images);
        let gone = layout.manifest_of(&images[usize::from(own)]);
        let gone = layout.manifest(&gone);
        layout.forget(&gone);
        layout.root(index, json!({REF_NAME: NAME}));
        layout.tree()
    };
    let architecture = host_platform().split_once('/').expect("os/architecture").1.to_owned();
    cases([
        ("two platforms", rooted(|layout| layout.platforms(&[super::makes::foreign(), super::makes::app()]))),
        ("only a foreign platform", rooted(|layout| layout.platforms(&[super::makes::foreign()]))),
        ("a foreign image", single_foreign),
        (
            "one image, no platform",
            rooted(|layout| {
                let image = layout.image(&super::makes::app());
                layout.index(&[image])
            }),
        ),
        (
            "an attestation",
            rooted(|layout| {
                let image = layout.image(&super::makes::app());
                let attestation = layout.attestation(&image);
                let image = with(image, "platform", super::makes::app().platform_value());
                layout.index(&[image, attestation])
            }),
        ),
        (
            "an index in an index",
            rooted(|layout| {
                let inner = layout.platforms(&[super::makes::app()]);
                layout.index(&[inner])
            }),
        ),
        ("docker's list", {
            let mut layout = Layout::new().with_docker_types();
            let list = layout.platforms(&[app(), foreign()]);
            layout.root(list, json!({REF_NAME: NAME}));
            layout.tree()
        }),
        ("own variant", variant(&architecture, if architecture == "arm64" { "v8" } else { "v1" })),
        ("too new a variant", variant(&architecture, "v9")),
        ("the foreign platform is missing", partial(true)),
        ("the own platform is missing", partial(false)),
        ("a second root without a name", {
            let mut layout = Layout::new();
            let index = layout.platforms(&[app(), foreign()]);
            let image = layout.image(&other());
            layout.root(index, json!({IMAGE_NAME: NAME, REF_NAME: "1"}));
            layout.root(image, Value::Null);
            layout.tree()
        }),
        ("only an artifact", {
            let mut layout = Layout::new();
            let subject = layout.image(&app());
            let artifact = layout.referrer(&subject);
            layout.root(artifact, json!({REF_NAME: NAME}));
            layout.tree()
        }),
    ])
}

/// The whole archive: compressed, in a folder, wrapped in one.
fn wholes() -> Cases {
    let docker_tree = docker(&[app().tag(NAME)], Style::Plain);
    let oci_tree = Layout::new().named(&app().codec(Codec::Gzip), NAME).tree();
    let mut cases: Cases = Vec::new();
    for (name, tree) in [("docker", &docker_tree), ("oci", &oci_tree)] {
        for codec in [Codec::Gzip, Codec::Zstd, Codec::Bzip2, Codec::Xz] {
            cases.push((format!("{name}, {}", codec.name()), Case::File(codec.pack(&tree.tar()))));
        }
        cases.push((format!("{name}, wrapped"), tar(&tree.clone().prefixed("inner/"))));
        cases.push((format!("{name}, folder"), Case::Folder(tree.clone())));
    }
    cases.push(("hybrid, gzip".into(), Case::File(Codec::Gzip.pack(&docker(&[app().tag(NAME)], Style::Hybrid).tar()))));
    cases
}
