//! What happens to each layer: kept, uncompressed, compressed.

use super::{Action, Expect, Forecast, Job, JobId, Jobs};
use crate::codec::{Compression, CompressionChoice, CompressionLevel, Encoding};
use crate::document;
use crate::error::{Error, Result};
use crate::graph::{BlobId, Config, Graph, Image, Layer};
use crate::media_type::LayerType;

/// What a target does with compression when nothing else is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Every layer is stored plain: what every reader of docker-archives takes.
    Plain,
    /// A manifest that names its layers is kept with them; layers that no manifest names yet become gzip, unless they
    /// are compressed in a way that OCI knows.
    KeepOrGzip,
    /// Plain and gzip layers are kept; others become gzip, because docker 20.10 reads nothing else.
    OldReaders,
}

/// Plans layers.
pub(crate) struct Layers {
    pub(crate) policy: Policy,
    pub(crate) choice: Option<CompressionChoice>,
    pub(crate) level: Option<CompressionLevel>,
    /// Claims may be wrong: nothing is known before it was measured.
    pub(crate) recompute: bool,
}

impl Layers {
    /// Adds the jobs of an image's layers. A target that needs to look into layers cannot take what is none.
    pub(crate) fn plan(&self, graph: &Graph, image: &Image, needs_tar: bool, jobs: &mut Jobs) -> Result<()> {
        if needs_tar && !self.recompute && matches!(image.config, Config::Document(_)) {
            let unnamed = image.layers.iter().any(|layer| layer.diff_id.is_none());
            if unnamed {
                return Err(document::no_rootfs());
            }
        }
        for layer in &image.layers {
            let name = || layer.descriptor.as_ref().map_or("layer".to_owned(), |d| format!("layer {}", d.digest));
            if needs_tar {
                check_tar(layer).map_err(|error| error.within(name()))?;
            }
            let Some(blob) = layer.blob else { continue };
            self.layer(graph, image, layer, blob, jobs).map_err(|error| error.within(name()))?;
        }
        Ok(())
    }

    /// Adds the job of a blob that is copied without a look inside.
    pub(crate) fn plan_opaque(&self, graph: &Graph, blob: BlobId, jobs: &mut Jobs) {
        if jobs.of(blob).is_none() {
            let expect = self.expect(graph, blob, None);
            let forecast = self.forecast(graph, blob, Action::Copy, expect);
            jobs.add(Job { blob, action: Action::Copy, expect, forecast });
        }
    }

    fn layer(&self, graph: &Graph, image: &Image, layer: &Layer, id: BlobId, jobs: &mut Jobs) -> Result<()> {
        if let Some(known) = jobs.of(id) {
            return self.again(graph, layer, id, known, jobs);
        }
        let blob = graph.blob(id);
        let Some(compression) = blob.compression.filter(|_| layer.kind == LayerType::Tar) else {
            self.plan_opaque(graph, id, jobs);
            return Ok(());
        };
        let action = self.action(compression, image.manifest.is_some())?;
        let expect = self.expect(graph, id, Some(layer));
        let forecast = self.forecast(graph, id, action, expect);
        jobs.add(Job { blob: id, action, expect, forecast });
        Ok(())
    }

    /// A blob that is already planned: what this image claims of it must be what the other one does.
    fn again(&self, graph: &Graph, layer: &Layer, blob: BlobId, known: JobId, jobs: &mut Jobs) -> Result<()> {
        let job = jobs.get_mut(known);
        match (job.expect.diff_id, layer.diff_id) {
            _ if self.recompute => {}
            (Some(one), Some(other)) if one != other => {
                let origin = graph.blob(blob).content.origin();
                let message = format!("two diff_ids are claimed for one layer: {one} and {other}");
                return Err(Error::damaged(message).within(origin));
            }
            (None, Some(diff_id)) => {
                job.expect.diff_id = Some(diff_id);
                job.forecast = self.forecast(graph, blob, job.action, job.expect);
            }
            _ => {}
        }
        Ok(())
    }

    fn action(&self, now: Compression, has_manifest: bool) -> Result<Action> {
        use {Compression as C, CompressionChoice as Choice};
        let to = |compression| {
            let encoding = Encoding::new(compression, self.level)?;
            Ok(if now == C::None { Action::Compress(encoding) } else { Action::Recompress(encoding) })
        };
        match (self.choice, self.policy) {
            (Some(Choice::Keep), Policy::KeepOrGzip | Policy::OldReaders)
                if !has_manifest && matches!(now, C::Bzip2 | C::Xz) =>
            {
                let message = format!("compressed with {}, for which OCI has no media type", now.name());
                Err(Error::unsupported(message).hint("--compression gzip recompresses it"))
            }
            (Some(Choice::Keep), _) => Ok(Action::Copy),
            (Some(Choice::None), _) | (None, Policy::Plain) => {
                Ok(if now == C::None { Action::Copy } else { Action::Decompress })
            }
            (Some(Choice::Gzip), _) => {
                if now == C::Gzip {
                    Ok(Action::Copy)
                } else {
                    to(C::Gzip)
                }
            }
            (Some(Choice::Zstd), _) => {
                if now == C::Zstd {
                    Ok(Action::Copy)
                } else {
                    to(C::Zstd)
                }
            }
            (None, Policy::KeepOrGzip) => match now {
                _ if has_manifest => Ok(Action::Copy),
                C::Gzip | C::Zstd => Ok(Action::Copy),
                C::None | C::Bzip2 | C::Xz => to(C::Gzip),
            },
            (None, Policy::OldReaders) => match now {
                C::None | C::Gzip => Ok(Action::Copy),
                C::Zstd | C::Bzip2 | C::Xz => to(C::Gzip),
            },
        }
    }

    fn expect(&self, graph: &Graph, blob: BlobId, layer: Option<&Layer>) -> Expect {
        Expect {
            digest: graph.blob(blob).claim.map(|(digest, _)| digest),
            diff_id: layer.and_then(|layer| layer.diff_id),
        }
    }

    fn forecast(&self, graph: &Graph, blob: BlobId, action: Action, expect: Expect) -> Option<Forecast> {
        if self.recompute {
            return None;
        }
        let blob = graph.blob(blob);
        let plain = expect.diff_id.map(|diff_id| diff_id.as_plain_digest());
        let (digest, size) = match action {
            Action::Copy if expect.digest.is_some() => (expect.digest, Some(blob.content.size())),
            Action::Copy if blob.compression == Some(Compression::None) => (plain, Some(blob.content.size())),
            Action::Decompress => (plain, None),
            Action::Copy | Action::Compress(_) | Action::Recompress(_) => (None, None),
        };
        // Layers without a claimed diff_id have to be measured where the target names them by it.
        let diff_id_known = expect.diff_id.is_some() || blob.compression.is_none() || self.policy != Policy::Plain;
        // Manifests of an OCI layout hold sizes.
        let size_known = size.is_some() || self.policy == Policy::Plain;
        digest.filter(|_| diff_id_known && size_known).map(|digest| Forecast { digest, size, diff_id: expect.diff_id })
    }
}

/// Fails for a layer that cannot be in a docker-archive.
fn check_tar(layer: &Layer) -> Result<()> {
    let media_type = layer.descriptor.as_ref().and_then(|d| d.media_type.as_deref()).unwrap_or_default();
    match layer.kind {
        LayerType::Tar => {}
        LayerType::Encrypted => {
            let hint = "decrypt it first; oci-archive and oci-dir hold it as it is";
            return Err(Error::unsupported(format!("encrypted ({media_type})")).hint(hint));
        }
        LayerType::Other => {
            return Err(Error::unsupported(format!("media type {media_type} is no layer of a file system")));
        }
    }
    if layer.blob.is_none() {
        let urls = layer.descriptor.as_ref().map(|descriptor| descriptor.urls().join(", ")).unwrap_or_default();
        let message = format!("a foreign layer that is not in the source, but at {urls}");
        return Err(
            Error::unsupported(message).hint("nothing is fetched from the network; put the blob into the source")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: Policy, choice: Option<CompressionChoice>, manifest: bool, want: [Option<&str>; 5]) {
        let all = [Compression::None, Compression::Gzip, Compression::Zstd, Compression::Bzip2, Compression::Xz];
        let layers = Layers { policy, choice, level: None, recompute: false };
        let got = all.map(|now| layers.action(now, manifest).ok().map(Action::name));
        assert_eq!(got, want, "{policy:?} {choice:?} {manifest}");
    }

    #[test]
    fn nothing_is_recompressed_without_need() {
        use CompressionChoice as Choice;
        let (copy, plain, pack, repack) = (Some("copy"), Some("decompress"), Some("compress"), Some("recompress"));
        check(Policy::Plain, None, false, [copy, plain, plain, plain, plain]);
        check(Policy::Plain, Some(Choice::Keep), false, [copy; 5]);
        check(Policy::Plain, Some(Choice::Gzip), false, [pack, copy, repack, repack, repack]);
        check(Policy::KeepOrGzip, None, true, [copy; 5]);
        check(Policy::KeepOrGzip, None, false, [pack, copy, copy, repack, repack]);
        check(Policy::KeepOrGzip, Some(Choice::Keep), false, [copy, copy, copy, None, None]);
        check(Policy::KeepOrGzip, Some(Choice::Zstd), true, [pack, repack, copy, repack, repack]);
        check(Policy::KeepOrGzip, Some(Choice::None), true, [copy, plain, plain, plain, plain]);
        check(Policy::OldReaders, None, true, [copy, copy, repack, repack, repack]);
    }
}
