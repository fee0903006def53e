//! What an engine does with one half of a source: which images it takes, for which platform, under which names.

mod containers_image;
mod docker;
mod importer;
mod layout;

use super::engine::Engine;
use super::fix::quote;
use super::names::Fate;
use super::prediction::Note;
use super::profile::{OciHalf, Profile, Quirks, Root};
use super::rules::{self, CI_OCI, CLASSIC, Cure, FILTERING, Half, IMPORTERS, SKOPEO, UMOCI};
use crate::platform::Platform;

/// Why an attempt fails.
#[derive(Clone, Debug)]
pub(in crate::loadability) struct Obstacle {
    pub(in crate::loadability) reason: String,
    pub(in crate::loadability) cure: Cure,
    pub(in crate::loadability) source: &'static str,
    pub(in crate::loadability) advice: Option<String>,
}

/// What comes of reading one half.
#[derive(Clone, Debug, Default)]
pub(in crate::loadability) struct Attempt {
    /// All that stands in the way; none: it loads.
    pub(in crate::loadability) obstacles: Vec<Obstacle>,
    /// How many of them, the first ones, are about the source as a whole.
    pub(in crate::loadability) whole: usize,
    pub(in crate::loadability) notes: Vec<Note>,
    pub(in crate::loadability) names: Vec<String>,
}

impl Obstacle {
    pub(in crate::loadability) fn new(reason: impl Into<String>, cure: Cure, source: &'static str) -> Self {
        Self { reason: reason.into(), cure, source, advice: None }
    }

    fn advice(mut self, advice: String) -> Self {
        self.advice = Some(advice);
        self
    }
}

/// An engine on a machine.
#[derive(Clone, Copy, Debug)]
pub(in crate::loadability) struct Reader<'a> {
    pub(in crate::loadability) engine: Engine,
    pub(in crate::loadability) host: &'a Platform,
}

impl Reader<'_> {
    fn is(self, engines: &[Engine]) -> bool {
        engines.contains(&self.engine)
    }

    /// Looks at the source as a whole.
    pub(in crate::loadability) fn nothing(self, profile: &Profile) -> Attempt {
        let mut attempt = Attempt::default();
        for rule in rules::of_the_whole(self.engine, profile.quirks) {
            attempt.obstacle(Obstacle::new(rule.reason, rule.cure, rule.source));
        }
        attempt.whole = attempt.obstacles.len();
        attempt
    }

    /// Reads `index.json`.
    pub(in crate::loadability) fn oci(self, profile: &Profile, half: &OciHalf) -> Attempt {
        let mut attempt = self.nothing(profile);
        let source = profile.quirks.and(half.quirks);
        if self.is(CI_OCI) {
            self.containers_image(&mut attempt, source, half);
        } else if self.is(IMPORTERS) {
            self.import(&mut attempt, source, half);
            attempt.note(Note::IdIsManifest);
        } else if self.is(UMOCI) {
            self.umoci(&mut attempt, source, half);
        } else {
            self.copy_whole(&mut attempt, source, half);
        }
        attempt
    }

    /// Notes what an image's platform means; tells whether the engine takes the image.
    fn takes_platform(self, attempt: &mut Attempt, platform: Option<&Platform>) -> bool {
        if self.is(FILTERING) {
            return platform.is_some_and(|platform| self.suits(platform));
        }
        let (Some(platform), true) = (platform, self.keeps_images()) else { return true };
        if self.is(CLASSIC) && platform.os != self.host.os {
            let reason = format!("an image for {}, and it takes {} only", platform.os, self.host.os);
            attempt.obstacle(Obstacle::new(reason, Cure::Nothing, "moby, image/tarexport/load.go"));
        } else if !self.suits(platform) {
            attempt.note(Note::OtherPlatform(platform.clone()));
        }
        true
    }

    /// Tells whether images are to run where the engine is; those that only copy do not care.
    fn keeps_images(self) -> bool {
        !self.is(SKOPEO) && !matches!(self.engine, Engine::CraneTarball | Engine::CraneLayout | Engine::Regctl)
    }

    fn suits(self, platform: &Platform) -> bool {
        // containerd takes it that these processors run the older ones' programs.
        let i386 =
            self.is(IMPORTERS) && (self.host.architecture.as_str(), platform.architecture.as_str()) == ("amd64", "386");
        platform.distance(self.host).is_some() || (i386 && platform.os == self.host.os)
    }

    /// Adds how an engine is told to take the platform that is there.
    fn with_other_platform(self, obstacle: Obstacle, root: &Root, half: &OciHalf) -> Obstacle {
        let there = root.leaves.iter().find_map(|&leaf| half.images[leaf].platform.as_ref());
        Obstacle { advice: there.and_then(|platform| self.told_platform(platform)), ..obstacle }
    }

    /// Returns how an engine is told to take a platform.
    fn told_platform(self, platform: &Platform) -> Option<String> {
        // It may say anything, and people copy commands.
        let quoted = quote(platform.to_string().as_ref());
        match self.engine {
            Engine::SkopeoOci19 | Engine::SkopeoOci122 => {
                let [os, architecture] = [&platform.os, &platform.architecture].map(|word| quote(word.as_ref()));
                Some(format!("skopeo --override-os {os} --override-arch {architecture} copy …"))
            }
            Engine::Containerd1 | Engine::Containerd2 => Some(format!("ctr images import --platform {quoted} FILE")),
            Engine::Nerdctl => Some(format!("nerdctl load --platform {quoted} -i FILE")),
            _ => None,
        }
    }

    /// Tells under which names images are listed, and what that means.
    fn name(self, attempt: &mut Attempt, fates: impl Iterator<Item = Fate>) {
        let (mut nameless, mut named) = (0, 0);
        for fate in fates {
            let renamed = fate.is_renamed();
            match fate {
                Fate::Ignored => {}
                Fate::Nameless => nameless += 1,
                Fate::Refused(reason) => attempt.obstacle(Obstacle::new(reason, Cure::Name, self.name_source())),
                Fate::Listed { name, from } => {
                    named += 1;
                    if renamed {
                        attempt.note(Note::Renamed { from, to: name.clone() });
                    }
                    attempt.list(name);
                }
            }
        }
        match (self.engine, nameless) {
            (_, 0) => {}
            (Engine::Containerd1 | Engine::Containerd2, n) if named > 0 => attempt.note(Note::LeavesOut { images: n }),
            (Engine::Containerd1 | Engine::Containerd2, _) => {
                let reason = "it imports an image without a name and keeps nothing of it";
                let obstacle = Obstacle::new(reason, Cure::Name, "containerd, client/import.go");
                attempt.obstacle(obstacle.advice("ctr images import --digests FILE".to_owned()));
            }
            (Engine::Kind | Engine::Nerdctl, n) => attempt.note(Note::ByDigest(n)),
            (_, n) => attempt.note(Note::Untagged(n)),
        }
    }

    fn name_source(self) -> &'static str {
        if self.is(CLASSIC) {
            "moby, image/tarexport/load.go: the image is stored, without a name, before its names are read"
        } else if self.is(IMPORTERS) {
            "containerd, core/images/archive/reference.go; measured"
        } else {
            "containers/common, libimage"
        }
    }
}

impl Attempt {
    pub(in crate::loadability) fn obstacle(&mut self, obstacle: Obstacle) {
        if self.obstacles.len() < MOST && !self.obstacles.iter().any(|known| known.reason == obstacle.reason) {
            self.obstacles.push(obstacle);
        }
    }

    fn note(&mut self, note: Note) {
        if self.notes.len() < MOST && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Adds what came of a part.
    fn take(&mut self, part: Self) {
        part.obstacles.into_iter().for_each(|obstacle| self.obstacle(obstacle));
        part.notes.into_iter().for_each(|note| self.note(note));
        part.names.into_iter().for_each(|name| self.list(name));
    }

    fn list(&mut self, name: String) {
        if self.names.len() < MOST && !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    fn break_rules(&mut self, engine: Engine, half: Half, quirks: Quirks) {
        for rule in rules::broken(engine, half, quirks) {
            self.obstacle(Obstacle::new(rule.reason, rule.cure, rule.source));
        }
    }
}

/// More notes, names or obstacles of one prediction nobody reads.
const MOST: usize = 50;
