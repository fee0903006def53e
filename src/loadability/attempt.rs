//! What an engine does with one half of a source: which images it takes, for which platform, under which names.

use std::collections::{HashMap, HashSet};

use super::engine::Engine;
use super::names::{Fate, is_ref_name, of_repo_tag, of_root};
use super::prediction::Note;
use super::profile::{
    Child, ChildKind, DockerHalf, DockerImage, Kind, OciHalf, OciImage, Profile, Quirk, Quirks, Root,
};
use super::rules::{
    self, CI_OCI, CLASSIC, COPY_DOCKER, CTR, Cure, FILTERING, Half, IMPORTERS, PODMAN, SKOPEO, STORAGE, UMOCI,
};
use crate::platform::Platform;
use crate::reference::Reference;

/// Why an attempt fails.
#[derive(Clone, Debug)]
pub(super) struct Obstacle {
    pub(super) reason: String,
    pub(super) cure: Cure,
    pub(super) source: &'static str,
    pub(super) advice: Option<String>,
}

/// What comes of reading one half.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempt {
    /// All that stands in the way; none: it loads.
    pub(super) obstacles: Vec<Obstacle>,
    /// How many of them, the first ones, are about the source as a whole.
    pub(super) whole: usize,
    pub(super) notes: Vec<Note>,
    pub(super) names: Vec<String>,
}

const MEASURED: &str = "measured";

impl Obstacle {
    pub(super) fn new(reason: impl Into<String>, cure: Cure, source: &'static str) -> Self {
        Self { reason: reason.into(), cure, source, advice: None }
    }

    fn advice(mut self, advice: String) -> Self {
        self.advice = Some(advice);
        self
    }
}

/// An engine on a machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    pub(super) engine: Engine,
    pub(super) host: &'a Platform,
}

impl Reader<'_> {
    fn is(self, engines: &[Engine]) -> bool {
        engines.contains(&self.engine)
    }

    /// Looks at the source as a whole.
    pub(super) fn nothing(self, profile: &Profile) -> Attempt {
        let mut attempt = Attempt::default();
        for rule in rules::of_the_whole(self.engine, profile.quirks) {
            attempt.obstacle(Obstacle::new(rule.reason, rule.cure, rule.source));
        }
        attempt.whole = attempt.obstacles.len();
        attempt
    }

    /// Reads `repositories` and the v1 layers below it.
    pub(super) fn legacy(self, profile: &Profile, image: &DockerImage) -> Attempt {
        let half = DockerHalf { quirks: Quirks::default(), images: vec![image.clone()] };
        self.docker(profile, &half)
    }

    /// Reads `manifest.json`.
    pub(super) fn docker(self, profile: &Profile, half: &DockerHalf) -> Attempt {
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

    /// Leaves out names that podman takes for ones that it has seen: it looks each up by what it means, and finds the first.
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

    /// Reads `index.json`.
    pub(super) fn oci(self, profile: &Profile, half: &OciHalf) -> Attempt {
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

    /// containers/image takes one descriptor, and of an index the image for the platform.
    fn containers_image(self, attempt: &mut Attempt, source: Quirks, half: &OciHalf) {
        const SOURCE: &str = "containers/image, oci/layout/oci_transport.go";
        match half.roots.as_slice() {
            [] => attempt.obstacle(Obstacle::new("index.json names nothing", Cure::Nothing, SOURCE)),
            [root] => self.one_root(attempt, source, half, root),
            roots if self.is(PODMAN) => {
                let reason = format!("it takes an OCI archive with one name, and this one has {}", roots.len());
                attempt.obstacle(Obstacle::new(reason, Cure::Rebuild, SOURCE));
            }
            roots => {
                let named = roots.iter().filter(|root| !root.companion);
                let named =
                    named.filter_map(|root| Some((root, root.ref_name.as_deref().filter(|name| is_ref_name(name))?)));
                let mut refused = None;
                for (root, name) in named {
                    let mut own = Attempt::default();
                    self.one_root(&mut own, source, half, root);
                    if own.obstacles.is_empty() {
                        let transport = if source.contains(Quirk::Folder) { "oci:FOLDER" } else { "oci-archive:FILE" };
                        attempt.note(Note::NeedsReference { example: format!("{transport}:{name}") });
                        return attempt.take(own);
                    }
                    refused = refused.or(Some(own));
                }
                let reason = "it has to be told which image to take, and none has a ref.name that it knows";
                attempt.obstacle(Obstacle::new(reason, Cure::One, SOURCE));
                refused.into_iter().for_each(|own| attempt.take(own));
            }
        }
    }

    fn one_root(self, attempt: &mut Attempt, source: Quirks, half: &OciHalf, root: &Root) {
        let mut quirks = source.and(root.quirks);
        match self.instance(root, half) {
            Ok(Some(image)) => {
                quirks = quirks.and(half.images[image].quirks);
                let platform = half.images[image].platform.as_ref();
                match platform {
                    Some(platform) if root.leaves.len() > 1 => attempt.note(Note::OnlyPlatform(platform.clone())),
                    platform if !self.is(SKOPEO) => drop(self.takes_platform(attempt, platform)),
                    _ => {}
                }
            }
            // Copied as it is.
            Ok(None) => {}
            Err(obstacle) => attempt.obstacle(obstacle),
        }
        attempt.break_rules(self.engine, Half::Oci, quirks);
        if self.is(STORAGE) && source.contains(Quirk::Folder) {
            // Annotations are asked in archives only.
            attempt.note(Note::NamedAfterPath);
        } else {
            self.name(attempt, std::iter::once(of_root(self.engine, root)));
        }
    }

    /// Chooses what containers/image chooses; `None` for an artifact that is copied.
    fn instance(self, root: &Root, half: &OciHalf) -> Result<Option<usize>, Obstacle> {
        const SOURCE: &str = "containers/image, internal/image/docker_list.go and internal/pkg/platform";
        let artifact = || {
            let obstacle = Obstacle::new("an artifact, not an image", Cure::Nothing, SOURCE);
            if self.is(SKOPEO) { Ok(None) } else { Err(obstacle) }
        };
        let children = match &root.kind {
            Kind::Image(image) => return Ok(Some(*image)),
            Kind::Other => return artifact(),
            Kind::Absent => return Err(Obstacle::new("what index.json names is not there", Cure::Nothing, SOURCE)),
            Kind::Index(children) => children,
        };
        match self.best_child(children).map(|child| child.kind) {
            Some(ChildKind::Image(image)) => Ok(Some(image)),
            Some(ChildKind::Index) => Err(Obstacle::new("an index inside an index", Cure::Rebuild, SOURCE)),
            Some(ChildKind::Other) => artifact(),
            Some(ChildKind::Absent) => {
                let reason = format!("the image for {} is not there", self.host);
                Err(self.with_other_platform(Obstacle::new(reason, Cure::Platform, SOURCE), root, half))
            }
            None => {
                let reason = format!("no image for {}", self.host);
                Err(self.with_other_platform(Obstacle::new(reason, Cure::Platform, SOURCE), root, half))
            }
        }
    }

    /// Of the children that suit, the most capable; without any, the first that names no platform.
    fn best_child(self, children: &[Child]) -> Option<&Child> {
        let suits = |child: &&Child| {
            let platform = child.platform.as_ref()?;
            // Unlike containerd, it knows no variants but arm's.
            let arm = platform.architecture.starts_with("arm");
            let known = platform.variant.is_none() || arm;
            platform.distance(self.host).filter(|_| known)
        };
        let suiting = children.iter().filter_map(|child| suits(&child).map(|distance| (distance, child)));
        let best = suiting.min_by_key(|&(distance, _)| distance).map(|(_, child)| child);
        best.or_else(|| children.iter().find(|child| child.platform.is_none()))
    }

    /// Adds how an engine is told to take the platform that is there.
    fn with_other_platform(self, obstacle: Obstacle, root: &Root, half: &OciHalf) -> Obstacle {
        let there = root.leaves.iter().find_map(|&leaf| half.images[leaf].platform.as_ref());
        Obstacle { advice: there.and_then(|platform| self.told_platform(platform)), ..obstacle }
    }

    /// Returns how an engine is told to take a platform.
    fn told_platform(self, platform: &Platform) -> Option<String> {
        match self.engine {
            Engine::SkopeoOci19 | Engine::SkopeoOci122 => {
                Some(format!("skopeo --override-os {} --override-arch {} copy …", platform.os, platform.architecture))
            }
            Engine::Containerd1 | Engine::Containerd2 => Some(format!("ctr images import --platform {platform} FILE")),
            Engine::Nerdctl => Some(format!("nerdctl load --platform {platform} -i FILE")),
            _ => None,
        }
    }

    /// containerd's importer takes every descriptor, and unpacks the machine's platform.
    fn import(self, attempt: &mut Attempt, source: Quirks, half: &OciHalf) {
        const SOURCE: &str = "containerd, client/import.go";
        let mut quirks = source;
        let (mut images, mut fates, mut named) = (0, Vec::new(), Vec::new());
        for root in half.roots.iter().filter(|root| !root.companion) {
            quirks = quirks.and(root.quirks);
            match &root.kind {
                Kind::Absent if self.engine != Engine::Docker29 => {
                    attempt.obstacle(Obstacle::new("what index.json names is not there", Cure::Nothing, SOURCE));
                    continue;
                }
                Kind::Absent | Kind::Other => continue,
                Kind::Image(_) | Kind::Index(_) => images += 1,
            }
            if self.engine == Engine::Kind {
                if root.absent {
                    let reason = "it takes all platforms, and not all are there";
                    attempt.obstacle(Obstacle::new(reason, Cure::Platform, "kind, pkg/cluster/nodeutils/util.go"));
                }
                quirks = quirks.and(half.below(root));
            }
            fates.push(of_root(self.engine, root));
            named.push(root.digest.as_str());
            // Where a descriptor names no platform, nothing is filtered.
            let own: Vec<&OciImage> = match root.kind {
                Kind::Image(image) if root.platform.is_none() => vec![&half.images[image]],
                _ => root.leaves.iter().map(|&leaf| &half.images[leaf]).filter(|image| self.runs(image)).collect(),
            };
            quirks = own.iter().fold(quirks, |quirks, image| quirks.and(image.quirks));
            if self.is(FILTERING) && (own.is_empty() || self.lacks_own(root)) {
                let (what, cure) = if self.lacks_own(root) {
                    (format!("the image for {} is not there", self.host), Cure::Platform)
                } else {
                    (format!("no image for {}", self.host), Cure::Nothing)
                };
                attempt.obstacle(self.with_other_platform(Obstacle::new(what, cure, SOURCE), root, half));
            } else if !own.iter().any(|image| self.runs(image)) {
                let other = root.leaves.iter().find_map(|&leaf| half.images[leaf].platform.clone());
                other.into_iter().for_each(|platform| attempt.note(Note::OtherPlatform(platform)));
            }
        }
        if images == 0 {
            attempt.obstacle(Obstacle::new("no image inside", Cure::Nothing, SOURCE));
        }
        attempt.break_rules(self.engine, Half::Oci, quirks);
        if self.is(CTR) && collide(&fates, &named) {
            let reason = "two images have the same name: the second takes it, and the first is gone too soon";
            attempt.obstacle(Obstacle::new(reason, Cure::One, "measured with containerd 1.6.20"));
        }
        self.name(attempt, fates.into_iter());
    }

    /// Tells whether an index has an image for the machine that is not there.
    fn lacks_own(self, root: &Root) -> bool {
        let Kind::Index(children) = &root.kind else { return false };
        let mut own =
            children.iter().filter(|child| child.platform.as_ref().is_some_and(|platform| self.suits(platform)));
        own.any(|child| child.kind == ChildKind::Absent)
    }

    fn suits(self, platform: &Platform) -> bool {
        // containerd takes it that these processors run the older ones' programs.
        let i386 =
            self.is(IMPORTERS) && (self.host.architecture.as_str(), platform.architecture.as_str()) == ("amd64", "386");
        platform.distance(self.host).is_some() || (i386 && platform.os == self.host.os)
    }

    fn runs(self, image: &OciImage) -> bool {
        // What names no platform is taken for the machine's.
        image.platform.as_ref().is_none_or(|platform| self.suits(platform))
    }

    /// umoci is told a tag, and wants it to lead to one image.
    fn umoci(self, attempt: &mut Attempt, source: Quirks, half: &OciHalf) {
        const SOURCE: &str = "umoci, oci/casext/refname.go";
        attempt.break_rules(self.engine, Half::Oci, source);
        let mut failures = Vec::new();
        let mut fates = Vec::new();
        for root in &half.roots {
            let fate = of_root(self.engine, root);
            let mut own = Attempt::default();
            match &fate {
                Fate::Nameless => {
                    own.obstacle(Obstacle::new("no image has a ref.name, which it asks for", Cure::Name, SOURCE));
                }
                Fate::Refused(reason) => own.obstacle(Obstacle::new(reason.clone(), Cure::Name, SOURCE)),
                _ if half.roots.iter().filter(|other| other.ref_name == root.ref_name).count() > 1 => {
                    own.obstacle(Obstacle::new("several images have the same ref.name", Cure::One, SOURCE));
                }
                _ => {}
            }
            match root.kind {
                Kind::Absent => own.obstacle(Obstacle::new("it is not there", Cure::Nothing, SOURCE)),
                _ if root.leaves.is_empty() => {
                    own.obstacle(Obstacle::new("an artifact, not an image", Cure::Nothing, SOURCE));
                }
                _ if root.manifests > 1 => {
                    let reason =
                        format!("it takes no index with several manifests, and this one has {}", root.manifests);
                    own.obstacle(Obstacle::new(reason, Cure::Rebuild, SOURCE));
                }
                _ => {}
            }
            own.break_rules(self.engine, Half::Oci, half.below(root));
            if own.obstacles.is_empty() {
                fates.push(fate);
            } else {
                failures.extend(own.obstacles);
            }
        }
        if half.roots.is_empty() {
            attempt.obstacle(Obstacle::new("index.json names nothing", Cure::Nothing, SOURCE));
        }
        if fates.is_empty() {
            failures.into_iter().for_each(|failure| attempt.obstacle(failure));
        }
        let left = half.roots.len() - fates.len();
        if left > 0 && !fates.is_empty() {
            attempt.note(Note::LeavesOut { images: left });
        }
        self.name(attempt, fates.into_iter());
    }

    /// crane and regctl copy everything that the one descriptor leads to.
    fn copy_whole(self, attempt: &mut Attempt, source: Quirks, half: &OciHalf) {
        if half.roots.len() != 1 {
            attempt.note(match self.engine {
                Engine::CraneLayout => Note::NeedsOption("--index"),
                _ => Note::NeedsReference { example: "regctl image import --name NAME".to_owned() },
            });
        }
        if half.roots.iter().any(|root| root.absent) {
            let obstacle = Obstacle::new("it copies everything, and not all of it is there", Cure::Platform, MEASURED);
            attempt.obstacle(obstacle);
        }
        let quirks = half.roots.iter().fold(source, |quirks, root| quirks.and(half.below(root)));
        attempt.break_rules(self.engine, Half::Oci, quirks);
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

    /// Says what it means that images of a docker-archive are for other platforms: what is filtered out is missed when
    /// it is to be unpacked.
    fn filter(self, attempt: &mut Attempt, other: &DockerImage) {
        const SOURCE: &str = "containerd, core/images/archive/importer.go and client/import.go";
        let (what, advice) = match &other.platform {
            Some(platform) => (format!("an image is for {platform}, not {}", self.host), self.told_platform(platform)),
            None => {
                ("an image names no platform".to_owned(), Some("ctr images import --all-platforms FILE".to_owned()))
            }
        };
        let obstacle = Obstacle::new(what, Cure::Nothing, SOURCE);
        attempt.obstacle(Obstacle { advice, ..obstacle });
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

/// Tells whether two images that differ get one name.
fn collide(fates: &[Fate], digests: &[&str]) -> bool {
    let mut known = HashMap::new();
    let mut named = fates.iter().zip(digests).filter_map(|(fate, digest)| Some((fate.listed()?, digest)));
    named.any(|(name, digest)| known.insert(name, digest).is_some_and(|other| other != digest))
}

/// What becomes of an image that `manifest.json` gives no name.
fn of_no_tag(engine: Engine) -> Fate {
    // What becomes of any name tells whether names matter.
    if of_repo_tag(engine, "a:b") == Fate::Ignored { Fate::Ignored } else { Fate::Nameless }
}

impl Attempt {
    pub(super) fn obstacle(&mut self, obstacle: Obstacle) {
        if !self.obstacles.iter().any(|known| known.reason == obstacle.reason) {
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

/// More notes or names of one prediction nobody reads.
const MOST: usize = 50;
