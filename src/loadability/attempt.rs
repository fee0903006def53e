//! What an engine does with one half of a source: which images it takes, for which platform, under which names.

use super::engine::Engine;
use super::names::{Fate, of_repo_tag, of_root};
use super::prediction::Note;
use super::profile::{Child, ChildKind, DockerHalf, DockerImage, Kind, OciHalf, OciImage, Profile, Quirks, Root};
use super::rules::{self, CI_OCI, CLASSIC, Cure, FILTERING, Half, IMPORTERS, PODMAN, SKOPEO, UMOCI};
use crate::platform::Platform;

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

    /// Reads `repositories` and the v1 layers below it.
    pub(super) fn legacy(self, profile: &Profile, image: &DockerImage) -> Attempt {
        let half = DockerHalf { quirks: Quirks::default(), images: vec![image.clone()] };
        self.docker(profile, &half)
    }

    /// Reads `manifest.json`.
    pub(super) fn docker(self, profile: &Profile, half: &DockerHalf) -> Attempt {
        let mut attempt = Attempt::default();
        let several = half.images.len() > 1;
        match self.engine {
            Engine::SkopeoDocker19 | Engine::SkopeoDocker122 | Engine::BuildahDocker128 | Engine::BuildahDocker145
                if several =>
            {
                let named = half.images.iter().find_map(|image| image.names.first());
                let which = named.map_or("@0", String::as_str);
                attempt.note(Note::NeedsReference { example: format!("docker-archive:FILE:{which}") });
            }
            Engine::CraneTarball if several => {
                let reason = format!("it takes a file with one image, and this one has {}", half.images.len());
                attempt.obstacle(Obstacle::new(reason, Cure::One, "go-containerregistry, pkg/v1/tarball/image.go"));
            }
            Engine::Regctl if several => attempt.note(Note::OnlyFirst { of: half.images.len() }),
            _ => {}
        }
        let mut taken = Vec::new();
        for image in &half.images {
            if self.takes_platform(&mut attempt, image.platform.as_ref()) {
                taken.push(image);
            }
        }
        self.filter(&mut attempt, half.images.len(), taken.len(), half.images.iter().find_map(|i| i.platform.as_ref()));
        let quirks = taken.iter().fold(profile.quirks.and(half.quirks), |quirks, image| quirks.and(image.quirks));
        attempt.break_rules(self.engine, Half::Docker, quirks);
        let fates = taken.iter().map(|image| {
            let fates: Vec<Fate> = image.names.iter().map(|name| of_repo_tag(self.engine, name)).collect();
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
        let mut attempt = Attempt::default();
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
        let root = match half.roots.as_slice() {
            [] => return attempt.obstacle(Obstacle::new("index.json names nothing", Cure::Nothing, SOURCE)),
            [root] => root,
            roots if self.is(PODMAN) => {
                let reason = format!("it takes an OCI archive with one name, and this one has {}", roots.len());
                return attempt.obstacle(Obstacle::new(reason, Cure::Rebuild, SOURCE));
            }
            roots => {
                let named = roots.iter().filter(|root| !root.companion);
                let Some((root, name)) = named.filter_map(|root| Some((root, root.ref_name.as_ref()?))).next() else {
                    let reason = "it has to be told which image to take, and none has a ref.name";
                    return attempt.obstacle(Obstacle::new(reason, Cure::One, SOURCE));
                };
                attempt.note(Note::NeedsReference { example: format!("oci-archive:FILE:{name}") });
                root
            }
        };
        let mut quirks = source.and(root.quirks);
        match self.instance(root, half) {
            Ok(Some(image)) => {
                quirks = quirks.and(half.images[image].quirks);
                let platform = half.images[image].platform.as_ref();
                let all = if half.roots.len() == 1 { root.leaves.len() } else { 1 };
                match platform {
                    Some(platform) if all > 1 => attempt.note(Note::OnlyPlatform(platform.clone())),
                    platform if !self.is(SKOPEO) => drop(self.takes_platform(attempt, platform)),
                    _ => {}
                }
            }
            // Copied as it is.
            Ok(None) => {}
            Err(obstacle) => attempt.obstacle(obstacle),
        }
        attempt.break_rules(self.engine, Half::Oci, quirks);
        self.name(attempt, std::iter::once(of_root(self.engine, root)));
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
        match (there, self.engine) {
            (Some(platform), Engine::SkopeoOci19 | Engine::SkopeoOci122) => obstacle.advice(format!(
                "skopeo --override-os {} --override-arch {} copy …",
                platform.os, platform.architecture
            )),
            (Some(platform), Engine::Containerd1 | Engine::Containerd2) => {
                obstacle.advice(format!("ctr images import --platform {platform} FILE"))
            }
            (Some(platform), Engine::Nerdctl) => obstacle.advice(format!("nerdctl load --platform {platform} -i FILE")),
            _ => obstacle,
        }
    }

    /// containerd's importer takes every descriptor, and unpacks the machine's platform.
    fn import(self, attempt: &mut Attempt, source: Quirks, half: &OciHalf) {
        const SOURCE: &str = "containerd, client/import.go";
        let mut quirks = source;
        let (mut images, mut taken, mut fates) = (0, 0, Vec::new());
        let mut filtered = None;
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
            if self.lacks_own(root) && self.is(FILTERING) {
                let obstacle =
                    Obstacle::new(format!("the image for {} is not there", self.host), Cure::Platform, SOURCE);
                attempt.obstacle(self.with_other_platform(obstacle, root, half));
                continue;
            }
            let own: Vec<&OciImage> =
                root.leaves.iter().map(|&leaf| &half.images[leaf]).filter(|image| self.runs(image)).collect();
            quirks = own.iter().fold(quirks, |quirks, image| quirks.and(image.quirks));
            if own.is_empty() {
                if self.is(FILTERING) {
                    filtered = filtered.or(Some(root));
                    continue;
                }
                let other = root.leaves.iter().find_map(|&leaf| half.images[leaf].platform.clone());
                other.into_iter().for_each(|platform| attempt.note(Note::OtherPlatform(platform)));
            }
            taken += 1;
            fates.push(of_root(self.engine, root));
        }
        if images == 0 {
            attempt.obstacle(Obstacle::new("no image inside", Cure::Nothing, SOURCE));
        }
        if let Some(root) = filtered {
            if taken == 0 {
                let obstacle = Obstacle::new(format!("no image for {}", self.host), Cure::Nothing, SOURCE);
                attempt.obstacle(self.with_other_platform(obstacle, root, half));
            } else {
                attempt.note(Note::LeavesOut { images: images - taken });
            }
        }
        attempt.break_rules(self.engine, Half::Oci, quirks);
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
        platform.distance(self.host).is_some()
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
            let same = |other: &&Root| other.ref_name == root.ref_name;
            let mut own = Attempt::default();
            match (&fate, &root.kind) {
                (Fate::Nameless, _) => continue,
                (Fate::Refused(reason), _) => own.obstacle(Obstacle::new(reason.clone(), Cure::Name, SOURCE)),
                (_, Kind::Absent) => own.obstacle(Obstacle::new("it is not there", Cure::Nothing, SOURCE)),
                (_, Kind::Other) => own.obstacle(Obstacle::new("an artifact, not an image", Cure::Nothing, SOURCE)),
                _ if half.roots.iter().filter(same).count() > 1 => {
                    own.obstacle(Obstacle::new("several images have the same ref.name", Cure::One, SOURCE));
                }
                _ if root.manifests > 1 => {
                    let reason =
                        format!("it takes no index with several manifests, and this one has {}", root.manifests);
                    own.obstacle(Obstacle::new(reason, Cure::Platform, SOURCE));
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
        if fates.is_empty() {
            if failures.is_empty() {
                failures.push(Obstacle::new("no image has a ref.name, which it asks for", Cure::Name, SOURCE));
            }
            attempt.obstacles.extend(failures);
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

    /// Says what it means that only some images of a docker-archive are for the platform.
    fn filter(self, attempt: &mut Attempt, images: usize, taken: usize, there: Option<&Platform>) {
        const SOURCE: &str = "containerd, core/images/archive/importer.go and client/import.go";
        if taken == 0 {
            let obstacle = Obstacle::new(format!("no image for {}", self.host), Cure::Nothing, SOURCE);
            attempt.obstacle(match there {
                Some(platform) if self.engine == Engine::Nerdctl => {
                    obstacle.advice(format!("nerdctl load --platform {platform} -i FILE"))
                }
                Some(platform) => obstacle.advice(format!("ctr images import --platform {platform} FILE")),
                None => obstacle.advice("ctr images import --all-platforms FILE".to_owned()),
            });
        } else if taken < images {
            attempt.note(Note::LeavesOut { images: images - taken });
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
