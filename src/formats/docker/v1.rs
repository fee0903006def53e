//! IDs of v1 layers as containers/image makes them (skopeo, podman, buildah). Nothing reads them since docker 1.10; they
//! are written because the archive is to be the same bytes.

use std::collections::BTreeMap;

use super::legacy::raw_fields;
use crate::digest::{DiffId, Digest};
use crate::document::Document;
use crate::error::Result;
use crate::go_json;

/// A layer's folder: its ID and its `json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct V1Layer {
    pub(super) id: String,
    pub(super) json: String,
}

/// What the top layer's metadata takes from the config; what the config lacks is null.
const CONFIG_KEYS: [&str; 7] =
    ["architecture", "config", "container", "container_config", "created", "docker_version", "os"];

/// Returns the v1 layers of an image, bottom first.
pub(super) fn layers(config: &Document, diff_ids: &[DiffId]) -> Result<Vec<V1Layer>> {
    let mut layers: Vec<V1Layer> = Vec::new();
    let mut chain = String::new();
    for (i, diff_id) in diff_ids.iter().enumerate() {
        chain =
            if i == 0 { diff_id.to_string() } else { Digest::of(format!("{chain} {diff_id}").as_bytes()).to_string() };
        let mut fields: BTreeMap<&str, String> = BTreeMap::new();
        if let Some(parent) = layers.last() {
            fields.insert("parent", go_json::quote(&parent.id));
        }
        if i + 1 == diff_ids.len() {
            let mut own = raw_fields(config)?;
            for key in CONFIG_KEYS {
                fields.insert(key, own.remove(key).unwrap_or_else(|| "null".to_owned()));
            }
        }
        fields.insert("layer_id", go_json::quote(&chain));
        let id = Digest::of(go_json::object(fields.clone()).as_bytes()).hex();
        fields.remove("layer_id");
        fields.insert("id", go_json::quote(&id));
        layers.push(V1Layer { json: go_json::object(fields), id });
    }
    Ok(layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checked against skopeo 1.9.3 and 1.22.
    #[test]
    fn ids_are_those_that_skopeo_makes() {
        let config = concat!(
            r#"{"architecture":"amd64","config":{"Env":["A=<b>&c"], "Cmd":["/x"]},"created":"2023-01-02T03:04:05Z","#,
            r#""os":"linux","rootfs":{"type":"layers","diff_ids":["#,
            r#""sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef","#,
            r#""sha256:80422bc3d307b4a25bdafcc84ac7fb01cb55a09810e8b0f37bb12e0edb5c48ca"]}}"#
        );
        let config = Document::compose_text(config.into());
        assert_eq!(config.digest().hex(), "0cb3f7f715be787116cdebdf0c49786765814bbf15289a8eb8925b27d03ebcdc");
        let diff_ids = [vec![0; 1024], vec![0; 1536]].map(|layer| DiffId::of_tar(Digest::of(&layer)));
        let layers = layers(&config, &diff_ids).unwrap();
        let ids: Vec<_> = layers.iter().map(|layer| layer.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "8ec18aff18f272f173c5ff3ee6f2637b70843070e81796b5659168d059b766be",
                "6463e99260bd22e3e19136dd1a5ce8dbb7b563ee952120106510cb51fda7eb6f",
            ]
        );
        assert_eq!(layers[0].json, format!("{{\"id\":\"{}\"}}", ids[0]));
        assert!(layers[1].json.contains(r#"\u003cb\u003e\u0026c"],"Cmd":["/x"]},"container":null"#));
    }
}
