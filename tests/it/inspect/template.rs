//! `--format`: templates as docker's and podman's users know them.

use serde_json::{Value, json};

use super::{full, json_of, platforms, two_images};
use crate::support::{Sandbox, Style, docker, file, image};

fn format(sandbox: &Sandbox, template: &str) -> String {
    let run = sandbox.command(["inspect", "in.tar", "--format", template]).ok();
    String::from_utf8(run.stdout).expect("text")
}

#[test]
fn templates_see_the_image() {
    let sandbox = Sandbox::new();
    let image = full().tag("demo/app:1").tag("demo/app:2");
    let (id, diff_ids) = (image.id(), image.diff_ids());
    sandbox.put_tree("in.tar", &docker(&[image], Style::Classic));
    for (template, want) in [
        ("{{.ImageID}}", format!("{id}\n")),
        ("{{json .Config.Cmd}}", "[\"80\",\"a b\"]\n".to_owned()),
        ("{{json .Config.Unknown}}", "{\"x\":1}\n".to_owned()),
        ("{{range .Layers}}{{.DiffID}}{{\"\\n\"}}{{end}}", format!("{}\n{}\n\n", diff_ids[0], diff_ids[1])),
        (r"{{.Platform}}\t{{.Architecture}}\n", "linux/amd64\tamd64\n\n".to_owned()),
        ("{{join .Names \", \"}}", "docker.io/demo/app:1, docker.io/demo/app:2\n".to_owned()),
        ("{{index .Config.Labels \"org.example.b\"}}", "two words\n".to_owned()),
        ("{{with index .Layers 1}}{{.Number}} {{.Compression}}{{end}}", "2 none\n".to_owned()),
        (
            "{{len .Layers}} {{upper .OS}} {{.Archive.Path}} {{.Archive.Format}}",
            "2 LINUX in.tar docker-archive\n".to_owned(),
        ),
        ("{{if .ManifestDigest}}yes{{else}}no{{end}}", "no\n".to_owned()),
        ("{{truncate (index (split .ImageID \":\") 1) 12}}", format!("{}\n", &id[7..19])),
        ("{{printf \"%-8s|%d\" .OS .Size}}", "linux   |5120\n".to_owned()),
    ] {
        assert_eq!(format(&sandbox, template), want, "{template}");
    }
}

#[test]
fn each_image_is_a_line() {
    let sandbox = Sandbox::new();
    sandbox.put("in.tar", &two_images());
    let text = format(&sandbox, "{{.Number}} {{index .Names 0}}");
    assert_eq!(text, "1 docker.io/demo/app:1\n2 docker.io/demo/child:1\n");
}

/// What JSON leaves out because it is not known is empty in a template, as in docker: every field of every image, layer
/// and companion can be asked for of all of them.
#[test]
fn every_field_can_be_asked_for_everywhere() {
    let sandbox = Sandbox::new();
    let rich = sandbox.put_tree("rich.tar", &platforms().tree());
    let told = json_of(&sandbox, rich, &["--sizes"]);
    let image_fields: Vec<String> = keys(&told["images"][0]);
    let layer_fields: Vec<String> = keys(&told["images"][0]["layers"][0]);
    let companion_fields: Vec<String> =
        told["images"][0]["companions"].as_array().expect("companions").iter().flat_map(keys).collect();
    assert!(image_fields.len() > 15 && layer_fields.len() > 6 && companion_fields.len() > 5);
    let poor = image().layer(file("a", "x")).raw_config(format!(
        "{{\"rootfs\":{{\"type\":\"layers\",\"diff_ids\":{}}}}}",
        json!([file("a", "x").diff_id()])
    ));
    for (name, tree) in [
        ("poor.tar", docker(&[poor], Style::Plain)),
        ("legacy.tar", docker(&[full().tag("a:1")], Style::Legacy)),
        ("rich.tar", platforms().tree()),
    ] {
        sandbox.put_tree(name, &tree);
        let fields = |fields: &[String]| fields.iter().map(|key| format!("{{{{.{}}}}}", go(key))).collect::<String>();
        let template = format!(
            "{}{{{{range .Layers}}}}{}{{{{end}}}}{{{{range .Companions}}}}{}{{{{end}}}}{{{{.Config.Env}}}}{{{{.Config.Labels}}}}",
            fields(&image_fields),
            fields(&layer_fields),
            fields(&companion_fields),
        );
        sandbox.command(["inspect", name, "--format", &template]).ok();
    }
}

fn keys(value: &Value) -> Vec<String> {
    value.as_object().expect("an object").keys().cloned().collect()
}

/// The spelling that the help promises: `image_id` is `ImageID`.
fn go(key: &str) -> String {
    let word = |word: &str| {
        if ["id", "os"].contains(&word) { word.to_uppercase() } else { word[..1].to_uppercase() + &word[1..] }
    };
    key.split('_').map(word).collect()
}

#[test]
fn templates_that_cannot_be_are_usage_errors() {
    let sandbox = Sandbox::new();
    sandbox.put("in.tar", &two_images());
    for template in ["{{.ImageID", "{{nope .}}", "{{.Nope}}", "{{range .Layers}}{{.Nope}}{{end}}", "{{join .OS}}"] {
        let message = sandbox.command(["inspect", "in.tar", "--format", template]).fails(2);
        assert!(message.contains("--format"), "{template}: {message}");
    }
    // A template is read before an archive is.
    sandbox.command(["inspect", "absent.tar", "--format", "{{"]).fails(2);
}
