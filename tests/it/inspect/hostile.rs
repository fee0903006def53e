//! Text of an archive that means harm: to terminals, to whoever reads lines, to who reads markup.

use serde_json::{Value, json};

use super::told;
use crate::support::layout::{IMAGE_NAME, MANIFEST, REF_NAME, with};
use crate::support::run::assert_printable;
use crate::support::{Kind, Layer, Layout, Sandbox, Tree, image};

/// Moves the cursor, sets a title, turns text around, begins a line, opens markup, ends a quotation.
const EVIL: &str =
    "evil\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}\u{200b}\r\n\tImage 9 of 9: <script>alert(1)</script>\"'`\\]-->&\u{9b}";

pub(super) fn tree() -> Tree {
    tree_saying(EVIL)
}

/// An OCI layout that says this wherever something can be said.
pub(crate) fn tree_saying(evil: &str) -> Tree {
    let mut layout = Layout::new();
    let files =
        Tree::default().with_file(format!("a/{}", evil.replace('/', "")), "x").with("link", Kind::Symlink(evil.into()));
    let config = json!({
        "author": evil, "created": evil, "docker_version": evil, "os.version": evil,
        "config": {
            "User": evil, "WorkingDir": evil, "Entrypoint": [evil], "Cmd": [evil], "Env": [evil], "ExposedPorts": {evil: {}},
            "Volumes": {evil: {}}, "Labels": {evil: evil}, "StopSignal": evil, "Healthcheck": {"Test": ["CMD", evil]},
            "OnBuild": [evil], "Shell": [evil],
        },
    });
    let said = image().layer(Layer::from_tar(files.tar())).config(config);
    let mut bytes: Value = serde_json::from_slice(&said.config_bytes()).expect("a config");
    bytes["history"] = json!([{"created_by": evil, "comment": evil, "author": evil}]);
    let said = said.raw_config(bytes.to_string());
    let mut manifest = layout.manifest_of(&said);
    manifest["annotations"] = json!({evil: evil});
    let image = layout.manifest(&manifest);
    let statement = with(layout.put(evil, "x"), "annotations", json!({"in-toto.io/predicate-type": evil}));
    let empty = layout.put("application/vnd.oci.empty.v1+json", "{}");
    let about = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": evil, "config": empty, "layers": [statement],
        "subject": image,
    });
    let about = layout.manifest(&about);
    layout.root(image, json!({REF_NAME: "no name: <b>", IMAGE_NAME: "also \"none\""}));
    layout.root(about, Value::Null);
    layout.tree()
}

#[test]
fn nothing_of_an_archive_steers_a_terminal_or_makes_a_line() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &tree());
    for args in [
        &[][..],
        &["--no-trunc"],
        &["--json"],
        &["--sizes"],
        &["--graph", "dot"],
        &["--graph", "svg"],
        &["--graph", "mermaid"],
        &["--files"],
        &["--files", "--layer", "1"],
        &["--files", "--json"],
        &["--largest", "5"],
        &["--format", "{{.Author}}{{range .Config.Env}}{{.}}{{end}}{{json .}}{{.Config}}{{index .Companions 0}}"],
    ] {
        let run = told(&sandbox, &input, args);
        let text = String::from_utf8(run.stdout).expect("text");
        assert!(text.contains("evil"), "{args:?}: what is said is not shown");
        assert!(
            !text.lines().any(|line| line.trim_start().starts_with("Image 9")),
            "{args:?}: a line of its own: {text}"
        );
    }
    for name in ["--json", "--files"] {
        let run = sandbox.command(["inspect", name]).arg(&input).ok();
        assert_printable(&run.stderr);
    }
}

/// Escaping is for showing: in JSON the text is the text.
#[test]
fn json_says_exactly_what_the_archive_says() {
    let sandbox = Sandbox::new();
    let input = sandbox.put_tree("in.tar", &tree());
    let json = told(&sandbox, &input, &["--json"]).json();
    let image = &json["images"][0];
    assert_eq!((&image["author"], &image["config"]["Labels"][EVIL]), (&json!(EVIL), &json!(EVIL)));
    assert_eq!(image["layers"][0]["created_by"], EVIL);
    let format = told(&sandbox, &input, &["--format", "{{json .Config.Labels}}"]);
    assert_eq!(format.json()[EVIL], EVIL);
}
