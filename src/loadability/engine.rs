//! The readers whose behaviour is known, and the names by which users ask for them.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result, quoted};

/// A reader of image archives, one for each way of reading and for each version that reads differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// `docker load` of docker 1.10 to 24.
    Docker20,
    /// `docker load` since docker 25 with the classic (graph driver) image store.
    Docker25,
    /// `docker load` since docker 29 with the containerd image store, the default of new installations.
    Docker29,
    /// `ctr images import` of containerd 1.
    Containerd1,
    /// `ctr images import` of containerd 2.
    Containerd2,
    /// `kind load image-archive`.
    Kind,
    /// `nerdctl load`.
    Nerdctl,
    /// `podman load` of podman up to 4.
    Podman4,
    /// `podman load` since podman 5.
    Podman5,
    /// skopeo up to 1.9, `docker-archive:`.
    SkopeoDocker19,
    /// Later skopeo, `docker-archive:`.
    SkopeoDocker122,
    /// skopeo up to 1.9, `oci-archive:` (`oci:` for a folder).
    SkopeoOci19,
    /// Later skopeo, `oci-archive:` (`oci:` for a folder).
    SkopeoOci122,
    /// `buildah pull docker-archive:` of buildah up to 1.28.
    BuildahDocker128,
    /// `buildah pull docker-archive:` of later buildah.
    BuildahDocker145,
    /// `buildah pull oci-archive:` (`oci:` for a folder) of buildah up to 1.28.
    BuildahOci128,
    /// `buildah pull oci-archive:` (`oci:` for a folder) of later buildah.
    BuildahOci145,
    /// `crane push` and `crane validate --tarball` of a file.
    CraneTarball,
    /// `crane push` of an OCI layout folder.
    CraneLayout,
    /// `umoci unpack` of umoci up to 0.4.
    Umoci04,
    /// `umoci unpack` of later umoci.
    Umoci06,
    /// `regctl image import`.
    Regctl,
}

/// What is known of an engine by itself.
struct Facts {
    engine: Engine,
    /// `TOOL[/MODE][:VERSION]`. The version is the first one that reads so; a tool's first row stands for all before.
    name: &'static str,
    /// What people call it, without the version.
    label: &'static str,
    /// What people call the version, where others read differently.
    era: &'static str,
    /// What its rules were held against.
    basis: &'static str,
}

const fn row(engine: Engine, name: &'static str, label: &'static str, era: &'static str, basis: &'static str) -> Facts {
    Facts { engine, name, label, era, basis }
}

const KIND: &str = "read in kind: it runs containerd 2's ctr images import --all-platforms --digests";
const NERDCTL: &str = "read in nerdctl 2: it uses containerd 2's importer";
const SKOPEO_19: &str = "measured with skopeo 1.9.3 (Debian 12)";
const SKOPEO_122: &str = "measured with skopeo 1.22-dev";
const BUILDAH_128: &str = "measured with buildah 1.28.2 (Debian 12)";
const BUILDAH_145: &str = "measured with buildah 1.45-dev";
const CRANE: &str = "measured with crane 0.21.10-dev";

/// In the order in which people are shown them.
const TABLE: [Facts; 22] = {
    use Engine as E;
    [
        row(E::Docker20, "docker/classic:20.10", "docker 1.10–24", "", "measured with docker 20.10.24"),
        row(E::Docker25, "docker/classic:25", "docker 25+ (classic store)", "", "measured with docker 29.7, vfs store"),
        row(E::Docker29, "docker/containerd:29", "docker 29 (containerd store)", "", "measured with docker 29.7"),
        row(E::Containerd1, "containerd:1.6", "containerd (ctr)", "1", "measured with containerd 1.6.20"),
        row(E::Containerd2, "containerd:2", "containerd (ctr)", "2", "measured with containerd 2.4-beta"),
        row(E::Kind, "kind", "kind", "", KIND),
        row(E::Nerdctl, "nerdctl", "nerdctl", "", NERDCTL),
        row(E::Podman4, "podman:4", "podman load", "4", "measured with podman 4.3.1 (Debian 12)"),
        row(E::Podman5, "podman:5", "podman load", "5+", "measured with podman 6.0-dev"),
        row(E::SkopeoDocker19, "skopeo/docker-archive:1.9", "skopeo as docker-archive", "1.9", SKOPEO_19),
        row(E::SkopeoDocker122, "skopeo/docker-archive:1.22", "skopeo as docker-archive", "1.22", SKOPEO_122),
        row(E::SkopeoOci19, "skopeo/oci-archive:1.9", "skopeo as oci-archive", "1.9", SKOPEO_19),
        row(E::SkopeoOci122, "skopeo/oci-archive:1.22", "skopeo as oci-archive", "1.22", SKOPEO_122),
        row(E::BuildahDocker128, "buildah/docker-archive:1.28", "buildah as docker-archive", "1.28", BUILDAH_128),
        row(E::BuildahDocker145, "buildah/docker-archive:1.45", "buildah as docker-archive", "1.45", BUILDAH_145),
        row(E::BuildahOci128, "buildah/oci-archive:1.28", "buildah as oci-archive", "1.28", BUILDAH_128),
        row(E::BuildahOci145, "buildah/oci-archive:1.45", "buildah as oci-archive", "1.45", BUILDAH_145),
        row(E::CraneTarball, "crane/tarball", "crane as tarball", "", CRANE),
        row(E::CraneLayout, "crane/layout", "crane as OCI layout", "", CRANE),
        row(E::Umoci04, "umoci:0.4", "umoci", "0.4", "measured with umoci 0.4.7"),
        row(E::Umoci06, "umoci:0.6", "umoci", "0.6", "measured with umoci 0.6.0"),
        row(E::Regctl, "regctl", "regctl", "", "measured with regclient of July 2026"),
    ]
};

/// Other words for tools.
const ALIASES: [(&str, &str); 2] = [("ctr", "containerd"), ("dockerd", "docker")];
/// How much alike two words have to be to be taken for one another.
const ALIKE: f64 = 0.8;

impl Facts {
    /// Splits the name into tool, mode and version.
    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        let (head, version) = self.name.split_once(':').unwrap_or((self.name, ""));
        let (tool, mode) = head.split_once('/').unwrap_or((head, ""));
        (tool, mode, version)
    }
}

impl Engine {
    /// Returns every engine, in the order in which people are shown them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|facts| facts.engine)
    }

    fn facts(self) -> &'static Facts {
        TABLE.iter().find(|facts| facts.engine == self).expect("every engine has a row")
    }

    /// Returns its name, as in `--for`: `podman:4`, `skopeo/oci-archive:1.9`.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Returns what people call it, without the version where only versions differ: `podman load`.
    pub fn label(self) -> &'static str {
        self.facts().label
    }

    /// Returns the version to put behind the label; empty when the label says it.
    pub fn era(self) -> &'static str {
        self.facts().era
    }

    /// Returns what its rules were held against.
    pub fn basis(self) -> &'static str {
        self.facts().basis
    }

    /// Returns the command whose outcome is predicted, with `FILE` or `FOLDER` for the archive.
    pub fn command(self) -> &'static str {
        match self {
            Self::Docker20 | Self::Docker25 | Self::Docker29 => "docker load -i FILE",
            Self::Containerd1 | Self::Containerd2 => "ctr images import FILE",
            Self::Kind => "kind load image-archive FILE",
            Self::Nerdctl => "nerdctl load -i FILE",
            Self::Podman4 | Self::Podman5 => "podman load -i FILE",
            Self::SkopeoDocker19 | Self::SkopeoDocker122 => "skopeo copy docker-archive:FILE DESTINATION",
            Self::SkopeoOci19 | Self::SkopeoOci122 => "skopeo copy oci-archive:FILE DESTINATION",
            Self::BuildahDocker128 | Self::BuildahDocker145 => "buildah pull docker-archive:FILE",
            Self::BuildahOci128 | Self::BuildahOci145 => "buildah pull oci-archive:FILE",
            Self::CraneTarball => "crane push FILE IMAGE",
            Self::CraneLayout => "crane push FOLDER IMAGE",
            Self::Umoci04 | Self::Umoci06 => "umoci unpack --image FOLDER:TAG BUNDLE",
            Self::Regctl => "regctl image import IMAGE FILE",
        }
    }

    /// Returns the engines that a name means, each group of which is one tool in one version: any of a group's
    /// transports serves. `podman` means all versions, `podman:4.9` the one that reads as 4.9 does.
    fn groups(text: &str) -> Result<Vec<Vec<Self>>> {
        let unknown = || unknown(text);
        let (head, version) = text.split_once(':').map_or((text, None), |(head, version)| (head, Some(version)));
        let (tool, mode) = head.split_once('/').map_or((head, None), |(tool, mode)| (tool, Some(mode)));
        let tool = ALIASES.iter().find(|(alias, _)| *alias == tool).map_or(tool, |(_, tool)| tool);
        let rows: Vec<&Facts> = TABLE
            .iter()
            .filter(|facts| facts.parts().0 == tool && mode.is_none_or(|mode| facts.parts().1 == mode))
            .collect();
        // A row of each version, in the table's order.
        let mut versions: Vec<&str> = Vec::new();
        for row in &rows {
            let version = row.parts().2;
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        if let Some(version) = version {
            let wanted = numbers(version).ok_or_else(unknown)?;
            let (first, later) = versions.split_first().ok_or_else(unknown)?;
            let not_newer = |row: &&&str| numbers(row).is_some_and(|row| row <= wanted);
            versions = vec![later.iter().rev().find(not_newer).unwrap_or(first)];
        }
        let of = |version: &str| rows.iter().filter(|row| row.parts().2 == version).map(|row| row.engine).collect();
        let groups: Vec<Vec<Self>> = versions.into_iter().map(of).collect();
        if groups.is_empty() { Err(unknown()) } else { Ok(groups) }
    }
}

/// Reads `20.10.24` or `v5` as numbers.
fn numbers(version: &str) -> Option<Vec<u32>> {
    let digits = version.strip_prefix('v').unwrap_or(version);
    digits.split('.').map(|part| part.parse().ok()).collect()
}

fn unknown(text: &str) -> Error {
    let mut names: Vec<&str> = Vec::new();
    for facts in &TABLE {
        let (tool, ..) = facts.parts();
        let head = facts.name.split(':').next().unwrap_or(tool);
        for name in [tool, head, facts.name] {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let message = format!("engine {}: not known", quoted(text));
    let known = format!("known are: {}; with any version, as in docker:24", names.join(", "));
    names.extend(ALIASES.map(|(alias, _)| alias));
    Error::usage(message).hint(match meant(text, &names) {
        Some(meant) => format!("did you mean {meant}? {known}"),
        None => known,
    })
}

/// Returns the name that was probably meant, with the version that was typed if it can be one: every tool takes any.
fn meant(text: &str, names: &[&str]) -> Option<String> {
    let versioned = text.split_once(':').filter(|(_, version)| numbers(version).is_some());
    let (typed, version) = versioned.map_or((text, ""), |(head, _)| (head, &text[head.len()..]));
    let likeness = |name: &&str| strsim::jaro_winkler(typed, name);
    let suits = |name: &&str| version.is_empty() || !name.contains(':');
    let best = names.iter().copied().filter(suits).max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) >= ALIKE).then(|| format!("{best}{version}"))
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Engine {
    type Err = Error;

    /// Takes a name that means one engine: `docker:20.10`, `umoci:0.4`, `skopeo/oci-archive:1.9`.
    fn from_str(text: &str) -> Result<Self> {
        let engines = Self::groups(text)?.concat();
        match engines.as_slice() {
            [one] => Ok(*one),
            several => {
                let names: Vec<_> = several.iter().map(|engine| engine.name()).collect();
                let message = format!("engine {}: not one, but {}", quoted(text), names.join(", "));
                Err(Error::usage(message))
            }
        }
    }
}

/// What has to read an archive: a tool, in one version or all known ones.
///
/// ```
/// use transload::Requirement;
///
/// let wanted = Requirement::parse_list("docker:20.10,podman")?;
/// assert_eq!(wanted[1].name(), "podman");
/// # Ok::<(), transload::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    name: String,
    groups: Vec<Vec<Engine>>,
}

impl Requirement {
    /// Reads a list like `docker:20.10,podman`.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::ErrorKind::Usage) for a name that is not known; the hint lists all.
    pub fn parse_list(text: &str) -> Result<Vec<Self>> {
        text.split(',').map(|name| name.trim().parse()).collect()
    }

    /// Returns it as it was typed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the engines that it is about: of each inner list, one is enough.
    pub fn engines(&self) -> &[Vec<Engine>] {
        &self.groups
    }
}

impl FromStr for Requirement {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(Self { name: text.to_owned(), groups: Engine::groups(text)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_means_its_engine() {
        for engine in Engine::all() {
            assert_eq!(engine.name().parse::<Engine>().unwrap(), engine);
        }
        assert_eq!(Engine::all().count(), TABLE.len());
    }

    #[test]
    fn versions_mean_the_row_that_reads_as_they_do() {
        for (text, want) in [
            ("docker:1.10", Engine::Docker20),
            ("docker:20.10.24", Engine::Docker20),
            ("docker:24.0.9", Engine::Docker20),
            ("docker:25", Engine::Docker25),
            ("docker:28.2", Engine::Docker25),
            ("docker:v29.1", Engine::Docker29),
            ("docker/classic:29", Engine::Docker25),
            ("docker/containerd:28", Engine::Docker29),
            ("ctr:1.7.2", Engine::Containerd1),
            ("containerd:2.1", Engine::Containerd2),
            ("podman:3.4", Engine::Podman4),
            ("podman:4.9", Engine::Podman4),
            ("podman:5.0", Engine::Podman5),
            ("podman:10", Engine::Podman5),
            ("skopeo/oci-archive:1.14", Engine::SkopeoOci19),
            ("umoci:0.5", Engine::Umoci04),
            ("kind:0.30", Engine::Kind),
        ] {
            assert_eq!(text.parse::<Engine>().unwrap(), want, "{text}");
        }
    }

    #[test]
    fn a_requirement_is_every_version_and_any_transport() {
        let groups = |text: &str| text.parse::<Requirement>().unwrap().groups;
        use Engine as E;
        assert_eq!(groups("podman"), [vec![E::Podman4], vec![E::Podman5]]);
        assert_eq!(groups("docker"), [vec![E::Docker20], vec![E::Docker25], vec![E::Docker29]]);
        assert_eq!(
            groups("skopeo"),
            [vec![E::SkopeoDocker19, E::SkopeoOci19], vec![E::SkopeoDocker122, E::SkopeoOci122]]
        );
        assert_eq!(groups("skopeo:1.22"), [vec![E::SkopeoDocker122, E::SkopeoOci122]]);
        assert_eq!(groups("crane"), [vec![E::CraneTarball, E::CraneLayout]]);
        let list = Requirement::parse_list("docker:20.10, podman").unwrap();
        assert_eq!(list.iter().map(Requirement::name).collect::<Vec<_>>(), ["docker:20.10", "podman"]);
    }

    #[test]
    fn what_is_not_known_gets_the_list_and_a_suggestion() {
        for (text, suggestion) in [
            ("dokcer", Some("did you mean docker?")),
            ("podmna:4", Some("did you mean podman:4?")),
            ("dokcer:20", Some("did you mean docker:20?")),
            ("dokcer:v29.1.3", Some("did you mean docker:v29.1.3?")),
            ("docker/clasic:25", Some("did you mean docker/classic:25?")),
            ("skopeo/oci-achive:1.14", Some("did you mean skopeo/oci-archive:1.14?")),
            ("ctrr:1.7", Some("did you mean ctr:1.7?")),
            ("skopeo/oci-achive", Some("did you mean skopeo/oci-archive?")),
            ("docker:latest", Some("did you mean docker?")),
            ("docker:", Some("did you mean docker?")),
            ("xyz", None),
            ("xyz:20.10", None),
            ("", None),
        ] {
            let error = text.parse::<Engine>().unwrap_err();
            let hint = error.advice().unwrap();
            assert!(hint.contains("known are: docker, docker/classic, docker/classic:20.10"), "{hint}");
            assert_eq!(hint.starts_with("did you mean"), suggestion.is_some(), "{hint}");
            assert!(suggestion.is_none_or(|suggestion| hint.starts_with(suggestion)), "{hint}");
            let meant = suggestion.and_then(|said| said.rsplit(' ').next()?.strip_suffix('?'));
            assert!(meant.is_none_or(|name| name.parse::<Requirement>().is_ok()), "{meant:?} is taken");
        }
        let error = "podman".parse::<Engine>().unwrap_err().to_string();
        assert!(error.contains("podman:4, podman:5"), "{error}");
    }
}
