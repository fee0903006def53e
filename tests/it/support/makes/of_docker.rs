//! docker-archives, hybrids with them.

use super::*;

/// Groups of cases with their names.
pub(super) fn groups() -> [(&'static str, Cases); 6] {
    [
        ("docker", docker_makes()),
        ("docker name", docker_names()),
        ("docker layers", docker_layers()),
        ("docker ways", docker_ways()),
        ("docker platform", docker_platforms()),
        ("hybrid", hybrids()),
    ]
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
