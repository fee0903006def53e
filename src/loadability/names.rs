//! What engines make of an image's names.

use super::engine::Engine;
use super::profile::Root;
use super::rules::{BUILDAH, CLASSIC, IMPORTERS, PODMAN, STORAGE, UMOCI};
use crate::error::quoted;
use crate::reference::Reference;

/// What becomes of a name, or of an image that has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The image is listed under this name.
    Listed { name: String, from: String },
    /// The image has no name.
    Nameless,
    /// The name keeps the engine from loading the image so that it can be used; why.
    Refused(String),
    /// The engine does not look at names.
    Ignored,
}

/// What `ctr images import` calls an image whose name is a tag alone.
const IMPORT_PREFIX: &str = "import-YYYY-MM-DD";

/// Tells what becomes of an entry of `RepoTags`.
pub(super) fn of_repo_tag(engine: Engine, raw: &str) -> Fate {
    let podman = PODMAN.contains(&engine);
    if !(CLASSIC.contains(&engine) || IMPORTERS.contains(&engine) || STORAGE.contains(&engine)) {
        return Fate::Ignored;
    }
    let reference: Reference = match raw.parse() {
        Ok(reference) => reference,
        Err(_) => return Fate::Refused(format!("{} is no name for an image", quoted(raw))),
    };
    let listed = |name: String| Fate::Listed { name, from: raw.to_owned() };
    let needs_tag = CLASSIC.contains(&engine) || podman;
    if reference.tag().is_none() && needs_tag {
        return Fate::Refused(format!("the name {} has no tag", quoted(raw)));
    }
    if STORAGE.contains(&engine) && reference.digest().is_some() {
        return Fate::Refused(format!("the name {} has a digest", quoted(raw)));
    }
    if STORAGE.contains(&engine) {
        return of_containers(raw).map_or_else(Fate::Refused, listed);
    }
    if CLASSIC.contains(&engine) {
        // With both, docker says that it has loaded the name, and lists the image without one.
        return if reference.digest().is_some() { Fate::Nameless } else { listed(familiar(&reference)) };
    }
    listed(shown_by_importer(engine, &reference))
}

/// Tells what becomes of the names of a descriptor in `index.json`.
pub(super) fn of_root(engine: Engine, root: &Root) -> Fate {
    let name = root.containerd_name.as_ref().or(root.ref_name.as_ref());
    if UMOCI.contains(&engine) {
        return match &root.ref_name {
            Some(name) if is_ref_name(name) => Fate::Listed { name: name.clone(), from: name.clone() },
            Some(name) => Fate::Refused(format!("{} is no name for it", quoted(name))),
            None => Fate::Nameless,
        };
    }
    if !(IMPORTERS.contains(&engine) || PODMAN.contains(&engine) || BUILDAH.contains(&engine)) {
        return Fate::Ignored;
    }
    let Some(raw) = name else { return Fate::Nameless };
    let listed = |name: String| Fate::Listed { name, from: raw.clone() };
    if engine == Engine::Docker29 {
        return match raw.parse::<Reference>() {
            Ok(reference) if reference.tag().is_some() => listed(familiar(&reference)),
            Ok(reference) if reference.digest().is_some() => listed(shown_by_importer(engine, &reference)),
            Ok(_) => Fate::Refused(format!(
                "the name {} has no repository and tag: docker says that it is loaded, and does not list it",
                quoted(raw)
            )),
            Err(_) => Fate::Refused(format!(
                "{} is no name for an image: docker says that it is loaded, and does not list it",
                quoted(raw)
            )),
        };
    }
    if IMPORTERS.contains(&engine) {
        let whole = root.containerd_name.is_some() || raw.contains(['/', ':', '@']);
        return listed(if whole { raw.clone() } else { format!("{IMPORT_PREFIX}:{raw}") });
    }
    match raw.parse::<Reference>() {
        Ok(reference) => match reference.digest() {
            Some(digest) if digest == root.digest => listed(format!("{}@{digest}", reference.repository())),
            Some(_) => Fate::Refused(format!("the name {} has the digest of something else", quoted(raw))),
            None => of_containers(raw).map_or_else(Fate::Refused, listed),
        },
        Err(_) => Fate::Refused(format!("{} is no name for an image", quoted(raw))),
    }
}

impl Fate {
    /// Returns the name under which the image is listed.
    pub(super) fn listed(&self) -> Option<&str> {
        match self {
            Self::Listed { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Tells whether the image is listed under a name that means something else.
    pub(super) fn is_renamed(&self) -> bool {
        let Self::Listed { name, from } = self else { return false };
        let meaning = |text: &str| text.parse::<Reference>().ok().and_then(Reference::tagged);
        name != from && (meaning(from).is_none() || meaning(name) != meaning(from))
    }
}

/// Writes a name as docker lists it: without what docker takes for granted.
fn familiar(reference: &Reference) -> String {
    let repository = reference.repository();
    let short = repository.strip_prefix("docker.io/").unwrap_or(&repository);
    let short = short.strip_prefix("library/").filter(|rest| !rest.contains('/')).unwrap_or(short);
    format!("{short}:{}", reference.tag().unwrap_or("<none>"))
}

/// Writes a name as an importer lists it: whole, a digest in place of the tag; docker in its own way.
fn shown_by_importer(engine: Engine, reference: &Reference) -> String {
    match (engine, reference.digest()) {
        (Engine::Docker29, Some(_)) => {
            familiar(reference).rsplit_once(':').map_or_else(String::new, |(name, _)| format!("{name}:<none>"))
        }
        (Engine::Docker29, None) => familiar(&with_tag(reference)),
        (_, Some(digest)) => format!("{}@{digest}", reference.repository()),
        (_, None) => with_tag(reference).to_string(),
    }
}

fn with_tag(reference: &Reference) -> Reference {
    reference.clone().tagged().unwrap_or_else(|| reference.clone())
}

/// Writes a name as containers/storage has it: what names no registry is at `localhost` (libimage/normalize.go).
fn of_containers(raw: &str) -> Result<String, String> {
    let registry = raw.split_once('/').is_some_and(|(first, _)| first.contains(['.', ':']) || first == "localhost");
    let whole = if registry { raw.to_owned() } else { format!("localhost/{raw}") };
    match whole.parse::<Reference>() {
        Ok(reference) => Ok(with_tag(&reference).to_string()),
        Err(_) => Err(format!("{} is no name for an image", quoted(raw))),
    }
}

/// Tells whether a text is a `ref.name` by image-spec's grammar (annotations.md), which umoci goes by.
pub(super) fn is_ref_name(text: &str) -> bool {
    text.split('/').all(|component| {
        let bytes = component.as_bytes();
        let ends = [bytes.first(), bytes.last()].iter().all(|byte| byte.is_some_and(u8::is_ascii_alphanumeric));
        ends && component
            .split(|c: char| c.is_ascii_alphanumeric())
            .all(|separator| matches!(separator, "" | "-" | "." | "_" | ":" | "@" | "+" | "--"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::profile::{Kind, Quirks};
    use super::*;

    #[test]
    fn repo_tags_become_what_engines_list() {
        use Engine::{BuildahDocker128, Containerd1, Docker20, Docker29, Podman4};
        let digest = format!("a/b@sha256:{}", "0".repeat(64));
        for (engine, raw, want) in [
            (Docker20, "fix:1", Some("fix:1")),
            (Docker20, "docker.io/library/fix:1", Some("fix:1")),
            (Docker20, "docker.io/a/b:1", Some("a/b:1")),
            (Docker20, "127.0.0.1:5055/a/b:1", Some("127.0.0.1:5055/a/b:1")),
            (Docker20, "fix", None),
            (Docker20, "", None),
            (Docker20, &digest, None),
            (Docker20, &digest.replace('@', ":1@"), None),
            (Docker29, "fix", Some("fix:latest")),
            (Docker29, &digest, Some("a/b:<none>")),
            (Containerd1, "fix", Some("docker.io/library/fix:latest")),
            (Containerd1, "Fix:1", None),
            (Podman4, "fix:1", Some("localhost/fix:1")),
            (Podman4, "a/b:1", Some("localhost/a/b:1")),
            (Podman4, "docker.io/fix:1", Some("docker.io/library/fix:1")),
            (Podman4, "localhost/fix:1", Some("localhost/fix:1")),
            (Podman4, "fix", None),
            (BuildahDocker128, "fix", Some("localhost/fix:latest")),
            (BuildahDocker128, &digest, None),
        ] {
            assert_eq!(of_repo_tag(engine, raw).listed(), want, "{engine} {raw}");
        }
        assert_eq!(of_repo_tag(Engine::SkopeoDocker19, ""), Fate::Ignored);
    }

    #[test]
    fn annotations_become_what_engines_list() {
        use Engine::{BuildahOci128, Containerd1, Docker29, Podman4, Umoci04};
        let named = |containerd: Option<&str>, spec: Option<&str>| Root {
            containerd_name: containerd.map(str::to_owned),
            ref_name: spec.map(str::to_owned),
            platform: None,
            digest: format!("sha256:{}", "1".repeat(64)),
            quirks: Quirks::default(),
            kind: Kind::Other,
            companion: false,
            leaves: Vec::new(),
            manifests: 1,
            absent: false,
        };
        let own = format!("a/b:1@sha256:{}", "1".repeat(64));
        let other = format!("a/b:1@sha256:{}", "2".repeat(64));
        for (engine, containerd, spec, want) in [
            (Docker29, None, Some("docker.io/a/b:1"), Some("a/b:1")),
            (Docker29, None, Some("a/b:1"), Some("a/b:1")),
            (Docker29, None, Some("v1"), None),
            (Docker29, None, Some("Fix:1"), None),
            (Docker29, Some("docker.io/a/b:1"), Some("1"), Some("a/b:1")),
            (Docker29, Some(own.as_str()), None, Some("a/b:1")),
            (Containerd1, None, Some("v1"), Some("import-YYYY-MM-DD:v1")),
            (Containerd1, None, Some("Fix:1"), Some("Fix:1")),
            (Containerd1, Some("v1"), None, Some("v1")),
            (Podman4, None, Some("v1"), Some("localhost/v1:latest")),
            (Podman4, Some("docker.io/a/b:1"), Some("1"), Some("docker.io/a/b:1")),
            (Podman4, None, Some("not a name!"), None),
            (BuildahOci128, Some(own.as_str()), None, Some(&*format!("docker.io/a/b@sha256:{}", "1".repeat(64)))),
            (BuildahOci128, Some(other.as_str()), None, None),
            (Umoci04, None, Some("Fix:1"), Some("Fix:1")),
            (Umoci04, None, Some("a b"), None),
            (Umoci04, Some("docker.io/a/b:1"), None, None),
        ] {
            assert_eq!(of_root(engine, &named(containerd, spec)).listed(), want, "{engine} {containerd:?} {spec:?}");
        }
    }

    #[test]
    fn a_name_that_means_the_same_is_no_other_name() {
        let fate = |from: &str, name: &str| Fate::Listed { name: name.into(), from: from.into() };
        for (from, name, want) in [
            ("fix:1", "docker.io/library/fix:1", false),
            ("docker.io/a/b:1", "a/b:1", false),
            ("fix:1", "localhost/fix:1", true),
            ("v1", "localhost/v1:latest", true),
            ("v1", "import-YYYY-MM-DD:v1", true),
            ("Fix:1", "Fix:1", false),
        ] {
            assert_eq!(fate(from, name).is_renamed(), want, "{from} {name}");
        }
    }

    #[test]
    fn ref_names_follow_the_grammar_of_image_spec() {
        for (text, want) in [
            ("v1", true),
            ("docker.io/a/b:1", true),
            ("a--b", true),
            ("a@sha256:0", true),
            ("a___b", false),
            ("", false),
            ("a/", false),
            ("a b", false),
            ("-a", false),
        ] {
            assert_eq!(is_ref_name(text), want, "{text}");
        }
    }
}
