//! v1 metadata of docker older than 1.8.3, as docker 1.10 to 24 rewrites it on loading: through its own structs, which
//! fixes the order of fields, drops unknown ones and fills in those that are missing (moby, `MakeConfigFromV1Config`).
//! Doing the same gives the image the ID that docker gives it.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::go_json;
use crate::json::Cursor;

/// Texts of the v1 metadata that stay as they are, and are left out when they are empty.
const TEXTS: [&str; 7] = ["architecture", "author", "comment", "container", "docker_version", "os", "variant"];

/// How docker's struct holds a field of a container's configuration.
enum Kind {
    Text,
    Flag,
    /// An array of strings; docker takes a lone string, too.
    Texts,
    /// An object whose values are strings.
    TextMap,
    /// An object whose values are empty objects.
    Set,
}

/// Fields in the struct's order; whether an empty one is left out.
const FIELDS: [(&str, Kind, bool); 21] = [
    ("Hostname", Kind::Text, false),
    ("Domainname", Kind::Text, false),
    ("User", Kind::Text, false),
    ("AttachStdin", Kind::Flag, false),
    ("AttachStdout", Kind::Flag, false),
    ("AttachStderr", Kind::Flag, false),
    ("ExposedPorts", Kind::Set, true),
    ("Tty", Kind::Flag, false),
    ("OpenStdin", Kind::Flag, false),
    ("StdinOnce", Kind::Flag, false),
    ("Env", Kind::Texts, false),
    ("Cmd", Kind::Texts, false),
    ("Image", Kind::Text, false),
    ("Volumes", Kind::Set, false),
    ("WorkingDir", Kind::Text, false),
    ("Entrypoint", Kind::Texts, false),
    ("NetworkDisabled", Kind::Flag, true),
    ("MacAddress", Kind::Text, true),
    ("OnBuild", Kind::Texts, false),
    ("Labels", Kind::TextMap, false),
    ("StopSignal", Kind::Text, true),
];

/// Tells whether docker rewrites the metadata of an image that this version of it made.
pub(super) fn is_rewritten(docker_version: &str) -> bool {
    let mut parts = docker_version.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let version: [u32; 3] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    version < [1, 8, 3]
}

/// Returns the fields of a config, as raw JSON by key.
pub(super) fn rewritten(v1: &Cursor<'_>) -> Result<BTreeMap<String, String>> {
    let mut fields = BTreeMap::new();
    for key in TEXTS {
        if let Some(text) = v1.text_of(key)?.filter(|text| !text.is_empty()) {
            fields.insert(key.to_owned(), go_json::quote(text));
        }
    }
    fields.insert("created".to_owned(), go_json::quote(&time(v1.text_of("created")?)));
    fields.insert("container_config".to_owned(), container_config(v1.get("container_config")?)?);
    if let Some(config) = v1.get("config")? {
        fields.insert("config".to_owned(), container_config(Some(config))?);
    }
    Ok(fields)
}

fn container_config(config: Option<Cursor<'_>>) -> Result<String> {
    let mut fields = Vec::new();
    for (key, kind, omit_empty) in &FIELDS {
        let value = config.as_ref().map_or(Ok(None), |config| config.get(key))?;
        let (raw, empty) = match kind {
            Kind::Text => {
                let text = value.map_or(Ok(""), |value| value.text())?;
                (go_json::quote(text), text.is_empty())
            }
            Kind::Flag => {
                let flag = value.is_some_and(|value| value.value().as_bool() == Some(true));
                (flag.to_string(), !flag)
            }
            Kind::Texts => match value {
                Some(value) if value.value().is_string() => (go_json::array([go_json::quote(value.text()?)]), false),
                Some(value) => {
                    let texts = value
                        .items()?
                        .iter()
                        .map(|text| text.text().map(go_json::quote))
                        .collect::<Result<Vec<_>>>()?;
                    (go_json::array(texts), false)
                }
                None => ("null".to_owned(), true),
            },
            Kind::TextMap => map(value, |value| value.text().map(go_json::quote))?,
            Kind::Set => map(value, |_| Ok("{}".to_owned()))?,
        };
        if !(*omit_empty && empty) {
            fields.push((*key, raw));
        }
    }
    Ok(go_json::object(fields))
}

/// Writes an object with sorted keys; tells whether it is empty.
fn map(value: Option<Cursor<'_>>, write: impl Fn(&Cursor<'_>) -> Result<String>) -> Result<(String, bool)> {
    let Some(value) = value else { return Ok(("null".to_owned(), true)) };
    let members = value.members()?;
    let sorted = members.iter().map(|(key, value)| Ok((*key, write(value)?))).collect::<Result<BTreeMap<_, _>>>()?;
    let empty = sorted.is_empty();
    Ok((go_json::object(sorted), empty))
}

/// Writes a time as Go does: no zeros at the end of the fraction, `Z` for UTC, year 1 for none.
pub(super) fn time(text: Option<&str>) -> String {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return "0001-01-01T00:00:00Z".to_owned() };
    let split =
        text.char_indices().skip(19).find(|(_, c)| !c.is_ascii_digit() && *c != '.').map_or(text.len(), |(i, _)| i);
    let (clock, zone) = text.split_at(split);
    let clock = if clock.contains('.') { clock.trim_end_matches('0').trim_end_matches('.') } else { clock };
    format!("{clock}{}", if zone == "+00:00" { "Z" } else { zone })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_go_writes_them() {
        for (text, want) in [
            ("2013-06-13T14:03:50.821769-07:00", "2013-06-13T14:03:50.821769-07:00"),
            ("2015-04-17T22:01:12.627568420Z", "2015-04-17T22:01:12.62756842Z"),
            ("2015-04-17T22:01:12.000Z", "2015-04-17T22:01:12Z"),
            ("2015-04-17T22:01:10Z", "2015-04-17T22:01:10Z"),
            ("2015-04-17T22:01:10+00:00", "2015-04-17T22:01:10Z"),
        ] {
            assert_eq!(time(Some(text)), want);
        }
        assert_eq!(time(None), "0001-01-01T00:00:00Z");
    }

    #[test]
    fn only_metadata_of_old_docker_is_rewritten() {
        for (version, want) in [("", true), ("0.6.3", true), ("1.8.2", true), ("1.8.3", false), ("1.9.1-cs3", false)] {
            assert_eq!(is_rewritten(version), want, "{version}");
        }
    }
}
