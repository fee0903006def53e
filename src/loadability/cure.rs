//! Works out the conversion that removes what stands in an engine's way.

use std::collections::HashSet;

use super::engine::Engine;
use super::fix::Fix;
use super::profile::{Profile, Quirk, Quirks, Root};
use super::rules::{CI_OCI, CLASSIC, Cure, FILTERING, IMPORTERS, LAYOUT_FOLDERS, PODMAN, UMOCI};
use crate::formats::Format;
use crate::graph::Name;
use crate::platform::Platform;
use crate::reference::is_tag;

/// What keeps an image from going into a docker-archive, or from being an image at all for those that unpack it.
const BEYOND_HELP: [Quirk; 5] =
    [Quirk::EncryptedLayer, Quirk::UnknownLayer, Quirk::BlobMissing, Quirk::ForeignMissing, Quirk::NoRootfs];

/// Returns the conversion after which the engine loads the source; `None` when none would do.
pub(super) fn fix(engine: Engine, profile: &Profile, host: &Platform, cures: &[Cure]) -> Option<Fix> {
    let needs = |cure: Cure| cures.contains(&cure);
    if needs(Cure::Nothing) {
        return None;
    }
    let mut to = if needs(Cure::Layout) { Format::OciArchive } else { target(engine, profile, needs(Cure::Rebuild)) };
    let rebuild = needs(Cure::Rebuild) && to != Format::DockerArchive;
    let passes_docker = rebuild || to == Format::DockerArchive;
    let platform = platform(engine, profile, host, passes_docker, cures)?;
    let mut tags = Vec::new();
    let names = names(profile);
    // A conversion refuses what no tool would write as a name.
    let refused = names.iter().any(|name| matches!(name, Name::Invalid { fatal: true, .. }));
    let kept = |name: &Name| matches!(name, Name::Full(_)) || (!passes_docker && matches!(name, Name::Bare(_)));
    let named = names.iter().any(kept);
    if needs(Cure::Name) || refused || (needs_name(engine) && !named) {
        match tags_for_one(profile) {
            Some(own) => tags = own,
            // It keeps images without a name, and a docker-archive has no bare tags.
            None if engine == Engine::Docker29 && profile.oci.is_some() => to = Format::DockerArchive,
            None => return None,
        }
    }
    let takes_one = engine == Engine::CraneTarball || (CI_OCI.contains(&engine) && !PODMAN.contains(&engine) && !named);
    let one = needs(Cure::One) || (takes_one && images(profile) > 1);
    // A conversion keeps zstd.
    let zstd = engine == Engine::Umoci04 && all_images(profile).any(|(_, quirks)| quirks.contains(Quirk::ZstdLayer));
    Some(Fix { to, rebuild, gzip: needs(Cure::Gzip) || zstd, one, platform, tags })
}

/// Returns what the engine reads; of what it reads, what keeps most of the source.
fn target(engine: Engine, profile: &Profile, rebuild: bool) -> Format {
    if LAYOUT_FOLDERS.contains(&engine) {
        return Format::OciDir;
    }
    let either = PODMAN.contains(&engine) || IMPORTERS.contains(&engine) || engine == Engine::Regctl;
    let oci = if either { profile.oci.is_some() && !rebuild } else { CI_OCI.contains(&engine) };
    if oci { Format::OciArchive } else { Format::DockerArchive }
}

/// Returns every image that a conversion would see: its platform and its quirks.
fn all_images(profile: &Profile) -> impl Iterator<Item = (Option<&Platform>, Quirks)> {
    let oci = profile.oci.iter().flat_map(|half| &half.images).map(|image| (image.platform.as_ref(), image.quirks));
    // What both halves have is read from the OCI half.
    let docker = profile.docker.iter().flat_map(|half| &half.images).filter(|_| profile.oci.is_none());
    oci.chain(docker.chain(&profile.legacy).map(|image| (image.platform.as_ref(), image.quirks)))
}

/// Counts the images, those of an index as one.
fn images(profile: &Profile) -> usize {
    let roots = profile.oci.iter().flat_map(|half| &half.roots).filter(|root| !root.companion);
    let digests: HashSet<&str> = roots.map(|root| root.digest.as_str()).collect();
    digests.len().max(profile.docker.as_ref().map_or(0, |half| half.images.len()))
}

/// Returns the platform to ask for, if one has to be; `None` when no image could be loaded.
fn platform(
    engine: Engine,
    profile: &Profile,
    host: &Platform,
    passes_docker: bool,
    cures: &[Cure],
) -> Option<Option<Platform>> {
    let runs = |platform: Option<&Platform>| platform.is_none_or(|platform| platform.distance(host).is_some());
    let can_be_loaded = |platform: Option<&Platform>, quirks: Quirks| {
        let whole = !BEYOND_HELP.iter().any(|&quirk| quirks.contains(quirk));
        let told = platform.is_some();
        whole
            && match engine {
                engine if FILTERING.contains(&engine) => runs(platform) && (told || cures.contains(&Cure::Layout)),
                engine if CLASSIC.contains(&engine) => platform.is_none_or(|platform| platform.os == host.os),
                engine if UMOCI.contains(&engine) => told && !quirks.contains(Quirk::NoPlatform),
                _ => true,
            }
    };
    let mut whole = all_images(profile).filter(|&(platform, quirks)| can_be_loaded(platform, quirks)).map(|(p, _)| p);
    let first = whole.next()?;
    let best = if runs(first) { first } else { whole.find(|&platform| runs(platform)).unwrap_or(first) };
    let several = profile.oci.iter().flat_map(|half| &half.roots).any(|root| root.manifests > 1);
    let asked = cures.contains(&Cure::Platform) || (passes_docker && several && !runs(best));
    Some(best.filter(|_| asked).cloned())
}

/// Tells whether the engine keeps nothing of an image without a name.
fn needs_name(engine: Engine) -> bool {
    UMOCI.contains(&engine) || matches!(engine, Engine::Containerd1 | Engine::Containerd2)
}

/// Returns what a conversion makes of the source's names.
fn names(profile: &Profile) -> Vec<Name> {
    let docker = profile.docker.iter().flat_map(|half| &half.images).chain(&profile.legacy);
    let oci = profile.oci.iter().flat_map(|half| &half.roots);
    let docker = docker.flat_map(|image| &image.names).map(|name| Name::from_repo_tag(name));
    docker.chain(oci.flat_map(annotations).map(|name| Name::from_annotation(name))).collect()
}

fn annotations(root: &Root) -> impl Iterator<Item = &String> {
    root.containerd_name.iter().chain(&root.ref_name)
}

/// Returns tags for the one image of the source: those that it has, else `latest`; `None` when there are several.
fn tags_for_one(profile: &Profile) -> Option<Vec<String>> {
    let roots: Vec<&Root> = profile.oci.iter().flat_map(|half| &half.roots).filter(|root| !root.companion).collect();
    if images(profile) > 1 {
        return None;
    }
    let mut tags: Vec<String> =
        roots.iter().flat_map(|root| annotations(root)).filter(|name| is_tag(name)).cloned().collect();
    tags.sort();
    tags.dedup();
    if tags.is_empty() {
        tags.push("latest".to_owned());
    }
    Some(tags)
}
