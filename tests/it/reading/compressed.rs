//! Compression of layers and of whole archives, told by the bytes and not by a name or a media type.

use std::slice::from_ref;

use super::{Row, bytes, check_reads, classic, oci, one, tar};
use crate::support::image::noise;
use crate::support::layout::Layout;
use crate::support::tally::tally;
use crate::support::{Codec, Layer, Style, Tree, docker, file, image};

#[test]
fn layers_in_every_compression() {
    let mixed = image()
        .layer(file("a", "1"))
        .layer(file("b", "2").codec(Codec::Gzip))
        .layer(noise(1, 5000).codec(Codec::Zstd))
        .layer(file("d", "4").codec(Codec::Xz));
    let every = [Codec::Gzip, Codec::GzipMembers, Codec::Zstd, Codec::ZstdFrames, Codec::Bzip2, Codec::Xz];
    let mut rows = Vec::new();
    for codec in every {
        let stored = one().codec(codec);
        let (docker_name, oci_name) = match codec {
            Codec::Gzip => ("docker: gzip", "OCI: gzip"),
            Codec::GzipMembers => ("docker: gzip in members", "OCI: gzip in members"),
            Codec::Zstd => ("docker: zstd", "OCI: zstd"),
            Codec::ZstdFrames => ("docker: zstd in frames", "OCI: zstd in frames"),
            Codec::Bzip2 => ("docker: bzip2", "OCI: bzip2"),
            _ => ("docker: xz", "OCI: xz"),
        };
        rows.push(tar(docker_name, docker(from_ref(&stored), Style::Classic), &[one()]));
        rows.push(tar(oci_name, Layout::new().named(&stored, "docker.io/library/demo:1").tree(), &[one()]));
    }
    rows.push(tar("docker: all kinds in one image", docker(from_ref(&mixed), Style::Plain), from_ref(&mixed)));
    rows.push(tar("OCI: all kinds in one image", Layout::new().unnamed(&mixed).tree(), &[mixed]));
    let odd = [
        ("an empty tar", vec![0; 1024]),
        ("a file of 0 bytes", Vec::new()),
        ("a tar with bytes after its end", [file("a", "x").tar, vec![7; 700]].concat()),
        ("a tar without its end", {
            let mut tar = file("a", "x").tar;
            tar.truncate(1024);
            tar
        }),
    ];
    for (what, tar_bytes) in odd {
        let image = image().layer(Layer::from_tar(tar_bytes)).layer(file("b", "y"));
        rows.push(tar(what, docker(from_ref(&image), Style::Plain), &[image]));
    }
    tally("layers", &rows, check_reads);
}

#[test]
fn whole_archives_in_every_compression() {
    let outer = |tree: Tree, codec: Codec| codec.pack(&tree.tar());
    let rows = [
        bytes("docker in gzip", outer(classic(), Codec::Gzip), &[one()]),
        bytes("docker in gzip members", outer(classic(), Codec::GzipMembers), &[one()]),
        bytes("docker in zstd", outer(classic(), Codec::Zstd), &[one()]),
        bytes("docker in zstd frames", outer(classic(), Codec::ZstdFrames), &[one()]),
        bytes("docker in bzip2", outer(classic(), Codec::Bzip2), &[one()]),
        bytes("docker in xz", outer(classic(), Codec::Xz), &[one()]),
        bytes("OCI in gzip", outer(oci(), Codec::Gzip), &[one()]),
        bytes("OCI in zstd", outer(oci(), Codec::Zstd), &[one()]),
        bytes("OCI in bzip2", outer(oci(), Codec::Bzip2), &[one()]),
        bytes("OCI in xz", outer(oci(), Codec::Xz), &[one()]),
        bytes(
            "gzip around gzip layers",
            outer(docker(&[one().codec(Codec::Gzip)], Style::Crane), Codec::Gzip),
            &[one()],
        ),
        bytes("an outer gzip and a wrapper folder", outer(oci().prefixed("app/"), Codec::Gzip), &[one()]),
    ];
    tally("outer compression", &rows, check_reads);
}

#[test]
fn media_types_that_lie_are_not_believed() {
    let gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
    let plain = "application/vnd.oci.image.layer.v1.tar";
    let zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
    let rows: Vec<Row> = [
        ("gzip, and is plain", gzip, Codec::Plain),
        ("gzip, and is zstd", gzip, Codec::Zstd),
        ("gzip, and is xz", gzip, Codec::Xz),
        ("plain, and is gzip", plain, Codec::Gzip),
        ("zstd, and is gzip", zstd, Codec::Gzip),
        ("zstd, and is plain", zstd, Codec::Plain),
    ]
    .into_iter()
    .map(|(what, says, codec)| {
        let image = image().layer(file("a", "x").codec(codec).media_type(says));
        tar(what, Layout::new().unnamed(&image).tree(), &[image])
    })
    .collect();
    tally("media types", &rows, check_reads);
}
