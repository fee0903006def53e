//! OCI archives.

use super::super::codec::base64_encode;
use super::*;

/// Groups of cases with their names.
pub(super) fn groups() -> [(&'static str, Cases); 4] {
    [("oci name", oci_names()), ("oci", oci_makes()), ("oci types", oci_types()), ("oci index", oci_indexes())]
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
        manifest["config"]["data"] = base64_encode(&image.config_bytes()).into();
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
        ("two platforms", rooted(|layout| layout.platforms(&[super::foreign(), super::app()]))),
        ("only a foreign platform", rooted(|layout| layout.platforms(&[super::foreign()]))),
        ("a foreign image", single_foreign),
        (
            "one image, no platform",
            rooted(|layout| {
                let image = layout.image(&super::app());
                layout.index(&[image])
            }),
        ),
        (
            "an attestation",
            rooted(|layout| {
                let image = layout.image(&super::app());
                let attestation = layout.attestation(&image);
                let image = with(image, "platform", super::app().platform_value());
                layout.index(&[image, attestation])
            }),
        ),
        (
            "an index in an index",
            rooted(|layout| {
                let inner = layout.platforms(&[super::app()]);
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
