//! Reading `index.json` as containerd's importer does: docker's containerd store, ctr, kind, nerdctl.

use std::collections::HashMap;

use super::{Attempt, Obstacle, Reader};
use crate::loadability::engine::Engine;
use crate::loadability::names::{Fate, of_root};
use crate::loadability::prediction::Note;
use crate::loadability::profile::{ChildKind, Kind, OciHalf, OciImage, Quirks, Root};
use crate::loadability::rules::{CTR, Cure, FILTERING, Half};

impl Reader<'_> {
    /// containerd's importer takes every descriptor, and unpacks the machine's platform.
    pub(super) fn import(self, attempt: &mut Attempt, source: Quirks, half: &OciHalf) {
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

    fn runs(self, image: &OciImage) -> bool {
        // What names no platform is taken for the machine's.
        image.platform.as_ref().is_none_or(|platform| self.suits(platform))
    }
}

/// Tells whether two images that differ get one name.
fn collide(fates: &[Fate], digests: &[&str]) -> bool {
    let mut known = HashMap::new();
    let mut named = fates.iter().zip(digests).filter_map(|(fate, digest)| Some((fate.listed()?, digest)));
    named.any(|(name, digest)| known.insert(name, digest).is_some_and(|other| other != digest))
}
