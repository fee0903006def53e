//! Reading `index.json` as containers/image does: podman, skopeo, buildah.

use super::{Attempt, Obstacle, Reader};
use crate::loadability::names::{is_ref_name, of_root};
use crate::loadability::prediction::Note;
use crate::loadability::profile::{Child, ChildKind, Kind, OciHalf, Quirk, Quirks, Root};
use crate::loadability::rules::{Cure, Half, PODMAN, SKOPEO, STORAGE};

impl Reader<'_> {
    /// containers/image takes one descriptor, and of an index the image for the platform.
    pub(super) fn containers_image(self, attempt: &mut Attempt, source: Quirks, half: &OciHalf) {
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
                Err(self.with_other_platform(Obstacle::new(reason, Cure::Rebuild, SOURCE), root, half))
            }
            None => {
                let reason = format!("no image for {}", self.host);
                Err(self.with_other_platform(Obstacle::new(reason, Cure::Rebuild, SOURCE), root, half))
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
}
