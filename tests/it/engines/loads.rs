//! Every engine takes the OCI and hybrid output and finds the image that went in.

use crate::support::engines::{Containerd, Containers, Docker, Listing, line, list_folder, require};
use crate::support::found::output;
use crate::support::image::noise;
use crate::support::{Layout, Sandbox, Tree, file, files, image};
use std::fs;
use std::path::{Path, PathBuf};

const NAME: &str = "docker.io/demo/app:1";

/// A docker-archive, and what every engine must find in its conversions.
struct Source {
    sandbox: Sandbox,
    id: String,
    files: Listing,
}

impl Source {
    /// Makes layers so large that they are compressed in several pieces.
    fn new() -> Self {
        let text = "compressible ".repeat(300_000);
        let image = image()
            .layer(noise(1, 3 << 20))
            .layer(files(&[("etc/app", &text), ("etc/other", "other")]))
            .layer(file("etc/.wh.other", ""));
        let sandbox = Sandbox::new();
        sandbox.put_tree("made", &Layout::new().named(&image, NAME).tree());
        sandbox.convert("docker-archive", "made", "docker.tar").ok();
        let store = Containers::new();
        assert_eq!(store.load(&sandbox.path("docker.tar")), [NAME]);
        assert_eq!(store.id(NAME), image.id());
        let files = store.files(NAME);
        assert_eq!(files.keys().collect::<Vec<_>>(), ["etc", "etc/app", "noise"]);
        Self { sandbox, id: image.id(), files }
    }

    fn convert(&self, to: &str, compression: &str) -> PathBuf {
        let output = self.sandbox.path(&format!("{to}-{compression}"));
        self.sandbox.convert(to, "docker.tar", &output).args(["--compression", compression]).ok();
        output
    }
}

#[test]
fn every_engine_takes_what_is_written() {
    if !require(&[&Docker::TOOLS[..], &Containerd::TOOLS, &["podman", "skopeo", "umoci"]].concat()) {
        return;
    }
    let source = Source::new();
    let docker = Docker::start();
    let containerd = Containerd::start();
    for compression in ["gzip", "none"] {
        let hybrid = source.convert("hybrid-archive", compression);
        check_docker(&docker, &source, &hybrid);
        check_archive(&containerd, &source, &hybrid);
        check_skopeo(&source, &format!("docker-archive:{}", hybrid.display()));
        let folder = source.convert("oci-dir", compression);
        check_umoci(&source, &folder);
        check_skopeo(&source, &format!("oci:{}:{NAME}", folder.display()));
    }
    // The packaged umoci is older than zstd layers, and docker as well.
    for compression in ["gzip", "zstd"] {
        check_archive(&containerd, &source, &source.convert("oci-archive", compression));
    }
    // A hybrid archive is for docker too, so what docker cannot inflate is packed anew.
    source.sandbox.convert("hybrid-archive", "oci-archive-zstd", "packed-anew.tar").ok();
    check_docker(&docker, &source, &source.sandbox.path("packed-anew.tar"));
    check_pieces(&source);
}

fn check_docker(docker: &Docker, source: &Source, archive: &Path) {
    assert_eq!(docker.load(archive), ["demo/app:1"]);
    assert_eq!(docker.inspect(NAME)["Id"], source.id.as_str());
}

/// Checks the readers of OCI archives: podman, skopeo and containerd.
fn check_archive(containerd: &Containerd, source: &Source, archive: &Path) {
    let store = Containers::new();
    assert_eq!(store.load(archive), [NAME]);
    assert_eq!(store.id(NAME), source.id);
    assert_eq!(store.files(NAME), source.files);
    check_skopeo(source, &format!("oci-archive:{}:{NAME}", archive.display()));
    line(&mut store.command("skopeo", ["inspect", &format!("oci-archive:{}", archive.display())]));
    containerd.import(archive);
    assert_eq!(containerd.id(NAME), source.id);
}

/// Copies with skopeo, which verifies all digests, and reads the image id that arrives.
fn check_skopeo(source: &Source, from: &str) {
    let store = Containers::new();
    let folder = source.sandbox.path("skopeo");
    store.skopeo_copy([from, &format!("dir:{}", folder.display())]);
    assert_eq!(Tree::read(&folder).json("manifest.json")["config"]["digest"], source.id.as_str());
    fs::remove_dir_all(folder).expect("the folder is ours");
}

fn check_umoci(source: &Source, folder: &Path) {
    let store = Containers::new();
    let bundle = source.sandbox.path("bundle");
    let image = format!("{}:{NAME}", folder.display());
    line(store.command("umoci", ["unpack", "--image", &image]).arg(&bundle));
    assert_eq!(list_folder(&bundle.join("rootfs")), source.files);
    fs::remove_dir_all(bundle).expect("the bundle is ours");
}

/// Checks that large layers were in several gzip members, or nothing above has tested them.
fn check_pieces(source: &Source) {
    let archive = source.sandbox.path("oci-archive-gzip");
    let tree = Tree::read(&archive);
    for layer in &output(&archive, "oci-archive").images[0].layers[..2] {
        let blob = tree.file(&layer.path);
        assert!(blob.starts_with(b"\x1f\x8b\x08"));
        // The ninth byte tells whether a member is compressed or stored.
        let members = blob.windows(10).filter(|window| window[..8] == blob[..8] && window[9] == blob[9]).count();
        assert!(members > 3, "{members} gzip members");
    }
}
