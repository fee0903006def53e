//! Platforms of a graph's images: which image suits a wish, and which roots are one image for several platforms.

use std::collections::{BTreeSet, HashMap};

use super::{Graph, Name, NodeId, Root};
use crate::error::Error;
use crate::platform::Platform;

/// Which platforms a user asks for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) enum Wish {
    /// What the target can hold: all, or the one there is, or the host's.
    #[default]
    Default,
    All,
    These(Vec<Platform>),
}

impl Graph {
    /// Puts roots together that are one image for several platforms: an index is one by itself; a flat `index.json` has
    /// descriptors of equal name that differ in platform.
    pub(crate) fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        // The second image of a name for one platform starts a second group of that name, and so on.
        let mut of_name: HashMap<&Name, Vec<usize>> = HashMap::new();
        let mut seen: HashMap<(&Name, &Platform), usize> = HashMap::new();
        for (i, root) in self.roots.iter().enumerate() {
            if root.descriptor.as_ref().is_some_and(|descriptor| descriptor.is_companion()) {
                continue;
            }
            let Some(platform) = self.flat_platform(root) else {
                groups.push(vec![i]);
                continue;
            };
            let nth = seen.entry((&root.name, platform)).or_default();
            let own = of_name.entry(&root.name).or_default();
            match own.get(*nth) {
                Some(&group) => groups[group].push(i),
                None => {
                    own.push(groups.len());
                    groups.push(vec![i]);
                }
            }
            *nth += 1;
        }
        // Nothing but companions: they are all there is.
        if groups.is_empty() { (0..self.roots.len()).map(|i| vec![i]).collect() } else { groups }
    }

    fn flat_platform<'r>(&self, root: &'r Root) -> Option<&'r Platform> {
        self.image(root.node)?;
        root.descriptor.as_ref()?.platform.as_ref()
    }

    pub(super) fn best(&self, leaves: &[NodeId], wish: &Platform) -> Option<NodeId> {
        let distance = |&id: &NodeId| {
            let platform = self.image(id)?.platform.as_ref()?;
            platform.distance(wish).map(|distance| (distance, id))
        };
        // `min_by_key` keeps the first of equals: the source's order decides.
        leaves.iter().filter_map(distance).min_by_key(|&(distance, _)| distance).map(|(_, id)| id)
    }

    pub(super) fn platform_name(&self, id: NodeId) -> String {
        let platform = self.image(id).and_then(|image| image.platform.as_ref());
        platform.map_or_else(|| "unknown".to_owned(), ToString::to_string)
    }

    pub(super) fn platform_names(&self, leaves: &[NodeId]) -> String {
        let names: BTreeSet<_> = leaves.iter().map(|&id| self.platform_name(id)).collect();
        Vec::from_iter(names).join(", ")
    }

    pub(super) fn no_platform(&self, wishes: &[Platform], leaves: &[NodeId]) -> Error {
        let wishes: Vec<_> = wishes.iter().map(ToString::to_string).collect();
        let there = self.platform_names(leaves);
        Error::unsupported(format!("no image for platform {}; there is: {there}", wishes.join(", ")))
    }
}
