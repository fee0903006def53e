//! What a source names and does not hold.

use std::collections::BTreeSet;

use super::{Graph, Node};
use crate::error::{Error, Result};

impl Graph {
    /// Fails unless something that the graph names is wholly there; warns of what is not.
    pub(crate) fn check_complete(&mut self) -> Result<()> {
        let mut absent = Vec::new();
        let mut complete = false;
        for root in &self.roots {
            self.walk(root.node, &mut |id| {
                let missing = match self.node(id) {
                    Node::Image(image) => &image.missing,
                    Node::Artifact(artifact) => &artifact.missing,
                    Node::Absent(what) => return absent.push(what.clone()),
                    Node::Index(_) => return,
                };
                complete |= missing.is_empty();
                absent.extend(missing.iter().cloned());
            });
        }
        if !complete {
            return Err(nothing(&absent, &[]));
        }
        self.warnings.extend(absence(&absent));
        Ok(())
    }
}

/// Tells why there is nothing to convert.
pub(super) fn nothing(absent: &[String], artifacts: &[String]) -> Error {
    match (absent, artifacts) {
        ([], []) => Error::damaged("no image inside"),
        ([], kinds) => Error::unsupported(format!("not an image, but an artifact: {}", kinds.join(", "))),
        (absent, _) => Error::damaged(format!("no complete image: missing {}", summary(absent))),
    }
}

/// Words a warning about what is named and not there.
pub(crate) fn absence(absent: &[String]) -> Option<String> {
    (!absent.is_empty()).then(|| format!("named in the source, but not in it: {}", summary(absent)))
}

fn summary(items: &[String]) -> String {
    let unique: BTreeSet<_> = items.iter().collect();
    let shown: Vec<_> = unique.iter().take(3).map(|item| item.as_str()).collect();
    let more = unique.len() - shown.len();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}
