//! Reading `manifest.json`, or what stood in its place before docker 1.10.

use std::collections::HashSet;

use super::{Attempt, Obstacle, Reader};
use crate::loadability::engine::Engine;
use crate::loadability::names::{Fate, of_repo_tag};
use crate::loadability::prediction::Note;
use crate::loadability::profile::{DockerHalf, DockerImage, OciHalf, Profile, Quirks};
use crate::loadability::rules::{COPY_DOCKER, Cure, Half, IMPORTERS, PODMAN};
use crate::reference::Reference;

impl Reader<'_> {
    /// Reads `repositories` and the v1 layers below it.
    pub(in crate::loadability) fn legacy(self, profile: &Profile, image: &DockerImage) -> Attempt {
        let half = DockerHalf { quirks: Quirks::default(), images: vec![image.clone()] };
        self.docker(profile, &half)
    }

    /// Reads `manifest.json`.
    pub(in crate::loadability) fn docker(self, profile: &Profile, half: &DockerHalf) -> Attempt {
        let mut attempt = self.nothing(profile);
        match self.engine {
            _ if half.images.len() < 2 => {}
            Engine::CraneTarball => {
                let reason = format!("it takes a file with one image, and this one has {}", half.images.len());
                attempt.obstacle(Obstacle::new(reason, Cure::One, "go-containerregistry, pkg/v1/tarball/image.go"));
            }
            Engine::Regctl => attempt.note(Note::OnlyFirst { of: half.images.len() }),
            engine if COPY_DOCKER.contains(&engine) => return self.one_of_several(attempt, profile, half),
            _ => {}
        }
        for image in &half.images {
            if !self.takes_platform(&mut attempt, image.platform.as_ref()) {
                self.filter(&mut attempt, image);
            }
        }
        let quirks = half.images.iter().fold(profile.quirks.and(half.quirks), |quirks, image| quirks.and(image.quirks));
        attempt.break_rules(self.engine, Half::Docker, quirks);
        let fates = half.images.iter().map(|image| {
            let fates: Vec<Fate> = self.distinct(&image.names).map(|name| of_repo_tag(self.engine, name)).collect();
            if fates.is_empty() { vec![of_no_tag(self.engine)] } else { fates }
        });
        self.name(&mut attempt, fates.flatten());
        if IMPORTERS.contains(&self.engine) {
            attempt.note(Note::IdIsMade);
        }
        if let Some(oci) = &profile.oci {
            self.compare_halves(&mut attempt, half, oci);
        }
        attempt
    }

    /// Leaves out names that podman takes for others: it looks each up by what it means, and finds the first again.
    fn distinct(self, names: &[String]) -> impl Iterator<Item = &String> {
        let mut seen = HashSet::new();
        names.iter().filter(move |name| {
            let meaning = name.parse::<Reference>().ok();
            !self.is(PODMAN) || meaning.is_none_or(|reference| seen.insert(reference))
        })
    }

    /// Of several images, skopeo and buildah take the one that they are told.
    fn one_of_several(self, mut attempt: Attempt, profile: &Profile, half: &DockerHalf) -> Attempt {
        let alone = |image: &DockerImage| {
            let half = DockerHalf { quirks: half.quirks, images: vec![image.clone()] };
            self.docker(profile, &half)
        };
        let each: Vec<Attempt> = half.images.iter().map(alone).collect();
        let Some(first) = each.iter().position(|attempt| attempt.obstacles.is_empty()) else {
            return each.into_iter().next().unwrap_or(attempt);
        };
        // A name that is none keeps it from finding any that comes after.
        let mut before = half.images[..=first].iter().flat_map(|image| &image.names);
        let findable = before.all(|name| name.parse::<Reference>().is_ok_and(|reference| reference.tag().is_some()));
        let name = half.images[first].names.first().filter(|_| findable);
        let which = name.map_or_else(|| format!("@{first}"), Clone::clone);
        attempt.note(Note::NeedsReference { example: format!("docker-archive:FILE:{which}") });
        let left = each.iter().filter(|attempt| !attempt.obstacles.is_empty()).count();
        if left > 0 {
            attempt.note(Note::LeavesOut { images: left });
        }
        attempt
    }

    /// Says what `manifest.json` leaves out of what `index.json` has.
    fn compare_halves(self, attempt: &mut Attempt, half: &DockerHalf, oci: &OciHalf) {
        let images = oci.images.len().saturating_sub(half.images.len());
        match (half.images.as_slice(), images) {
            (_, 0) => {}
            ([DockerImage { platform: Some(platform), .. }], _) => attempt.note(Note::OnlyPlatform(platform.clone())),
            (_, images) => attempt.note(Note::LeavesOut { images }),
        }
    }

    /// Says what it means that images of a docker-archive are for other platforms: what is filtered out is missed when
    /// it is to be unpacked.
    fn filter(self, attempt: &mut Attempt, other: &DockerImage) {
        const SOURCE: &str = "containerd, core/images/archive/importer.go and client/import.go";
        attempt.obstacle(match &other.platform {
            Some(platform) => {
                let what = format!("an image is for {platform}, not {}", self.host);
                Obstacle { advice: self.told_platform(platform), ..Obstacle::new(what, Cure::Nothing, SOURCE) }
            }
            None => Obstacle::new("an image names no platform", Cure::Layout, SOURCE),
        });
    }
}

/// What becomes of an image that `manifest.json` gives no name.
fn of_no_tag(engine: Engine) -> Fate {
    // What becomes of any name tells whether names matter.
    if of_repo_tag(engine, "a:b") == Fate::Ignored { Fate::Ignored } else { Fate::Nameless }
}
