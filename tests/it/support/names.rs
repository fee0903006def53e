//! The rules of Docker references, written down a second time.

/// The full form of a name: registry, repository and tag. Digests and a `index.docker.io` are not kept.
pub(crate) fn full(name: &str) -> String {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    let (repository, tag) = match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (name, "latest"),
    };
    let (domain, path) = match repository.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest),
        _ => ("docker.io", repository),
    };
    let domain = if domain == "index.docker.io" { "docker.io" } else { domain };
    let library = if domain == "docker.io" && !path.contains('/') { "library/" } else { "" };
    format!("{domain}/{library}{path}:{tag}")
}

/// Whether a name is more than a tag: only such a name can become a `RepoTags` entry.
pub(crate) fn has_repository(name: &str) -> bool {
    name.contains('/') || name.split_once(':').is_some_and(|(repository, _)| !repository.is_empty())
}
