//! Which engines load an archive, and under which name: predicted from its documents and the names of its members,
//! without any engine.
//!
//! `survey` draws a profile of the archive, plain data; `rules` says which engine trips over what, a row each; `names`
//! and `attempt` say what engines make of names, of several images and of platforms; here it is put together. The rules
//! are held against engines: `tests/it/loadability.rs` and `tests/it/engines/loadability` do it again.

mod attempt;
mod cure;
mod engine;
mod fix;
mod names;
mod prediction;
mod profile;
mod rules;
mod survey;

pub use engine::{Engine, Requirement};
pub use fix::Fix;
pub use prediction::{Note, Prediction, Refusal, Verdict};

use attempt::{Attempt, Obstacle, Reader};
use profile::{Profile, Quirk};
use rules::{Cure, IMPORTERS, LAYOUT_FOLDERS, PODMAN};

use crate::archive::Archive;
use crate::platform::Platform;
use crate::tree::Container;

impl Archive {
    /// Predicts for every engine whether it loads this archive on a machine of the given platform. No engine is run, no
    /// layer read: what only the contents of layers would tell (a wrong diff_id, say) is not in it. An archive that is
    /// both docker-archive and OCI layout and was opened as one of them is judged as if it was that alone.
    ///
    /// ```
    /// use transload::{Archive, Context, Engine, Input, Platform, Verdict};
    ///
    /// # fn main() -> transload::Result<()> {
    /// # let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/docker-20.10-save.tar");
    /// let archive = Archive::open(Input::Path(path), None, &Context::default())?;
    /// let predictions = archive.loadability(&Platform::host());
    /// let docker = predictions.iter().find(|prediction| prediction.engine == Engine::Docker20);
    /// assert_eq!(docker.map(|prediction| prediction.verdict), Some(Verdict::Yes));
    /// # Ok(())
    /// # }
    /// ```
    pub fn loadability(&self, host: &Platform) -> Vec<Prediction> {
        let profile = survey::survey(self);
        Engine::all().map(|engine| predict(engine, &profile, host)).collect()
    }
}

/// Predicts what one engine does.
fn predict(engine: Engine, profile: &Profile, host: &Platform) -> Prediction {
    let reader = Reader { engine, host };
    let (halves, wrong) = halves(engine, profile);
    let mut attempts: Vec<Attempt> = halves
        .into_iter()
        .map(|half| match half {
            Reading::Docker(half) => reader.docker(profile, half),
            Reading::Oci(half) => reader.oci(profile, half),
            Reading::Legacy(image) => reader.legacy(profile, image),
        })
        .collect();
    if let Some(wrong) = wrong {
        if attempts.is_empty() {
            attempts.push(reader.nothing(profile));
        }
        attempts.iter_mut().for_each(|attempt| attempt.obstacles.insert(attempt.whole, wrong.clone()));
    }
    let chosen = attempts.iter().position(|attempt| attempt.obstacles.is_empty()).unwrap_or(0);
    let attempt = attempts.swap_remove(chosen);
    match attempt.obstacles.first().cloned() {
        None => loads(engine, profile, attempt),
        Some(first) => refuses(engine, profile, host, first, &attempt.obstacles),
    }
}

fn loads(engine: Engine, profile: &Profile, attempt: Attempt) -> Prediction {
    let mut notes = attempt.notes;
    if LAYOUT_FOLDERS.contains(&engine) && profile.container == Container::Tar {
        notes.insert(0, Note::UnpackFirst);
    }
    let drawback = notes.iter().any(Note::is_drawback);
    let verdict = if drawback { Verdict::But } else { Verdict::Yes };
    Prediction { engine, verdict, names: attempt.names, notes, refusal: None }
}

fn refuses(engine: Engine, profile: &Profile, host: &Platform, first: Obstacle, all: &[Obstacle]) -> Prediction {
    let cures: Vec<Cure> = all.iter().map(|obstacle| obstacle.cure).collect();
    let Obstacle { reason, source, advice, .. } = first;
    let fix = cure::fix(engine, profile, host, &cures);
    let refusal = Refusal { reason, source, advice, fix };
    Prediction { engine, verdict: Verdict::No, names: Vec::new(), notes: Vec::new(), refusal: Some(refusal) }
}

/// A half that an engine reads.
enum Reading<'p> {
    Docker(&'p profile::DockerHalf),
    Oci(&'p profile::OciHalf),
    Legacy(&'p profile::DockerImage),
}

/// Returns the halves that an engine tries, in its order, and what is wrong with that.
fn halves(engine: Engine, profile: &Profile) -> (Vec<Reading<'_>>, Option<Obstacle>) {
    const TARFILE: &str = "containers/image, docker/internal/tarfile";
    const IMPORTER: &str = "containerd, core/images/archive/importer.go";
    const UMOCI: &str = "umoci, oci/cas/dir/dir.go";
    let docker: Vec<_> = profile.docker.iter().map(Reading::Docker).collect();
    let oci: Vec<_> = profile.oci.iter().map(Reading::Oci).collect();
    let legacy: Vec<_> = profile.legacy.iter().map(Reading::Legacy).collect();
    let wrong = |reason: &str, source| Some(Obstacle::new(reason, Cure::Pack, source));
    let no_manifest = if profile.legacy.is_some() {
        "from before docker 1.10: it has no manifest.json"
    } else {
        "an OCI layout without a manifest.json"
    };
    let unless = |halves: Vec<_>, reason, source| {
        let obstacle = if halves.is_empty() { wrong(reason, source) } else { None };
        (halves, obstacle)
    };
    let has_layout_file = !profile.quirks.contains(Quirk::NoLayoutFile);
    let other_version = profile.quirks.contains(Quirk::OtherLayoutVersion);
    let layout_file = if other_version {
        wrong("the version in its oci-layout is not 1.0.0", IMPORTER)
    } else {
        wrong("an OCI layout without its oci-layout file", IMPORTER)
    };
    let valid = has_layout_file && !other_version;
    match engine {
        Engine::Docker20 if docker.is_empty() => unless(legacy, no_manifest, "moby 20.10, image/tarexport/load.go"),
        engine if IMPORTERS.contains(&engine) => match (oci.is_empty(), docker.is_empty()) {
            (false, _) if valid => (oci, None),
            (false, _) if other_version => (oci, layout_file),
            (true, false) if has_layout_file && !profile.has_index => {
                (docker, wrong("it has an oci-layout, but no index.json", IMPORTER))
            }
            (_, false) => (docker, None),
            (false, true) => (oci, layout_file),
            (true, true) => (docker, wrong(no_manifest, IMPORTER)),
        },
        Engine::Regctl => match (oci.is_empty(), docker.is_empty()) {
            (false, _) if valid => (oci, None),
            (_, false) => (docker, None),
            (false, true) => (oci, layout_file),
            (true, true) => (docker, wrong(no_manifest, "regclient, image.go")),
        },
        Engine::Umoci04 | Engine::Umoci06 if valid => unless(oci, "no OCI layout: no index.json", UMOCI),
        Engine::Umoci04 | Engine::Umoci06 if oci.is_empty() => (oci, wrong("no OCI layout: no index.json", UMOCI)),
        Engine::Umoci04 | Engine::Umoci06 => (oci, layout_file),
        engine if PODMAN.contains(&engine) => unless(oci.into_iter().chain(docker).collect(), no_manifest, TARFILE),
        Engine::SkopeoOci19 | Engine::SkopeoOci122 | Engine::BuildahOci128 | Engine::BuildahOci145 => {
            unless(oci, "no OCI layout: no index.json", "containers/image, oci/layout")
        }
        Engine::CraneLayout => unless(oci, "no OCI layout: no index.json", "go-containerregistry, pkg/v1/layout"),
        _ => unless(docker, no_manifest, TARFILE),
    }
}

#[cfg(test)]
mod tests {
    use super::profile::{Child, ChildKind, DockerHalf, DockerImage, Kind, OciHalf, OciImage, Quirks, Root};
    use super::rules::{Half, RULES};
    use super::*;

    const NAME: &str = "docker.io/a/b:1";

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    /// A source that every engine loads that reads its format.
    fn sound(docker: bool, oci: bool) -> Profile {
        let image =
            || DockerImage { names: vec![NAME.into()], platform: Some(platform("linux/amd64")), ..Default::default() };
        let half = || OciHalf {
            roots: vec![root(Some(NAME), Kind::Image(0), vec![0])],
            images: vec![OciImage { platform: Some(platform("linux/amd64")), quirks: Quirks::default() }],
            ..Default::default()
        };
        Profile {
            container: Container::Tar,
            quirks: if oci { Quirks::default() } else { [Quirk::NoLayoutFile].into_iter().collect() },
            has_index: oci,
            legacy: None,
            docker: docker.then(|| DockerHalf { images: vec![image()], ..Default::default() }),
            oci: oci.then(half),
        }
    }

    fn root(ref_name: Option<&str>, kind: Kind, leaves: Vec<usize>) -> Root {
        Root {
            containerd_name: None,
            ref_name: ref_name.map(str::to_owned),
            platform: None,
            digest: format!("sha256:{}", "1".repeat(64)),
            quirks: Quirks::default(),
            kind,
            companion: false,
            manifests: leaves.len(),
            leaves,
            absent: false,
        }
    }

    fn on_amd64(engine: Engine, profile: &Profile) -> Prediction {
        predict(engine, profile, &platform("linux/amd64"))
    }

    #[test]
    fn every_engine_loads_one_of_the_sound_sources() {
        let sources = [sound(true, false), sound(false, true), sound(true, true)];
        for engine in Engine::all() {
            let loaded = sources.iter().filter(|source| on_amd64(engine, source).loads()).count();
            assert!((2..=3).contains(&loaded), "{engine}");
            let hybrid = on_amd64(engine, &sources[2]);
            assert!(hybrid.loads() && hybrid.refusal.is_none(), "{hybrid:?}");
        }
    }

    /// A rule keeps those that it names from loading, says why, and keeps nobody else.
    #[test]
    fn every_rule_holds_for_its_engines_and_no_others() {
        for rule in RULES {
            let halves = rule.half.map_or(vec![Half::Docker, Half::Oci], |half| vec![half]);
            for half in halves {
                let mut source = sound(half == Half::Docker, half == Half::Oci);
                let before = source.clone();
                match (rule.half, &mut source) {
                    (None, source) | (Some(_), source) if rule.quirk == Quirk::Folder => {
                        source.quirks.insert(rule.quirk)
                    }
                    (None, source) => source.quirks.insert(rule.quirk),
                    (Some(Half::Docker), Profile { docker: Some(half), .. }) => {
                        half.images[0].quirks.insert(rule.quirk)
                    }
                    (Some(Half::Oci), Profile { oci: Some(half), .. }) => half.images[0].quirks.insert(rule.quirk),
                    _ => unreachable!("a sound source has the half that was asked for"),
                }
                for engine in Engine::all().filter(|&engine| on_amd64(engine, &before).loads()) {
                    let broken = rules::broken(engine, half, source.quirks.and(quirks_of(&source)));
                    let reasons: Vec<_> = broken.map(|rule| rule.reason).collect();
                    let prediction = on_amd64(engine, &source);
                    let told = prediction.refusal.as_ref().map(|refusal| refusal.reason.as_str());
                    assert_eq!(told, reasons.first().copied(), "{engine}, {:?}", rule.quirk);
                    let named = rule.engines.iter().any(|engines| engines.contains(&engine));
                    assert!(!named || told.is_some(), "{engine}, {:?}", rule.quirk);
                }
            }
        }
    }

    fn quirks_of(source: &Profile) -> Quirks {
        let docker = source.docker.iter().flat_map(|half| &half.images).map(|image| image.quirks);
        let oci = source.oci.iter().flat_map(|half| &half.images).map(|image| image.quirks);
        docker.chain(oci).fold(Quirks::default(), Quirks::and)
    }

    #[test]
    fn of_an_index_each_takes_the_image_that_it_can_run() {
        use Engine::{Containerd1, Docker29, Podman4, SkopeoOci19};
        // (the index's platforms, the machine's, who, and the platform that is taken; none: refused)
        let arm = ["linux/arm/v6", "linux/arm/v7", "linux/arm64/v8"];
        for (there, host, engine, want) in [
            (&["linux/arm64", "linux/amd64"][..], "linux/amd64", Podman4, Some("linux/amd64")),
            (&["linux/arm64", "linux/amd64"], "linux/arm64", Podman4, Some("linux/arm64")),
            (&arm, "linux/arm/v7", Podman4, Some("linux/arm/v7")),
            (&arm, "linux/arm/v6", SkopeoOci19, Some("linux/arm/v6")),
            (&arm, "linux/arm64", SkopeoOci19, Some("linux/arm64/v8")),
            (&["linux/amd64/v1", "linux/s390x"], "linux/amd64", Podman4, None),
            (&["linux/amd64/v1", "linux/s390x"], "linux/amd64", Containerd1, Some("all")),
            (&["linux/arm64", "linux/s390x"], "linux/amd64", Podman4, None),
            (&["linux/arm64", "linux/s390x"], "linux/amd64", Containerd1, None),
            (&["linux/arm64", "linux/s390x"], "linux/amd64", Docker29, Some("other")),
        ] {
            let platforms: Vec<Platform> = there.iter().map(|text| platform(text)).collect();
            let children = platforms.iter().enumerate();
            let children = children.map(|(i, p)| Child { platform: Some(p.clone()), kind: ChildKind::Image(i) });
            let images = platforms.iter().map(|p| OciImage { platform: Some(p.clone()), quirks: Quirks::default() });
            let mut source = sound(false, true);
            source.oci = Some(OciHalf {
                roots: vec![root(Some(NAME), Kind::Index(children.collect()), (0..platforms.len()).collect())],
                images: images.collect(),
                ..Default::default()
            });
            let prediction = predict(engine, &source, &platform(host));
            let got = prediction.loads().then(|| match prediction.notes.iter().find(|note| note.is_drawback()) {
                Some(Note::OnlyPlatform(platform)) => platform.to_string(),
                Some(Note::OtherPlatform(_)) => "other".to_owned(),
                _ => "all".to_owned(),
            });
            assert_eq!(got.as_deref(), want, "{there:?} on {host} in {engine}");
        }
    }

    #[test]
    fn a_requirement_is_met_when_every_version_has_a_way_in() {
        let unmet = |text: &str, source: &Profile| {
            let predictions: Vec<Prediction> = Engine::all().map(|engine| on_amd64(engine, source)).collect();
            let wanted: Requirement = text.parse().unwrap();
            wanted.unmet(&predictions).iter().map(|prediction| prediction.engine).collect::<Vec<_>>()
        };
        let mut zstd = sound(false, true);
        zstd.oci.as_mut().unwrap().images[0].quirks.insert(Quirk::ZstdLayer);
        assert_eq!(unmet("skopeo", &zstd), []);
        assert_eq!(unmet("umoci", &zstd), [Engine::Umoci04]);
        assert_eq!(unmet("umoci:0.6", &zstd), []);
        assert_eq!(unmet("docker", &zstd), [Engine::Docker20, Engine::Docker25]);
        assert_eq!(unmet("skopeo/docker-archive", &zstd), [Engine::SkopeoDocker19, Engine::SkopeoDocker122]);
    }

    #[test]
    fn the_first_obstacle_is_told_and_the_conversion_removes_all() {
        let mut source = sound(false, true);
        source.quirks.insert(Quirk::OuterGzip);
        let half = source.oci.as_mut().unwrap();
        half.roots[0].ref_name = Some("v1".into());
        half.images[0].quirks.insert(Quirk::ZstdLayer);
        half.images[0].quirks.insert(Quirk::OtherHash);
        let refusal = on_amd64(Engine::Umoci04, &source).refusal.unwrap();
        assert_eq!(refusal.reason, "blobs are named by another hash than sha256");
        assert_eq!(
            refusal.fix.unwrap().command("app.tar.gz".as_ref()),
            "transload convert --to docker-archive app.tar.gz - | \
             transload convert --to oci-dir --compression gzip --tag app:v1 - app.oci"
        );
        source.oci.as_mut().unwrap().images[0].quirks.insert(Quirk::EncryptedLayer);
        assert_eq!(on_amd64(Engine::Umoci04, &source).refusal.unwrap().fix, None);
    }
}
