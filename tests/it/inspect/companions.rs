//! Attestations, signatures and other artifacts stand under the image that they are about.

use serde_json::{Value, json};

use super::{json_of, platforms, text};
use crate::support::layout::{MANIFEST, REF_NAME, with};
use crate::support::{Layout, Sandbox, file, image};

fn kinds(companions: &Value) -> Vec<&str> {
    companions.as_array().into_iter().flatten().filter_map(|companion| companion["kind"].as_str()).collect()
}

#[test]
fn what_is_about_an_image_stands_under_it() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &platforms().tree());
    let told = json_of(&sandbox, &input, &[]);
    let images = told["images"].as_array().expect("images");
    assert_eq!(images.len(), 2, "an attestation is no image");
    assert_eq!(kinds(&images[0]["companions"]), ["attestation", "artifact"]);
    assert_eq!(images[1].get("companions"), None);
    assert_eq!(told.get("others"), None);
    for companion in images[0]["companions"].as_array().expect("companions") {
        assert_eq!(companion["subject"], images[0]["manifest_digest"]);
    }
    let text = text(&sandbox, &input, &[]);
    let (first, second) = text.split_once("Image 2 of 2").expect("two images");
    assert!(first.contains("With it:") && first.contains("attestation") && !second.contains("With it:"), "{text}");
}

/// Stores something with cosign's media types, as cosign does it: an image's config, layers of another kind.
fn cosign(layout: &mut Layout, media_type: &str) -> Value {
    let config = layout.put("application/vnd.oci.image.config.v1+json", r#"{"architecture":"","os":"","rootfs":{"type":"layers","diff_ids":["sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]}}"#);
    let payload = layout.put(media_type, format!("payload of {media_type}"));
    let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [payload]});
    layout.manifest(&manifest)
}

#[test]
fn tags_of_cosign_tell_what_a_signature_is_about() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new();
    let signed = layout.image(&image().layer(file("a", "x")));
    layout.root(signed.clone(), json!({REF_NAME: "docker.io/demo/app:1"}));
    let hex = signed["digest"].as_str().expect("a digest").replace(':', "-");
    let cases = [
        (".sig", "application/vnd.dev.cosign.simplesigning.v1+json", "signature"),
        (".att", "application/vnd.dsse.envelope.v1+json", "attestation"),
        (".sbom", "text/spdx+json", "sbom"),
    ];
    for (ending, media_type, _) in cases {
        let about = cosign(&mut layout, media_type);
        layout.root(about, json!({REF_NAME: format!("docker.io/demo/app:{hex}{ending}")}));
    }
    let input = sandbox.put_tree("in.tar", &layout.tree());
    let told = json_of(&sandbox, &input, &[]);
    assert_eq!(kinds(&told["images"][0]["companions"]), cases.map(|(.., kind)| kind));
}

/// What is about nothing that is there, or about an index of several images, is told of by itself.
#[test]
fn what_is_about_no_image_is_told_of_by_itself() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new();
    let platforms = [image().layer(file("a", "x")), image().layer(file("b", "y")).platform("linux/arm64")];
    let index = layout.platforms(&platforms);
    layout.root(index.clone(), json!({REF_NAME: "docker.io/demo/app:1"}));
    let about_index = layout.referrer(&index);
    layout.root(about_index, Value::Null);
    let chart = layout.put("application/vnd.cncf.helm.config.v1+json", "{}");
    let content = layout.put("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "chart");
    let chart = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": chart, "layers": [content]});
    let chart = layout.manifest(&chart);
    layout.root(with(chart, "artifactType", "x".into()), json!({REF_NAME: "docker.io/demo/chart:1"}));
    let input = sandbox.put_tree("in.tar", &layout.tree());
    let told = json_of(&sandbox, &input, &[]);
    let others = told["others"].as_array().expect("others");
    assert_eq!(others.len(), 2);
    assert_eq!(others[0]["subject"], index["digest"]);
    assert_eq!((&others[1]["names"], others[1].get("subject")), (&json!(["docker.io/demo/chart:1"]), None));
    let text = text(&sandbox, &input, &[]);
    let (_, beside) = text.split_once("Not images").expect("a heading");
    assert!(beside.contains("helm") && beside.contains("docker.io/demo/chart:1"), "{text}");
}

/// An archive may hold nothing but artifacts: that is no fault.
#[test]
fn an_archive_without_images_is_told_of() {
    let sandbox = Sandbox::new();
    let mut layout = Layout::new();
    let subject = json!({"mediaType": MANIFEST, "digest": format!("sha256:{}", "0".repeat(64)), "size": 1});
    let alone = layout.referrer(&subject);
    layout.root(alone, Value::Null);
    let told = json_of(&sandbox, sandbox.put_tree("in.tar", &layout.tree()), &[]);
    assert_eq!((told["images"].as_array().map(Vec::len), kinds(&told["others"])), (Some(0), vec!["artifact"]));
}
