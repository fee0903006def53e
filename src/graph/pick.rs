//! The images that a user names.

use std::collections::BTreeSet;

use super::narrow::Strays;
use super::{Graph, Name, Node, NodeId, Root};
use crate::digest::Digest;
use crate::error::{Error, Result, quoted};

/// One image that a user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// `@N`, counted from 0 in the source's order.
    Position(usize),
    /// A name, or a digest of config, manifest or index, whole or at least twelve digits of it.
    Text(String),
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

    /// Returns the nodes of a root that are meant.
    pub(crate) fn find(&self, graph: &Graph, root: &Root) -> Vec<NodeId> {
        match self {
            Self::Position(position) if root.position == *position => vec![root.node],
            Self::Text(text) if root.name.matches(text) => vec![root.node],
            Self::Text(text) => graph.with_digest(root.node, text),
            Self::Position(_) => Vec::new(),
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
    /// Keeps the images that are asked for, under all their names. A digest of something inside an index means that alone.
    pub(crate) fn pick(&mut self, picks: &[Pick]) -> Result<()> {
        if picks.is_empty() {
            return Ok(());
        }
        let mut wanted = BTreeSet::new();
        for pick in picks {
            let found: Vec<_> = self.roots.iter().flat_map(|root| pick.find(self, root)).collect();
            if found.is_empty() {
                let what = format!("no image {}; there is: {}", quoted(&pick.to_string()), self.listing());
                return Err(Error::unsupported(what));
            }
            wanted.extend(found);
        }
        let inside = wanted.iter().flat_map(|&node| self.images_below(node)).collect();
        self.keep(&inside, &wanted, Strays::Go);
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

    /// Returns the nodes, from this one down, that a digest or the start of one means.
    fn with_digest(&self, node: NodeId, text: &str) -> Vec<NodeId> {
        let digits = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("sha512:")).unwrap_or(text);
        let mut found = Vec::new();
        if digits.len() < SHORT_ID || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return found;
        }
        let is = |digest: Digest| digest.hex().starts_with(digits);
        self.walk(node, &mut |id| {
            let meant = match self.node(id) {
                Node::Index(index) => is(index.document.digest()),
                Node::Artifact(artifact) => artifact.manifest.as_ref().is_some_and(|manifest| is(manifest.digest())),
                Node::Image(image) => {
                    image.manifest.as_ref().is_some_and(|manifest| is(manifest.digest()))
                        || image.id().is_some_and(|id| is(id.as_config_digest()))
                }
                Node::Absent(_) => false,
            };
            found.extend(meant.then_some(id));
        });
        found
    }
}
