//! Works out the conversion that removes what stands in an engine's way.

use super::engine::Engine;
use super::fix::Fix;
use super::profile::{OciImage, Profile, Quirk, Root};
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
    let mut to = target(engine, profile, needs(Cure::Rebuild));
    let rebuild = needs(Cure::Rebuild) && to != Format::DockerArchive;
    let passes_docker = rebuild || to == Format::DockerArchive;
    let platform = platform(engine, profile, host, passes_docker, needs(Cure::Platform))?;
    let mut tags = Vec::new();
    let names = names(profile);
    // A conversion refuses what no tool would write as a name.
    let refused = names.iter().any(|name| matches!(name, Name::Invalid { fatal: true, .. }));
    let kept = |name: &Name| matches!(name, Name::Full(_)) || (!passes_docker && matches!(name, Name::Bare(_)));
    if needs(Cure::Name) || refused || (needs_name(engine) && !names.iter().any(kept)) {
        match tags_for_one(profile) {
            Some(own) => tags = own,
            // It keeps images without a name, and a docker-archive has no bare tags.
            None if engine == Engine::Docker29 && profile.oci.is_some() => to = Format::DockerArchive,
            None => return None,
        }
    }
    Some(Fix { to, rebuild, gzip: needs(Cure::Gzip), one: needs(Cure::One), platform, tags })
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

/// Returns the platform to ask for, if one has to be; `None` when no image could be loaded.
fn platform(
    engine: Engine,
    profile: &Profile,
    host: &Platform,
    passes_docker: bool,
    one: bool,
) -> Option<Option<Platform>> {
    let Some(half) = &profile.oci else { return Some(None) };
    let own = |image: &&OciImage| image.platform.as_ref().is_none_or(|platform| platform.distance(host).is_some());
    let runs = |image: &&OciImage| image.platform.as_ref().is_none_or(|platform| platform.os == host.os);
    let whole: Vec<&OciImage> = half
        .images
        .iter()
        .filter(|image| !BEYOND_HELP.iter().any(|&quirk| image.quirks.contains(quirk)))
        .filter(|image| !FILTERING.contains(&engine) || own(image))
        .filter(|image| !CLASSIC.contains(&engine) || runs(image))
        .collect();
    let first = whole.iter().find(|image| own(image)).or(whole.first())?;
    let several = half.roots.iter().any(|root| root.manifests > 1);
    let asked = one || (passes_docker && several && !own(first));
    Some(first.platform.clone().filter(|_| asked))
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

/// Returns tags for the one image of the source: those that it has, else `latest`; `None` when there are several images.
fn tags_for_one(profile: &Profile) -> Option<Vec<String>> {
    let roots: Vec<&Root> = profile.oci.iter().flat_map(|half| &half.roots).filter(|root| !root.companion).collect();
    let docker = profile.docker.as_ref().map_or(0, |half| half.images.len());
    if docker > 1 || roots.windows(2).any(|pair| pair[0].digest != pair[1].digest) {
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
