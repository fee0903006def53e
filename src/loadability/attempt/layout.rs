//! Reading a whole layout: umoci, crane, regctl.

use std::collections::HashMap;

use super::{Attempt, Obstacle, Reader};
use crate::loadability::engine::Engine;
use crate::loadability::names::{Fate, of_root};
use crate::loadability::prediction::Note;
use crate::loadability::profile::{Kind, OciHalf, Quirks};
use crate::loadability::rules::{Cure, Half};

impl Reader<'_> {
    /// umoci is told a tag, and wants it to lead to one image.
    pub(super) fn umoci(self, attempt: &mut Attempt, source: Quirks, half: &OciHalf) {
        const SOURCE: &str = "umoci, oci/casext/refname.go";
        attempt.break_rules(self.engine, Half::Oci, source);
        let mut tags: HashMap<_, usize> = HashMap::new();
        for root in &half.roots {
            *tags.entry(&root.ref_name).or_default() += 1;
        }
        let mut failures = Vec::new();
        let mut fates = Vec::new();
        for root in &half.roots {
            let fate = of_root(self.engine, root);
            let mut own = Attempt::default();
            match &fate {
                Fate::Nameless => {
                    own.obstacle(Obstacle::new("no image has a ref.name, which it asks for", Cure::Name, SOURCE));
                }
                Fate::Refused(reason) => own.obstacle(Obstacle::new(reason.clone(), Cure::Name, SOURCE)),
                _ if tags[&root.ref_name] > 1 => {
                    own.obstacle(Obstacle::new("several images have the same ref.name", Cure::One, SOURCE));
                }
                _ => {}
            }
            match root.kind {
                Kind::Absent => own.obstacle(Obstacle::new("it is not there", Cure::Nothing, SOURCE)),
                _ if root.leaves.is_empty() => {
                    own.obstacle(Obstacle::new("an artifact, not an image", Cure::Nothing, SOURCE));
                }
                _ if root.manifests > 1 => {
                    let reason =
                        format!("it takes no index with several manifests, and this one has {}", root.manifests);
                    own.obstacle(Obstacle::new(reason, Cure::Rebuild, SOURCE));
                }
                _ => {}
            }
            own.break_rules(self.engine, Half::Oci, half.below(root));
            if own.obstacles.is_empty() {
                fates.push(fate);
            } else if failures.is_empty() {
                failures = own.obstacles;
            }
        }
        if half.roots.is_empty() {
            attempt.obstacle(Obstacle::new("index.json names nothing", Cure::Nothing, SOURCE));
        }
        if fates.is_empty() {
            failures.into_iter().for_each(|failure| attempt.obstacle(failure));
        }
        let left = half.roots.len() - fates.len();
        if left > 0 && !fates.is_empty() {
            attempt.note(Note::LeavesOut { images: left });
        }
        self.name(attempt, fates.into_iter());
    }

    /// crane and regctl copy everything that the one descriptor leads to.
    pub(super) fn copy_whole(self, attempt: &mut Attempt, source: Quirks, half: &OciHalf) {
        if half.roots.len() != 1 {
            attempt.note(match self.engine {
                Engine::CraneLayout => Note::NeedsOption("--index"),
                _ => Note::NeedsReference { example: "regctl image import --name NAME".to_owned() },
            });
        }
        if half.roots.iter().any(|root| root.absent) {
            let obstacle = Obstacle::new(
                "it copies everything, and not all of it is there",
                Cure::Platform,
                "measured with crane 0.21.10",
            );
            attempt.obstacle(obstacle);
        }
        let quirks = half.roots.iter().fold(source, |quirks, root| quirks.and(half.below(root)));
        attempt.break_rules(self.engine, Half::Oci, quirks);
    }
}
