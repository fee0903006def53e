//! Which images of two archives are compared.

use serde_json::{Value, json};

use super::{diff, lines, text};
use crate::support::layout::REF_NAME;
use crate::support::{Image, Layout, Sandbox, Style, docker, file, image};

fn app(body: &str, name: &str) -> Image {
    image().layer(file("a", body)).tag(name)
}

/// What was compared, from `--json`: names of pairs, and of what is left.
fn told(json: &Value) -> Value {
    let pairs = json["images"].as_array().expect("images").iter();
    let first = |image: &Value| image["names"][0].as_str().unwrap_or_default().replace("docker.io/library/", "");
    let only = |images: &Value| images.as_array().into_iter().flatten().map(first).collect::<Vec<_>>();
    json!({
        "pairs": pairs.map(|pair| (first(&pair["a"]), first(&pair["b"]), pair["same"].clone())).collect::<Vec<_>>(),
        "only_a": only(&json["only_a"]),
        "only_b": only(&json["only_b"]),
    })
}

#[test]
fn images_are_paired_by_name_and_the_rest_is_told() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("a.tar", &docker(&[app("1", "x:1"), app("2", "y:1"), app("3", "z:1")], Style::Plain));
    sandbox.put_tree("b.tar", &docker(&[app("2", "y:1"), app("9", "x:1"), app("4", "w:1")], Style::Plain));
    let run = diff(&sandbox, "a.tar", "b.tar", &["--json"]);
    assert_eq!(run.code, 1);
    let want = json!({"pairs": [["x:1", "x:1", false], ["y:1", "y:1", true]], "only_a": ["z:1"], "only_b": ["w:1"]});
    assert_eq!(told(&run.json()), want);
    let text = text(&diff(&sandbox, "a.tar", "b.tar", &[]));
    assert!(text.contains("\nonly in A (a.tar): docker.io/library/z:1 (linux/amd64)\n"), "{text}");
    assert!(text.contains("\nonly in B (b.tar): docker.io/library/w:1 (linux/amd64)\n"), "{text}");
    assert!(text.ends_with("\n4 images: 1 the same, 1 different, 1 only in A, 1 only in B\n"), "{text}");
}

#[test]
fn images_are_chosen_by_option_and_by_place() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("a.tar", &docker(&[app("1", "x:1"), app("2", "x:2")], Style::Plain));
    sandbox.put_tree("b.tar", &docker(&[app("2", "x:2"), app("1", "x:1"), app("5", "y:1")], Style::Plain));
    for (a, b, args, code, want) in [
        ("a.tar", "b.tar", &["--image", "x:1"][..], 0, json!([["x:1", "x:1", true]])),
        (
            "a.tar",
            "b.tar",
            &["--image", "x:1", "--image", "x:2"],
            0,
            json!([["x:1", "x:1", true], ["x:2", "x:2", true]]),
        ),
        ("docker-archive:a.tar:x:1", "docker-archive:b.tar:y:1", &[], 1, json!([["x:1", "y:1", false]])),
        ("docker-archive:a.tar:@1", "docker-archive:b.tar:@0", &[], 0, json!([["x:2", "x:2", true]])),
        (
            "docker-archive:a.tar:x:1",
            "docker-archive:a.tar:x:2",
            &["--ignore", "names"],
            1,
            json!([["x:1", "x:2", false]]),
        ),
    ] {
        let run = diff(&sandbox, a, b, &[args, &["--json"]].concat());
        assert_eq!((run.code, &told(&run.json())["pairs"]), (code, &want), "{a} {b}");
    }
    let error = sandbox.command(["diff", "a.tar", "b.tar", "--image", "y:1"]).fails(4);
    assert!(error.starts_with("transload: a.tar: no image \"y:1\"; there is: "), "{error}");
    let error = sandbox.command(["diff", "a.tar", "b.tar", "--platform", "linux/s390x"]).fails(4);
    assert!(error.starts_with("transload: a.tar: no image for platform linux/s390x"), "{error}");
}

#[test]
fn platforms_of_one_name_are_paired_with_one_another() {
    let on = |platform: &str, body: &str| app(body, "x:1").platform(platform);
    let store = |images: &[Image]| {
        let mut layout = Layout::new();
        let index = layout.platforms(images);
        layout.root(index, json!({REF_NAME: "x:1"}));
        layout.tree()
    };
    let sandbox = Sandbox::new();
    sandbox.put_tree("both.tar", &store(&[on("linux/amd64", "1"), on("linux/arm64", "2")]));
    sandbox.put_tree("turned.tar", &store(&[on("linux/arm64", "2"), on("linux/amd64", "1")]));
    sandbox.put_tree("one.tar", &docker(&[on("linux/arm64", "2")], Style::Plain));
    assert_eq!(diff(&sandbox, "both.tar", "turned.tar", &["--quiet"]).code, 0);
    let run = diff(&sandbox, "both.tar", "one.tar", &[]);
    assert_eq!(run.code, 1);
    assert!(text(&run).contains("\nonly in A (both.tar): docker.io/library/x:1 (linux/amd64)\n"), "{}", text(&run));
    assert_eq!(diff(&sandbox, "both.tar", "one.tar", &["--platform", "linux/arm64"]).code, 0);
}

#[test]
fn names_count_and_a_tag_alone_is_that_of_a_full_name() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("full.tar", &docker(&[app("1", "x:1").tag("y:2")], Style::Plain));
    sandbox.put_tree("bare", &Layout::new().named(&app("1", ""), "1").tree());
    sandbox.put_tree("none.tar", &docker(&[image().layer(file("a", "1"))], Style::Plain));
    let names = |a: &str, b: &str| {
        let run = diff(&sandbox, a, b, &[]);
        (run.code, lines(&run))
    };
    let only = |text: &str| (1, vec![format!("names: {text}")]);
    assert_eq!(names("full.tar", "bare"), only("only in A: docker.io/library/y:2"));
    assert_eq!(names("none.tar", "bare"), only("only in B: 1"));
    assert_eq!(names("full.tar", "none.tar"), only("only in A: docker.io/library/x:1, docker.io/library/y:2"));
    assert_eq!(diff(&sandbox, "full.tar", "none.tar", &["--ignore", "names"]).code, 0);
}

#[test]
fn what_is_no_image_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.put_tree("a.tar", &docker(&[app("1", "x:1")], Style::Plain));
    let mut layout = Layout::new();
    let subject = layout.image(&app("1", "x:1"));
    let attestation = layout.attestation(&subject);
    layout.root(attestation, json!({}));
    sandbox.put_tree("artifact", &layout.tree());
    let error = sandbox.command(["diff", "a.tar", "artifact"]).fails(4);
    assert!(error.contains("artifact: no image inside to compare"), "{error}");
    let error = sandbox.command(["diff", "-", "-"]).fails(2);
    assert!(error.contains("standard input cannot be both"), "{error}");
    let error = sandbox.command(["diff", "a.tar", "nothing.tar"]).fails(75);
    assert!(error.starts_with("transload: nothing.tar: cannot open: "), "{error}");
}
