//! Adding images to the `index.json` of a layout that is there.

use serde_json::{Value, json};

use crate::descriptor::{CONTAINERD_NAME, Descriptor, REF_NAME};
use crate::document::Document;
use crate::error::{Error, Result, Within};
use crate::graph::Name;
use crate::json::{Cursor, field};
use crate::limits::Limits;
use crate::media_type::OCI_INDEX;

/// Returns the index of both. As in skopeo, an older image of the same name stays without the name, and one of the same
/// digest without a name is replaced.
pub(crate) fn merge(existing: Option<&[u8]>, added: &[u8]) -> Result<Vec<u8>> {
    let Some(existing) = existing else { return Ok(added.to_vec()) };
    let values = Limits::default().json_values;
    let document = Document::parse(existing.to_vec(), values).within("index.json")?;
    let mut old = descriptors(&document).within("index.json")?;
    for new in descriptors(&Document::parse(added.to_vec(), values)?)? {
        let name = Name::from_annotations(&new);
        if old.iter().any(|old| old.value == new.value) {
            continue;
        }
        for same_name in old.iter_mut().filter(|old| name != Name::None && Name::from_annotations(old) == name) {
            *same_name = without_name(same_name)?;
        }
        // An image without a name has its place in the index only as long as it has no other.
        let unnamed = |old: &Descriptor| old.digest == new.digest && Name::from_annotations(old) == Name::None;
        old.retain(|old| !unnamed(old));
        old.push(new);
    }
    let mut value = document.value();
    if value.get("schemaVersion").is_none() {
        value = json!({"schemaVersion": 2, "mediaType": OCI_INDEX});
    }
    *field(&mut value, "manifests") = old.into_iter().map(|descriptor| descriptor.value).collect::<Vec<Value>>().into();
    Ok(Document::compose(&value).bytes().to_vec())
}

fn without_name(descriptor: &Descriptor) -> Result<Descriptor> {
    let mut value = descriptor.value.clone();
    let annotations = field(&mut value, "annotations").as_object_mut();
    annotations.into_iter().for_each(|map| map.retain(|key, _| key != CONTAINERD_NAME && key != REF_NAME));
    Descriptor::read(&Cursor::new(&value))
}

fn descriptors(index: &Document) -> Result<Vec<Descriptor>> {
    let value = index.value();
    let index = Cursor::new(&value);
    if !index.value().is_object() {
        return Err(Error::damaged("not a JSON object"));
    }
    index.list("manifests")?.iter().map(Descriptor::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn index(items: &[(&str, Option<&str>)]) -> Vec<u8> {
        let item = |(content, name): &(&str, Option<&str>)| {
            let mut value = json!({"digest": Digest::of(content.as_bytes()).to_string(), "size": 1});
            if let Some(name) = name {
                value["annotations"] = json!({REF_NAME: name});
            }
            value
        };
        json!({"schemaVersion": 2, "manifests": items.iter().map(item).collect::<Vec<_>>(), "x": 1}).to_string().into()
    }

    fn check(old: &[(&str, Option<&str>)], new: &[(&str, Option<&str>)], want: &[(&str, Option<&str>)]) {
        let merged: Value = serde_json::from_slice(&merge(Some(&index(old)), &index(new)).unwrap()).unwrap();
        let got: Vec<_> = merged["manifests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| {
                let name = item["annotations"].get(REF_NAME).and_then(Value::as_str);
                (item["digest"].as_str().unwrap().to_owned(), name.map(str::to_owned))
            })
            .collect();
        let want: Vec<_> = want
            .iter()
            .map(|(content, name)| (Digest::of(content.as_bytes()).to_string(), name.map(str::to_owned)))
            .collect();
        assert_eq!(got, want);
        assert_eq!(merged["x"], 1, "unknown fields survive");
    }

    #[test]
    fn a_name_moves_to_the_new_image_and_nothing_is_lost() {
        check(&[], &[("a", Some("v1"))], &[("a", Some("v1"))]);
        check(&[("a", Some("v1"))], &[("b", Some("v2"))], &[("a", Some("v1")), ("b", Some("v2"))]);
        check(&[("a", Some("v1"))], &[("b", Some("v1"))], &[("a", None), ("b", Some("v1"))]);
        check(&[("a", Some("v1"))], &[("a", Some("v1"))], &[("a", Some("v1"))]);
        check(&[("a", Some("v1"))], &[("a", Some("v2"))], &[("a", Some("v1")), ("a", Some("v2"))]);
        check(&[("a", None)], &[("a", Some("v1"))], &[("a", Some("v1"))]);
        check(&[("a", None)], &[("b", None)], &[("a", None), ("b", None)]);
    }
}
