//! Which images of a graph are meant, and which platform of each.

use std::collections::BTreeSet;

use super::{Graph, Image, Index, Name, Node, NodeId, Root};
use crate::descriptor::ATTESTED;
use crate::digest::Digest;
use crate::document::Document;
use crate::error::{Error, Result, quoted};
use crate::platform::Platform;

/// One image that a user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// `@N`, counted from 0 in the source's order.
    Position(usize),
    /// A name, or a digest of config, manifest or index, whole or at least twelve digits of it.
    Text(String),
}

/// Which platforms a user asks for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) enum Wish {
    /// What the target can hold: all, or the one there is, or the host's.
    #[default]
    Default,
    All,
    These(Vec<Platform>),
}

/// What a user asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) picks: Vec<Pick>,
    pub(crate) wish: Wish,
}

/// An image chosen for a target that holds no indexes, with all its names.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) image: NodeId,
    pub(crate) names: Vec<Name>,
}

/// What a target that holds only images gets of a graph.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) images: Vec<Chosen>,
    /// What stays behind, one line each.
    pub(crate) left: Vec<String>,
    /// What the source names and does not hold.
    pub(crate) absent: Vec<String>,
}

/// Fewer digits than docker shows are no way to name an image.
const SHORT_ID: usize = 12;

impl Pick {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text.strip_prefix('@') {
            Some(number) => {
                let position = number.parse().map_err(|_| Error::usage(format!("image {}: not @NUMBER", quoted(text))));
                position.map(Self::Position)
            }
            None => Ok(Self::Text(text.to_owned())),
        }
    }

    fn matches(&self, graph: &Graph, root: &Root) -> bool {
        match self {
            Self::Position(position) => root.position == *position,
            Self::Text(text) => root.name.matches(text) || graph.has_digest(root.node, text),
        }
    }
}

impl std::fmt::Display for Pick {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Position(position) => write!(f, "@{position}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Graph {
    /// Keeps the images that are asked for, under all their names.
    pub(crate) fn pick(&mut self, picks: &[Pick]) -> Result<()> {
        if picks.is_empty() {
            return Ok(());
        }
        let mut kept = BTreeSet::new();
        for pick in picks {
            let found: Vec<_> = self.roots.iter().filter(|root| pick.matches(self, root)).map(|r| r.node).collect();
            if found.is_empty() {
                let what = format!("no image {}; there is: {}", quoted(&pick.to_string()), self.listing());
                return Err(Error::unsupported(what));
            }
            kept.extend(found);
        }
        let before = self.roots.len();
        self.roots.retain(|root| kept.contains(&root.node));
        self.roots_changed |= self.roots.len() < before;
        Ok(())
    }

    /// Describes the roots for a message.
    fn listing(&self) -> String {
        let describe = |root: &Root| match &root.name {
            Name::Full(reference) => reference.to_string(),
            Name::Bare(tag) => tag.clone(),
            Name::Invalid { text, .. } => quoted(text),
            Name::None => format!("@{} (no name)", root.position),
        };
        let names: Vec<_> = self.roots.iter().take(20).map(describe).collect();
        let more = self.roots.len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        if names.is_empty() { "nothing".to_owned() } else { format!("{}{more}", names.join(", ")) }
    }

    fn has_digest(&self, node: NodeId, text: &str) -> bool {
        let digits = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("sha512:")).unwrap_or(text);
        if digits.len() < SHORT_ID || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return false;
        }
        let is = |digest: Digest| digest.hex().starts_with(digits);
        let mut found = false;
        self.walk(node, &mut |id| {
            found |= match self.node(id) {
                Node::Index(index) => is(index.document.digest()),
                Node::Artifact(artifact) => artifact.manifest.as_ref().is_some_and(|manifest| is(manifest.digest())),
                Node::Image(image) => {
                    image.manifest.as_ref().is_some_and(|manifest| is(manifest.digest()))
                        || image.id().is_some_and(|id| is(id.as_config_digest()))
                }
                Node::Absent(_) => false,
            };
        });
        found
    }

    /// Keeps, of each image, the platforms that are asked for: a single one without the index around it.
    pub(crate) fn narrow(&mut self, wishes: &[Platform]) -> Result<()> {
        self.roots_changed = true;
        let all: BTreeSet<NodeId> = self.roots.iter().flat_map(|root| self.images_below(root.node)).collect();
        let mut kept = BTreeSet::new();
        for group in self.groups() {
            let leaves: Vec<_> = group.iter().flat_map(|&root| self.images_below(self.roots[root].node)).collect();
            for wish in wishes {
                kept.extend(self.best(&leaves, wish));
            }
        }
        if kept.is_empty() {
            return Err(self.no_platform(wishes, &all.iter().copied().collect::<Vec<_>>()));
        }
        let roots = std::mem::take(&mut self.roots);
        for mut root in roots {
            match self.node(root.node).clone() {
                Node::Image(_) if !kept.contains(&root.node) => continue,
                Node::Index(index) => match self.narrow_index(index, &kept) {
                    Narrowed::Nothing => continue,
                    Narrowed::One(node, platform) => {
                        root.node = node;
                        if let Some(descriptor) = &mut root.descriptor {
                            // The platform of the image takes its place beside the name.
                            let field = platform.unwrap_or(serde_json::Value::Null);
                            descriptor.value["platform"] = field;
                        }
                    }
                    Narrowed::Several(node) => root.node = node,
                },
                Node::Image(_) | Node::Artifact(_) | Node::Absent(_) => {}
            }
            self.roots.push(root);
        }
        Ok(())
    }

    fn narrow_index(&mut self, index: Index, kept: &BTreeSet<NodeId>) -> Narrowed {
        let digests: BTreeSet<String> = index
            .children
            .iter()
            .filter(|child| kept.contains(&child.node))
            .map(|child| child.descriptor.digest.to_string())
            .collect();
        let mut children = Vec::new();
        let mut images = 0;
        for mut child in index.children {
            match self.node(child.node).clone() {
                Node::Index(inner) => match self.narrow_index(inner, kept) {
                    Narrowed::Nothing => continue,
                    Narrowed::One(node, _) | Narrowed::Several(node) => child.node = node,
                },
                Node::Image(_) if !kept.contains(&child.node) => continue,
                Node::Absent(_) => continue,
                Node::Artifact(_) => {
                    let about = child.descriptor.annotation(ATTESTED);
                    if about.is_some_and(|digest| !digests.contains(digest)) {
                        continue;
                    }
                    children.push(child);
                    continue;
                }
                Node::Image(_) => {}
            }
            images += 1;
            children.push(child);
        }
        match (images, children.as_slice()) {
            (0, _) => Narrowed::Nothing,
            (1, [child]) => Narrowed::One(child.node, child.descriptor.value.get("platform").cloned()),
            _ => {
                let mut value = index.document.value().clone();
                value["manifests"] = children.iter().map(|child| child.descriptor.value.clone()).collect();
                Narrowed::Several(self.add_node(Node::Index(Index { document: Document::compose(value), children })))
            }
        }
    }

    /// Chooses one image for each name: the only complete one, or the one for the platform that is asked for.
    /// Of several, none asked for, the host's; when there is none for the host, the first if `any` will do.
    pub(crate) fn choose(&self, wish: &Wish, host: &Platform, any: bool) -> Result<Choice> {
        let mut choice = Choice::default();
        let mut artifacts = Vec::new();
        for group in self.groups() {
            let mut leaves = Vec::new();
            for &root in &group {
                self.walk(self.roots[root].node, &mut |id| match self.node(id) {
                    Node::Image(_) if !leaves.contains(&id) => leaves.push(id),
                    Node::Artifact(artifact) if !artifacts.contains(&artifact.kind) => {
                        artifacts.push(artifact.kind.clone());
                    }
                    Node::Absent(what) => choice.absent.push(what.clone()),
                    _ => {}
                });
            }
            let (complete, incomplete): (Vec<_>, Vec<_>) =
                leaves.into_iter().partition(|&id| self.image(id).is_some_and(Image::is_complete));
            choice.absent.extend(incomplete.iter().filter_map(|&id| self.image(id)).flat_map(|i| i.missing.clone()));
            let chosen = match (wish, complete.as_slice()) {
                (_, []) => continue,
                (Wish::These(wishes), _) => {
                    let found: BTreeSet<_> = wishes.iter().filter_map(|wish| self.best(&complete, wish)).collect();
                    match Vec::from_iter(found).as_slice() {
                        [] => return Err(self.no_platform(wishes, &complete)),
                        [one] => *one,
                        _ => return Err(self.many_platforms(&complete, "several are asked for")),
                    }
                }
                (_, [one]) => *one,
                (Wish::All, _) if !any => return Err(self.many_platforms(&complete, "all are asked for")),
                (_, [first, ..]) if any => self.best(&complete, host).unwrap_or(*first),
                (Wish::Default | Wish::All, _) => self
                    .best(&complete, host)
                    .ok_or_else(|| self.many_platforms(&complete, &format!("none is this machine's ({host})")))?,
            };
            for other in complete.iter().filter(|&&id| id != chosen) {
                choice.left.push(format!("platform {}", self.platform_name(*other)));
            }
            choice.add(self, chosen, group.iter().map(|&root| self.roots[root].name.clone()));
        }
        if choice.images.is_empty() {
            return Err(self.nothing(&choice, &artifacts));
        }
        choice.left.extend(artifacts.into_iter().map(|kind| format!("{kind} (not an image)")));
        Ok(choice)
    }

    /// Puts roots together that are one image for several platforms: an index is one by itself; a flat `index.json` has
    /// descriptors of equal name that differ in platform.
    pub(crate) fn groups(&self) -> Vec<Vec<usize>> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for (i, root) in self.roots.iter().enumerate() {
            if root.descriptor.as_ref().is_some_and(|descriptor| descriptor.is_companion()) {
                continue;
            }
            let fits = |&other: &usize| {
                let other = &self.roots[other];
                let platforms = (self.flat_platform(root), self.flat_platform(other));
                other.name == root.name && matches!(platforms, (Some(a), Some(b)) if a != b)
            };
            match groups.iter_mut().find(|group| group.iter().all(fits)) {
                Some(group) => group.push(i),
                None => groups.push(vec![i]),
            }
        }
        // Nothing but companions: they are all there is.
        if groups.is_empty() { (0..self.roots.len()).map(|i| vec![i]).collect() } else { groups }
    }

    fn flat_platform<'r>(&self, root: &'r Root) -> Option<&'r Platform> {
        self.image(root.node)?;
        root.descriptor.as_ref()?.platform.as_ref()
    }

    fn best(&self, leaves: &[NodeId], wish: &Platform) -> Option<NodeId> {
        let distance = |&id: &NodeId| {
            let platform = self.image(id)?.platform.as_ref()?;
            platform.distance(wish).map(|distance| (distance, id))
        };
        // `min_by_key` keeps the first of equals: the source's order decides.
        leaves.iter().filter_map(distance).min_by_key(|&(distance, _)| distance).map(|(_, id)| id)
    }

    pub(crate) fn platform_name(&self, id: NodeId) -> String {
        let platform = self.image(id).and_then(|image| image.platform.as_ref());
        platform.map_or_else(|| "unknown".to_owned(), ToString::to_string)
    }

    fn platform_names(&self, leaves: &[NodeId]) -> String {
        let names: BTreeSet<_> = leaves.iter().map(|&id| self.platform_name(id)).collect();
        Vec::from_iter(names).join(", ")
    }

    fn no_platform(&self, wishes: &[Platform], leaves: &[NodeId]) -> Error {
        let wishes: Vec<_> = wishes.iter().map(ToString::to_string).collect();
        let there = self.platform_names(leaves);
        Error::unsupported(format!("no image for platform {}; there is: {there}", wishes.join(", ")))
    }

    fn many_platforms(&self, leaves: &[NodeId], why: &str) -> Error {
        let there = self.platform_names(leaves);
        Error::unsupported(format!("the target holds one platform of an image, and {why}; there is: {there}"))
            .hint("choose one with --platform, or convert to oci-archive, which holds all")
    }

    /// Tells why there is nothing to convert.
    fn nothing(&self, choice: &Choice, artifacts: &[String]) -> Error {
        match (choice.absent.as_slice(), artifacts) {
            ([], []) => Error::damaged("no image inside"),
            ([], kinds) => Error::unsupported(format!("not an image, but an artifact: {}", kinds.join(", "))),
            (absent, _) => Error::damaged(format!("no complete image: missing {}", summary(absent))),
        }
    }

    /// Fails unless something that the graph names is wholly there; warns of what is not.
    pub(crate) fn check_complete(&mut self) -> Result<()> {
        let mut absent = Vec::new();
        let mut complete = false;
        for root in &self.roots {
            self.walk(root.node, &mut |id| match self.node(id) {
                Node::Image(Image { missing, .. }) | Node::Artifact(super::Artifact { missing, .. }) => {
                    complete |= missing.is_empty();
                    absent.extend(missing.iter().cloned());
                }
                Node::Absent(what) => absent.push(what.clone()),
                Node::Index(_) => {}
            });
        }
        if !complete {
            return Err(self.nothing(&Choice { absent, ..Choice::default() }, &[]));
        }
        self.warnings.extend(absence(&absent));
        Ok(())
    }
}

/// Words a warning about what is named and not there.
pub(crate) fn absence(absent: &[String]) -> Option<String> {
    (!absent.is_empty()).then(|| format!("named in the source, but not in it: {}", summary(absent)))
}

fn summary(items: &[String]) -> String {
    let unique: BTreeSet<_> = items.iter().collect();
    let shown: Vec<_> = unique.iter().take(5).map(|item| item.as_str()).collect();
    let more = unique.len() - shown.len();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

impl Choice {
    /// Adds an image, or names to the image with the same config, as skopeo's writer does.
    fn add(&mut self, graph: &Graph, image: NodeId, names: impl Iterator<Item = Name>) {
        let id = |node| graph.image(node).and_then(Image::id);
        let same = |chosen: &Chosen| chosen.image == image || (id(image).is_some() && id(chosen.image) == id(image));
        let index = self.images.iter().position(same).unwrap_or_else(|| {
            self.images.push(Chosen { image, names: Vec::new() });
            self.images.len() - 1
        });
        for name in names {
            if !self.images[index].names.contains(&name) {
                self.images[index].names.push(name);
            }
        }
    }
}

enum Narrowed {
    Nothing,
    One(NodeId, Option<serde_json::Value>),
    Several(NodeId),
}
