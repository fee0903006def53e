//! Whether the two halves of a hybrid say the same. docker reads `manifest.json`, or `index.json` where its store is
//! containerd's; what they disagree on depends on who reads it.

use std::collections::HashSet;

use super::docker::Entry;
use crate::code::Code;
use crate::digest::ImageId;
use crate::error::{Error, quoted};
use crate::faults::Faults;
use crate::graph::{Graph, Image, Name, Root};
use crate::tree::Members;

/// The docker half, and what the OCI half alone said.
pub(super) struct Halves<'a> {
    pub(super) graph: &'a Graph,
    pub(super) members: &'a Members,
    pub(super) entries: &'a [Entry],
}

impl Halves<'_> {
    /// Notes an image of the docker half that no root of the OCI half leads to.
    pub(super) fn remark_stranger(&self, entry: &Entry, id: ImageId, faults: Faults<'_>) {
        for name in entry.names() {
            let mut ids = self.graph.roots.iter().filter(|root| root.name == name).flat_map(|root| self.ids(root));
            let Name::Full(reference) = &name else { continue };
            if let Some(other) = ids.next() {
                let message = format!("{reference} is image {id} in manifest.json, and {other} in index.json");
                let error = Error::damaged(message).coded(Code::HybridDiffers).about("manifest.json").claims(id, other);
                faults.remark(|| error);
                return;
            }
        }
        faults.remark(|| {
            let message = format!("image {id} ({}) is in manifest.json, and not in index.json", names(&entry.names()));
            Error::damaged(message).coded(Code::HybridImages).about("manifest.json").claims(id, "nothing")
        });
    }

    /// Notes how an image's entry differs from what the OCI half says of it; `roots` lead to it there.
    pub(super) fn remark_differences(&self, entry: &Entry, id: ImageId, roots: &[usize], faults: Faults<'_>) {
        let roots: Vec<&Root> = roots.iter().map(|&root| &self.graph.roots[root]).collect();
        let images = roots.iter().flat_map(|root| self.graph.images_below(root.node));
        let images: Vec<&Image> =
            images.filter_map(|node| self.graph.image(node)).filter(|image| image.id() == Some(id)).collect();
        // The config is there: layers that cannot be found were noted, and are no disagreement.
        if let Some(docker) = self.docker_layers(entry)
            && let Some(oci) = images.first().and_then(|image| self.oci_layers(image))
            && !images.iter().any(|image| self.oci_layers(image).is_none_or(|layers| layers == docker))
        {
            let differing = docker.iter().zip(&oci).find(|(docker, oci)| docker != oci);
            let (claimed, found) = differing
                .map_or((format!("{} layers", docker.len()), format!("{} layers", oci.len())), |(docker, oci)| {
                    (docker.clone(), oci.clone())
                });
            let message = format!("image {id}: {claimed} in manifest.json, and {found} in index.json");
            let error = Error::damaged(message).coded(Code::HybridLayers).about("manifest.json");
            faults.remark(|| error.claims(claimed, found));
        }
        let docker = entry.names();
        let missing = docker.iter().filter(|name| name.full().is_some());
        let missing = missing.filter(|name| !roots.iter().any(|root| same_name(name, &root.name)));
        self.remark_names(id, &Vec::from_iter(missing.cloned()), "manifest.json", "index.json", faults);
        let images_of = |root: &Root| self.graph.images_below(root.node).len();
        let missing = roots.iter().filter(|root| root.name != Name::None && images_of(root) == 1);
        let missing = missing.filter(|root| !docker.iter().any(|name| same_name(name, &root.name)));
        let missing: Vec<Name> = missing.map(|root| root.name.clone()).collect();
        self.remark_names(id, &missing, "index.json", "manifest.json", faults);
    }

    fn remark_names(&self, id: ImageId, missing: &[Name], have: &str, lack: &str, faults: Faults<'_>) {
        if !missing.is_empty() {
            let names = names(missing);
            let message = format!("image {id} is named {names} in {have}, and not in {lack}");
            faults.remark(|| Error::damaged(message).coded(Code::HybridNames).about(lack).claims(names, "nothing"));
        }
    }

    /// Notes what the OCI half names and the docker half does not have, in no platform.
    pub(super) fn remark_absent(&self, faults: Faults<'_>) {
        let Some(known) = self.entries.iter().map(Entry::id).collect::<Option<HashSet<_>>>() else { return };
        for root in &self.graph.roots {
            let ids = self.ids(root);
            if !ids.is_empty() && !ids.iter().any(|id| known.contains(id)) {
                let name = names(std::slice::from_ref(&root.name));
                let message = format!("image {} ({name}) is in index.json, and not in manifest.json", ids[0]);
                faults.remark(|| {
                    Error::damaged(message).coded(Code::HybridImages).about("index.json").claims(ids[0], "nothing")
                });
            }
        }
    }

    fn ids(&self, root: &Root) -> Vec<ImageId> {
        self.graph.images_below(root.node).into_iter().filter_map(|node| self.graph.image(node)?.id()).collect()
    }

    /// Returns the members that hold the layers, through whatever links; `None` when one is not there.
    fn docker_layers(&self, entry: &Entry) -> Option<Vec<String>> {
        let origin = |path: &String| Some(self.members.find(path).ok()??.origin().to_owned());
        entry.layers.iter().map(origin).collect()
    }

    fn oci_layers(&self, image: &Image) -> Option<Vec<String>> {
        image.layers.iter().map(|layer| Some(self.graph.blob(layer.blob?).content.origin().to_owned())).collect()
    }
}

/// A bare tag is all that some layouts keep of a full name.
fn same_name(a: &Name, b: &Name) -> bool {
    match (a, b) {
        (Name::Full(full), Name::Bare(tag)) | (Name::Bare(tag), Name::Full(full)) => full.tag() == Some(tag),
        _ => a == b,
    }
}

fn names(names: &[Name]) -> String {
    let texts: Vec<_> = names.iter().take(3).map(|name| name.text().map_or("no name".into(), |t| quoted(&t))).collect();
    let more = names.len().saturating_sub(texts.len());
    if more > 0 { format!("{} and {more} more", texts.join(", ")) } else { texts.join(", ") }
}
