//! Which names images get in a docker-archive or in the docker half of a hybrid, and which names of the source are lost.

use std::collections::{BTreeMap, HashSet};

use crate::descriptor::{CONTAINERD_NAME, Descriptor, REF_NAME};
use crate::error::{Error, Result, quoted};
use crate::graph::{Chosen, Graph, NO_TAG, Name, NodeId, Root};
use crate::reference::Reference;

/// An image with the names that it gets.
#[derive(Clone, Debug)]
pub(crate) struct PlannedImage {
    pub(crate) node: NodeId,
    pub(crate) tags: Vec<Reference>,
}

/// Decides the names; what becomes of the others is added to `losses`.
pub(crate) fn tags_for(graph: &Graph, chosen: &[Chosen], losses: &mut Vec<String>) -> Result<Vec<PlannedImage>> {
    let mut owners: BTreeMap<&Reference, NodeId> = BTreeMap::new();
    let mut planned = Vec::new();
    for Chosen { image, names, .. } in chosen {
        let mut tags = Vec::new();
        for name in names {
            match name {
                Name::None => {}
                Name::Full(reference) => {
                    if owners.insert(reference, *image).is_some_and(|owner| !same_image(graph, owner, *image)) {
                        return Err(twice(reference));
                    }
                    tags.push(reference.clone());
                }
                Name::Bare(tag) => losses.push(format!(
                    "the tag {} has no repository, so the image is written without a name; --tag NAME:{tag} gives it one",
                    quoted(tag)
                )),
                Name::Invalid { text, why, fatal: false } => losses.push(format!(
                    "the name {} is dropped, docker does not take it ({why}); --tag gives the image another",
                    quoted(text)
                )),
                Name::Invalid { why, fatal: true, .. } => return Err(invalid(why)),
            }
        }
        planned.push(PlannedImage { node: *image, tags });
    }
    Ok(planned)
}

/// Lists what is lost of the names of these roots apart from what [`tags_for`] tells: digests, which are no part of the
/// names that images get, and second names of one descriptor. A descriptor keeps its names unless they are `written` anew.
pub(super) fn lost(graph: &Graph, roots: &[&Root], written: &dyn Fn(&Root, &Descriptor) -> bool) -> Vec<String> {
    let mut losses = Vec::new();
    let mut kept = HashSet::new();
    for root in roots {
        let Some(descriptor) = &root.descriptor else { continue };
        if written(root, descriptor) {
            losses.extend(lost_of(root, descriptor));
        } else {
            let texts = [CONTAINERD_NAME, REF_NAME].into_iter().filter_map(|key| descriptor.annotation(key));
            kept.extend(texts.filter_map(|text| text.parse::<Reference>().ok()));
        }
    }
    if graph.entries.is_empty() {
        return losses;
    }
    let images = roots.iter().flat_map(|root| graph.images_below(root.node));
    let ids: HashSet<_> = images.filter_map(|image| graph.image(image)?.id()).collect();
    for entry in graph.entries.iter().filter(|entry| entry.id().is_some_and(|id| ids.contains(&id))) {
        let gone = |text: &&String| !text.parse().is_ok_and(|reference: Reference| kept.contains(&reference));
        let tags = entry.tags.iter().filter(gone);
        losses.extend(tags.filter_map(|text| lost_digest(text, &Name::from_repo_tag(text))));
    }
    losses
}

/// Lists what an image that is named as its root is does not keep of a descriptor's names.
fn lost_of(root: &Root, descriptor: &Descriptor) -> Vec<String> {
    let (containerd, spec) = (descriptor.annotation(CONTAINERD_NAME), descriptor.annotation(REF_NAME));
    // containerd writes what stands behind the repository.
    let ends = |name: &str, end: &str| {
        name.strip_suffix(end).is_some_and(|start| start.is_empty() || start.ends_with([':', '@']))
    };
    let spec = spec.filter(|&spec| !containerd.is_some_and(|name| ends(name, spec)));
    let tell = |text: &str| {
        let name = Name::from_annotation(text);
        let short = matches!((&name, &root.name), (Name::Bare(tag), Name::Full(full)) if full.tag() == Some(tag));
        if short || text == descriptor.digest.to_string() {
            None
        } else if name == Name::None || name == root.name {
            lost_digest(text, &name)
        } else {
            let other = quoted(&root.name.text().unwrap_or_default());
            Some(format!(
                "the name {} is dropped, {other} stands beside it; --tag can give several names",
                quoted(text)
            ))
        }
    };
    containerd.into_iter().chain(spec).filter_map(tell).collect()
}

/// Words the loss of the digest in a name, which is all of it where there is no tag.
fn lost_digest(text: &str, name: &Name) -> Option<String> {
    match name {
        Name::None if text != NO_TAG => Some(format!(
            "the name {} is dropped, it has a digest in place of a tag; --tag gives the image another",
            quoted(text)
        )),
        Name::Full(short) if text.contains('@') => {
            Some(format!("the digest in the name {} is dropped, the image is called {short}", quoted(text)))
        }
        _ => None,
    }
}

fn same_image(graph: &Graph, a: NodeId, b: NodeId) -> bool {
    let id = |node| graph.image(node).and_then(|image| image.id());
    a == b || (id(a).is_some() && id(a) == id(b))
}

/// Words the error for a name that cannot be carried over.
pub(crate) fn invalid(why: &str) -> Error {
    Error::damaged(format!("RepoTags or ref.name: {why}")).hint("--tag gives the image a name of your own")
}

/// Words the error for a name of two images.
pub(crate) fn twice(reference: &Reference) -> Error {
    Error::damaged(format!("the tag {reference} is given to two images: ambiguous"))
        .hint("choose an image by its digest or number, as in --image @0")
}
