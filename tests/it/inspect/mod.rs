//! `transload inspect` and `transload formats`: what people, programs and templates are shown.

mod companions;
pub(crate) mod corpora;
mod files;
mod formats;
pub(crate) mod golden;
mod graph;
pub(crate) mod hostile;
mod layers;
mod several;
mod sparse;
mod template;

use std::path::Path;

use serde_json::{Value, json};

use crate::support::run::assert_printable;
use crate::support::{Codec, Image, Layout, Run, Sandbox, Style, docker, file, files, image};

/// An image whose config has everything that is shown of one.
pub(crate) fn full() -> Image {
    let config = json!({
        "author": "A. Uthor",
        "docker_version": "20.10.24",
        "config": {
            "User": "1000:1000", "WorkingDir": "/srv", "Entrypoint": ["/bin/app", "--serve"], "Cmd": ["80", "a b"],
            "Env": ["PATH=/bin", "EMPTY="], "ExposedPorts": {"80/tcp": {}, "53/udp": {}}, "Volumes": {"/data": {}},
            "Labels": {"org.example.a": "1", "org.example.b": "two words"}, "StopSignal": "SIGQUIT",
            "Healthcheck": {"Test": ["CMD-SHELL", "curl -f http://localhost"], "Interval": 30_000_000_000_u64, "Retries": 3},
            "OnBuild": ["RUN true"], "Shell": ["/bin/sh", "-ec"], "Unknown": {"x": 1},
        },
    });
    image().layer(file("etc/base", "base")).layer(files(&[("srv/app", "an app"), ("srv/b", "b")])).config(config)
}

pub(crate) fn two_images() -> Vec<u8> {
    let child = full().layer(file("srv/c", "the child's own")).tag("demo/child:1");
    docker(&[full().tag("demo/app:1").tag("demo/app:latest"), child], Style::Classic).tar()
}

/// One image for two platforms, the second with a layer that is not zstd, an attestation, and something that refers to
/// the first.
pub(crate) fn platforms() -> Layout {
    let mut layout = Layout::new();
    let amd64 = layout.image(&full().codec(Codec::Zstd));
    let arm64 = layout.image(&full().codec(Codec::Zstd).layer(file("arm", "64")).platform("linux/arm64/v8"));
    let attestation = layout.attestation(&amd64);
    let with = crate::support::layout::with;
    let amd64_child = with(amd64.clone(), "platform", full().platform_value());
    let arm64_child = with(arm64, "platform", full().platform("linux/arm64/v8").platform_value());
    let index = layout.index(&[amd64_child, arm64_child, attestation]);
    layout.root(index, json!({"org.opencontainers.image.ref.name": "docker.io/demo/multi:1"}));
    let referrer = layout.referrer(&amd64);
    layout.root(referrer, Value::Null);
    layout
}

fn told(sandbox: &Sandbox, input: impl AsRef<Path>, args: &[&str]) -> Run {
    let run = sandbox.command(["inspect"]).args([input.as_ref().as_os_str()]).args(args).ok();
    assert_printable(&String::from_utf8_lossy(&run.stdout).replace('\t', " "));
    run
}

fn text(sandbox: &Sandbox, input: impl AsRef<Path>, args: &[&str]) -> String {
    String::from_utf8(told(sandbox, input, args).stdout).expect("text is UTF-8")
}

fn json_of(sandbox: &Sandbox, input: impl AsRef<Path>, args: &[&str]) -> Value {
    let told = told(sandbox, input, &[args, &["--json"]].concat()).json();
    assert_eq!(told["schema"], 1);
    told
}
