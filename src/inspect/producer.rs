//! Who wrote a source, where that shows: rules over its [`Trait`]s, as data.

use crate::formats::{Trait, Traits};
use Trait as T;

/// What a source's shape is said to mean. The first rule that fits is taken.
pub(super) struct Rule {
    /// The family of writers whose layout it is.
    pub(super) era: &'static str,
    /// The tools that write just this; `None` where several families do.
    pub(super) producer: Option<&'static str>,
    shows: &'static [Trait],
    lacks: &'static [Trait],
}

/// Each rule is what its tools were seen to write; the source is named with it.
static RULES: &[Rule] = &[
    // moby before 1.10 (image/tarexport of its time): one folder a layer, `repositories`, no list of images.
    Rule {
        era: "docker before 1.10",
        producer: Some("docker before 1.10"),
        shows: &[T::Repositories],
        lacks: &[T::List, T::Index],
    },
    // moby 20.10, image/tarexport/save.go: a folder a layer with its v1 metadata; json.Encoder ends with a line feed.
    Rule {
        era: "docker 1.10–24",
        producer: Some("docker 1.10–24"),
        shows: &[T::List, T::ListLine, T::LayerFolders, T::V1Files, T::ConfigHex],
        lacks: &[T::Index],
    },
    // containers/image, docker/internal/tarfile/writer.go: layers by diff_id, v1 folders with links to them. We write the
    // same bytes (formats/docker/layout.rs).
    Rule {
        era: "docker 1.10–24",
        producer: Some("podman, skopeo, buildah or transload"),
        shows: &[T::List, T::LayerTars, T::V1Files, T::ConfigHex],
        lacks: &[T::Index, T::ListLine],
    },
    // go-containerregistry, pkg/v1/tarball/write.go.
    Rule {
        era: "docker 1.10–24",
        producer: Some("crane, ko or kaniko"),
        shows: &[T::List, T::ConfigDigest, T::LayerGzips],
        lacks: &[T::Index],
    },
    // go-containerregistry, pkg/legacy/tarball/write.go, which rules_docker uses: v1 folders, but none of them a member, and
    // no line feed.
    Rule {
        era: "docker 1.10–24",
        producer: Some("crane (legacy) or bazel's rules_docker"),
        shows: &[T::List, T::LayerPaths, T::V1Files, T::ConfigHex, T::Repositories],
        lacks: &[T::Index, T::ListLine],
    },
    // jib, docker/json/DockerManifestEntryTemplate.java.
    Rule {
        era: "docker 1.10–24",
        producer: Some("jib"),
        shows: &[T::List, T::ListSmall, T::ConfigPlain, T::LayerGzips],
        lacks: &[T::Index],
    },
    // Anything else with a `manifest.json`: docker reads it since 1.10.
    Rule { era: "docker 1.10–24", producer: None, shows: &[T::List], lacks: &[T::Index] },
    // moby 25 and later, daemon/internal/image/tarexport/save.go (graph-driver stores).
    Rule {
        era: "docker 25 and later",
        producer: Some("docker 25 or later (classic store)"),
        shows: &[T::List, T::Index, T::BlobPaths, T::ListLine, T::LayoutSpaced, T::PlainSources],
        lacks: &[],
    },
    // regclient, image.go (ImageExport).
    Rule {
        era: "docker 25 and later",
        producer: Some("regctl"),
        shows: &[T::List, T::Index, T::BlobPaths, T::Sources, T::LayoutCompact],
        lacks: &[T::IndexTyped, T::ListLine],
    },
    // This crate, formats/hybrid.rs: containerd's members and docker's `repositories`.
    Rule {
        era: "containerd",
        producer: Some("transload"),
        shows: &[T::List, T::Index, T::BlobPaths, T::Repositories, T::LayoutCompact],
        lacks: &[T::Sources, T::ListLine],
    },
    // containerd, core/images/archive/exporter.go, which docker, nerdctl and buildkit use too.
    Rule {
        era: "containerd",
        producer: Some("docker 29 (containerd store), ctr 2, nerdctl or buildkit"),
        shows: &[T::List, T::Index, T::BlobPaths, T::LayoutCompact, T::IndexTyped, T::IndexCompact],
        lacks: &[T::Sources, T::Repositories, T::ListLine],
    },
    // The same up to containerd 1.7: no mediaType in the index.
    Rule {
        era: "containerd",
        producer: Some("ctr 1, nerdctl or buildkit"),
        shows: &[T::List, T::Index, T::BlobPaths, T::LayoutCompact, T::IndexCompact],
        lacks: &[T::Sources, T::Repositories, T::IndexTyped],
    },
    Rule { era: "docker 25 and later", producer: None, shows: &[T::List, T::Index], lacks: &[] },
    // containers/image 5.22 (podman 4.3, skopeo 1.9, buildah 1.28), oci/layout/oci_dest.go.
    Rule {
        era: "OCI image layout",
        producer: Some("podman 4 or earlier, or skopeo or buildah of its time"),
        shows: &[T::Index, T::LayoutSpaced, T::IndexCompact],
        lacks: &[T::List, T::IndexTyped, T::IndexLine, T::ContainerdNames],
    },
    // umoci (casext) writes a line feed after both.
    Rule {
        era: "OCI image layout",
        producer: Some("umoci"),
        shows: &[T::Index, T::LayoutLine, T::IndexLine, T::IndexCompact],
        lacks: &[T::List],
    },
    // go-containerregistry, pkg/v1/layout/write.go.
    Rule {
        era: "OCI image layout",
        producer: Some("crane or another user of go-containerregistry"),
        shows: &[T::Index, T::LayoutIndented, T::IndexIndented],
        lacks: &[T::List],
    },
    // buildkit, exporter/oci: containerd's exporter with a time on every descriptor.
    Rule {
        era: "OCI image layout",
        producer: Some("buildkit (docker buildx)"),
        shows: &[T::Index, T::LayoutCompact, T::IndexTyped, T::IndexCompact, T::ContainerdNames, T::Created],
        lacks: &[T::List],
    },
    // The same without a name.
    Rule {
        era: "OCI image layout",
        producer: Some("buildkit (docker buildx)"),
        shows: &[T::Index, T::LayoutCompact, T::IndexTyped, T::IndexCompact, T::Created, T::IndexPlatforms],
        lacks: &[T::List, T::ContainerdNames, T::IndexLine],
    },
    // containers/image of today, oci/layout/oci_dest.go: names, and nothing else on a descriptor. We write the same.
    Rule {
        era: "OCI image layout",
        producer: Some("podman, skopeo, buildah or transload"),
        shows: &[T::Index, T::LayoutCompact, T::IndexTyped, T::IndexCompact],
        lacks: &[T::List, T::ContainerdNames, T::Created, T::IndexPlatforms, T::IndexLine],
    },
    Rule { era: "OCI image layout", producer: None, shows: &[T::Index], lacks: &[T::List] },
];

/// Returns the rule that fits; `None` for a source that has nothing which a rule knows.
pub(super) fn rule(traits: &Traits) -> Option<&'static Rule> {
    RULES.iter().find(|rule| {
        rule.shows.iter().all(|shows| traits.contains(shows)) && !rule.lacks.iter().any(|lacks| traits.contains(lacks))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule that stands after one which asks for less is never taken.
    #[test]
    fn every_rule_can_be_reached() {
        for (i, later) in RULES.iter().enumerate() {
            let traits: Traits = later.shows.iter().copied().collect();
            let found = rule(&traits).expect("its own traits fit");
            assert!(std::ptr::eq(found, later), "rule {i} ({:?}) is hidden by {:?}", later.producer, found.producer);
        }
    }
}
