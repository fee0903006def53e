//! Which names images get in a docker-archive or in the docker half of a hybrid.

use std::collections::BTreeMap;

use crate::error::{Error, Result, quoted};
use crate::graph::{Chosen, Graph, Name, NodeId};
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
    for Chosen { image, names } in chosen {
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
