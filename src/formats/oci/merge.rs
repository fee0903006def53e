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
/// digest without a name is replaced, if it says nothing that the new one does not.
pub(crate) fn merge(existing: Option<&[u8]>, added: &[u8], limits: &Limits) -> Result<Vec<u8>> {
    let Some(existing) = existing else { return Ok(added.to_vec()) };
    let values = limits.json_values;
    let document = Document::parse(existing.to_vec(), values).within("index.json")?;
    let mut old = descriptors(&document).within("index.json")?;
    let added = descriptors(&Document::parse(added.to_vec(), values)?)?;
    let names: Vec<_> = added.iter().map(Name::from_annotations).filter(|name| *name != Name::None).collect();
    let is_in = |one: &Descriptor, all: &[Descriptor]| all.iter().any(|other| other.value == one.value);
    // Platforms of one name that come together keep it, each.
    for old in old.iter_mut().filter(|old| names.contains(&Name::from_annotations(old)) && !is_in(old, &added)) {
        *old = without_name(old)?;
    }
    let new: Vec<_> = added.into_iter().filter(|new| !is_in(new, &old)).collect();
    old.retain(|old| !new.iter().any(|new| says_it_all(new, old)));
    old.extend(new);
    let mut value = document.value();
    if value.get("schemaVersion").is_none() {
        value = json!({"schemaVersion": 2, "mediaType": OCI_INDEX});
    }
    *field(&mut value, "manifests") = old.into_iter().map(|descriptor| descriptor.value).collect::<Vec<Value>>().into();
    Ok(Document::compose(&value).bytes().to_vec())
}

/// Tells whether a descriptor without a name has nothing that another one has not.
fn says_it_all(new: &Descriptor, old: &Descriptor) -> bool {
    let says = |new: &Value, old: &Value, but: &str| {
        let fields = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let new = fields(new);
        fields(old).iter().all(|(key, value)| key == but || new.get(key) == Some(value))
    };
    let nothing = Value::Null;
    let annotations = |descriptor: &Descriptor| descriptor.value.get("annotations").unwrap_or(&nothing).clone();
    new.digest == old.digest
        && Name::from_annotations(old) == Name::None
        && says(&new.value, &old.value, "annotations")
        && says(&annotations(new), &annotations(old), "")
}

fn without_name(descriptor: &Descriptor) -> Result<Descriptor> {
    let mut value = descriptor.value.clone();
    let annotations = field(&mut value, "annotations");
    annotations
        .as_object_mut()
        .into_iter()
        .for_each(|map| map.retain(|key, _| key != CONTAINERD_NAME && key != REF_NAME));
    if annotations.as_object().is_some_and(|map| map.is_empty()) {
        value.as_object_mut().into_iter().for_each(|map| drop(map.remove("annotations")));
    }
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
        let merged: Value =
            serde_json::from_slice(&merge(Some(&index(old)), &index(new), &Limits::default()).unwrap()).unwrap();
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
        // What comes together stays together.
        let both = [("a", Some("v1")), ("b", Some("v1"))];
        check(&[], &both, &both);
        check(&[("c", Some("v1"))], &both, &[("c", None), both[0], both[1]]);
        check(&[("a", Some("v2"))], &both, &[("a", Some("v2")), both[0], both[1]]);
        check(&both, &both, &both);
    }
}
