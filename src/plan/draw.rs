//! From a graph and a wish to a plan.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Jobs;
use super::dropped::dropped;
use super::layers::{Layers, Policy};
use super::naming::{self, PlannedImage, tags_for};
use super::vouched::broken;
use crate::codec::{CompressionChoice, CompressionLevel};
use crate::descriptor::{CONTAINERD_NAME, Descriptor};
use crate::error::{Error, Result};
use crate::graph::{Choice, Chosen, Graph, Name, Node, NodeId, Pick, Root, Wish, absence};
use crate::platform::Platform;

/// What a target can hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Abilities {
    /// Its name, for messages.
    pub(crate) name: &'static str,
    /// Indexes, artifacts, annotations: whatever an OCI layout can.
    pub(crate) whole_graph: bool,
    /// Images by name for readers that know nothing else.
    pub(crate) docker_images: bool,
    pub(crate) policy: Policy,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Which images; none: all.
    pub(crate) picks: Vec<Pick>,
    pub(crate) wish: Wish,
    /// Names in place of the source's.
    pub(crate) names: Vec<Name>,
    pub(crate) choice: Option<CompressionChoice>,
    pub(crate) level: Option<CompressionLevel>,
    pub(crate) recompute: bool,
    pub(crate) host: Platform,
}

/// What will be done.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) jobs: Jobs,
    /// The images that readers of docker-archives will see.
    pub(crate) docker_images: Vec<PlannedImage>,
    /// What the target cannot hold, one line each.
    pub(crate) losses: Vec<String>,
}

/// Narrows the graph to what is asked for, and plans its conversion.
pub(crate) fn draw(graph: &mut Graph, target: Abilities, wanted: &Wanted) -> Result<Plan> {
    let Wanted { picks, wish, names, choice, level, recompute, host } = wanted;
    graph.pick(picks)?;
    let layers = Layers { policy: target.policy, choice: *choice, level: *level, recompute: *recompute };
    let mut plan = Plan { jobs: Jobs::default(), docker_images: Vec::new(), losses: Vec::new() };
    if target.whole_graph {
        if let Wish::These(platforms) = wish {
            graph.narrow(platforms)?;
        }
        graph.check_complete()?;
        rename(graph, names)?;
        drop_repeated(graph);
        check_names(graph)?;
        if names.is_empty() {
            let roots: Vec<_> = graph.roots.iter().collect();
            let rewritten = |root: &Root, of: &Descriptor| rewrites(target, root, of);
            plan.losses.extend(naming::lost(graph, &roots, &rewritten));
        }
        plan_graph(graph, &layers, &mut plan)?;
    }
    if target.docker_images {
        let chosen = choose(graph, target, wanted, host, &mut plan.losses)?;
        plan.docker_images = tags_for(graph, &chosen, &mut plan.losses)?;
        for PlannedImage { node, .. } in &plan.docker_images {
            let image = graph.image(*node).expect("only images are chosen");
            layers.plan(graph, image, true, &mut plan.jobs)?;
        }
    }
    let mut seen = HashSet::new();
    let losses = graph.losses.drain(..).chain(plan.losses).filter(|loss| seen.insert(loss.clone())).collect();
    Ok(Plan { losses, ..plan })
}

fn choose(
    graph: &mut Graph,
    target: Abilities,
    wanted: &Wanted,
    host: &Platform,
    losses: &mut Vec<String>,
) -> Result<Vec<Chosen>> {
    let Choice { mut images, left, absent } = graph.choose(&wanted.wish, host, target.whole_graph)?;
    if !target.whole_graph {
        graph.warnings.extend(absence(&absent));
        losses.extend(left.into_iter().map(|what| format!("{what}: left out, {} cannot hold it", target.name)));
        losses.extend(dropped(graph, &images));
        if !wanted.names.is_empty() {
            let [only] = images.as_mut_slice() else { return Err(one_image(images.len())) };
            only.names.clone_from(&wanted.names);
        } else {
            let roots: Vec<_> = images.iter().flat_map(|image| &image.roots).map(|&root| &graph.roots[root]).collect();
            losses.extend(naming::lost(graph, &roots, &|_, _| true));
        }
    }
    Ok(images)
}

/// Tells whether a target with descriptors writes the names in this one anew.
fn rewrites(target: Abilities, root: &Root, descriptor: &Descriptor) -> bool {
    let renamed = Name::from_annotations(descriptor) != root.name;
    // Readers of hybrids look for the full name in one place only.
    let unnamed = target.docker_images && descriptor.annotation(CONTAINERD_NAME).is_none();
    root.name.full().is_some() && (renamed || unnamed)
}

fn one_image(count: usize) -> Error {
    Error::usage(format!("--tag names one image, but {count} are selected")).hint("choose one with --image")
}

/// Adds jobs for everything that the roots lead to.
fn plan_graph(graph: &Graph, layers: &Layers, plan: &mut Plan) -> Result<()> {
    let mut nodes: Vec<NodeId> = Vec::new();
    for root in &graph.roots {
        graph.walk(root.node, &mut |id| nodes.push(id));
    }
    for id in nodes {
        match graph.node(id) {
            Node::Image(image) => layers.plan(graph, image, false, &mut plan.jobs)?,
            Node::Artifact(artifact) => {
                artifact.blobs.iter().for_each(|&blob| layers.plan_opaque(graph, blob, &mut plan.jobs));
            }
            Node::Index(_) | Node::Absent(_) => {}
        }
    }
    plan.losses.extend(broken(graph, &plan.jobs));
    Ok(())
}

/// Gives the one selected image the names that are asked for, in place of all it had. What docker lists beside it
/// goes by the first; other artifacts keep names of their own.
fn rename(graph: &mut Graph, names: &[Name]) -> Result<()> {
    let Some(first) = names.first() else { return Ok(()) };
    let (mut groups, others): (Vec<_>, Vec<_>) = graph
        .groups()
        .into_iter()
        .partition(|group| group.iter().any(|&root| !graph.images_below(graph.roots[root].node).is_empty()));
    if groups.is_empty() {
        groups = others;
    }
    let nodes = |group: &Vec<usize>| group.iter().map(|&root| graph.roots[root].node).collect::<Vec<_>>();
    let images: BTreeSet<_> = groups.iter().map(nodes).collect();
    let (Some(group), 1) = (groups.first(), images.len()) else { return Err(one_image(images.len())) };
    let mut distinct: Vec<&Name> = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    let named = |(name, root): (&Name, usize)| Root { name: name.clone(), ..graph.roots[root].clone() };
    let pairs = distinct.into_iter().flat_map(|name| group.iter().map(move |&root| (name, root)));
    let mut roots: Vec<Root> = pairs.map(named).collect();
    let shown: BTreeSet<usize> = groups.iter().flatten().copied().collect();
    for root in (0..graph.roots.len()).filter(|root| !shown.contains(root)) {
        let companion = graph.roots[root].descriptor.as_ref().is_some_and(Descriptor::is_companion);
        roots.push(if companion { named((first, root)) } else { graph.roots[root].clone() });
    }
    graph.roots = roots;
    graph.roots_changed = true;
    Ok(())
}

/// Drops images of docker-archives that are listed again under the same name.
fn drop_repeated(graph: &mut Graph) {
    let mut seen = HashSet::new();
    let roots = std::mem::take(&mut graph.roots);
    let new = |root: &Root| {
        let id = graph.image(root.node).and_then(|image| image.id());
        root.descriptor.is_some() || id.is_none() || seen.insert((id, root.name.clone()))
    };
    graph.roots = roots.into_iter().filter(new).collect();
}

/// Checks the names of images that no `index.json` holds yet: those of docker-archives.
fn check_names(graph: &Graph) -> Result<()> {
    let mut owners = BTreeMap::new();
    for root in graph.roots.iter().filter(|root| root.descriptor.is_none()) {
        match &root.name {
            Name::Invalid { why, .. } => return Err(naming::invalid(why)),
            Name::Full(reference) => {
                let id = graph.image(root.node).and_then(|image| image.id());
                let owner = owners.insert(reference, (root.node, id));
                if owner.is_some_and(|(node, other)| node != root.node && (id.is_none() || other != id)) {
                    return Err(naming::twice(reference));
                }
            }
            Name::Bare(_) | Name::None => {}
        }
    }
    Ok(())
}
