//! Comparing configs by what they mean to docker: Go reads a field that is absent, null, or the zero value of its type
//! alike, and writes it in one way or another (`omitempty`). Fields that Go's types do not have are compared as they are.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::model::FieldChange;
use crate::json::fold;

/// How the value of a field is read.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// A value whose zero is as good as none.
    Plain,
    /// A pointer: only null is as good as none.
    Pointer,
    /// A time in RFC 3339; year 1 is none.
    Time,
    /// Fields by name, in any letter case.
    Struct(&'static [(&'static str, Shape)]),
    /// Keys that mean something by being there, with values of this shape.
    Map(&'static Shape),
    /// Elements of this shape, in an order that counts.
    List(&'static Shape),
    /// A list of `NAME=VALUE`.
    Environment,
    /// Compared elsewhere.
    Apart,
}

use Shape::{Apart, Environment, List, Map, Plain, Pointer, Struct, Time};

/// image-spec, config.md, and what moby adds (`image.Image`, `container.Config`).
const IMAGE: Shape = Struct(&[
    ("created", Time),
    ("author", Plain),
    ("architecture", Plain),
    ("variant", Plain),
    ("os", Plain),
    ("os.version", Plain),
    ("os.features", Plain),
    ("config", CONTAINER),
    ("container_config", CONTAINER),
    ("container", Plain),
    ("docker_version", Plain),
    ("comment", Plain),
    ("id", Plain),
    ("parent", Plain),
    ("size", Plain),
    ("rootfs", Struct(&[("type", Plain), ("diff_ids", Apart)])),
    ("history", List(&HISTORY)),
]);

const HISTORY: Shape =
    Struct(&[("created", Time), ("author", Plain), ("created_by", Plain), ("comment", Plain), ("empty_layer", Plain)]);

const CONTAINER: Shape = Struct(&[
    ("Hostname", Plain),
    ("Domainname", Plain),
    ("User", Plain),
    ("Memory", Plain),
    ("MemorySwap", Plain),
    ("CpuShares", Plain),
    ("AttachStdin", Plain),
    ("AttachStdout", Plain),
    ("AttachStderr", Plain),
    ("ExposedPorts", Map(&Plain)),
    ("Tty", Plain),
    ("OpenStdin", Plain),
    ("StdinOnce", Plain),
    ("Env", Environment),
    ("Cmd", Plain),
    ("Healthcheck", HEALTHCHECK),
    ("ArgsEscaped", Plain),
    ("Image", Plain),
    ("Volumes", Map(&Plain)),
    ("WorkingDir", Plain),
    ("Entrypoint", Plain),
    ("NetworkDisabled", Plain),
    ("MacAddress", Plain),
    ("OnBuild", Plain),
    ("Labels", Map(&Plain)),
    ("StopSignal", Plain),
    // Zero kills at once; none waits ten seconds.
    ("StopTimeout", Pointer),
    ("Shell", Plain),
]);

const HEALTHCHECK: Shape = Struct(&[
    ("Test", Plain),
    ("Interval", Plain),
    ("Timeout", Plain),
    ("StartPeriod", Plain),
    ("StartInterval", Plain),
    ("Retries", Plain),
]);

/// Returns the fields in which two configs differ, those of `rootfs.diff_ids` apart.
pub(super) fn compare(a: &Value, b: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare_values("", IMAGE, Some(a), Some(b), &mut changes);
    changes
}

fn compare_values(path: &str, shape: Shape, a: Option<&Value>, b: Option<&Value>, out: &mut Vec<FieldChange>) {
    let (a, b) = (a.filter(|a| !is_none(shape, a)), b.filter(|b| !is_none(shape, b)));
    match (shape, a, b) {
        (Apart, ..) | (_, None, None) => {}
        (Struct(fields), Some(Value::Object(_)) | None, Some(Value::Object(_)) | None) => {
            let mut inside = Vec::new();
            compare_fields(path, fields, a, b, &mut inside);
            // What only one has is told as a whole, the main parts apart.
            let whole = (a.is_none() || b.is_none()) && !matches!(path, "" | "config");
            if whole && !inside.is_empty() {
                out.push(FieldChange { path: path.to_owned(), a: a.cloned(), b: b.cloned() });
            } else {
                out.extend(inside);
            }
        }
        (Map(shape), Some(Value::Object(_)) | None, Some(Value::Object(_)) | None) => {
            let entry = |map: Option<&'_ Value>, key: &str| map.and_then(|map| map.get(key)).cloned();
            for key in keys(a, b) {
                let path = format!("{path}[{}]", Value::from(key));
                match (entry(a, key), entry(b, key)) {
                    (Some(a), Some(b)) => compare_values(&path, *shape, Some(&a), Some(&b), out),
                    (a, b) => out.push(FieldChange { path, a, b }),
                }
            }
        }
        (List(shape), Some(Value::Array(_)) | None, Some(Value::Array(_)) | None) => {
            let items = |list: Option<&'_ Value>| list.and_then(Value::as_array).cloned().unwrap_or_default();
            let (a, b) = (items(a), items(b));
            for i in 0..a.len().max(b.len()) {
                let path = format!("{path}[{i}]");
                match (a.get(i), b.get(i)) {
                    (Some(a), Some(b)) => compare_values(&path, *shape, Some(a), Some(b), out),
                    (a, b) => out.push(FieldChange { path, a: a.cloned(), b: b.cloned() }),
                }
            }
        }
        (Environment, ..) => compare_environments(path, a, b, out),
        (Time, Some(Value::String(x)), Some(Value::String(y))) if same_time(x, y) => {}
        (_, a, b) if a == b => {}
        (_, a, b) => out.push(FieldChange { path: path.to_owned(), a: a.cloned(), b: b.cloned() }),
    }
}

/// Tells whether Go reads a value as it reads none.
fn is_none(shape: Shape, value: &Value) -> bool {
    let zero = match value {
        Value::Null => return true,
        Value::Bool(is) => !is,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty() || (matches!(shape, Time) && text.starts_with("0001-01-01T00:00:00")),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    };
    zero && !matches!(shape, Pointer)
}

fn compare_fields(
    path: &str,
    fields: &'static [(&'static str, Shape)],
    a: Option<&Value>,
    b: Option<&Value>,
    out: &mut Vec<FieldChange>,
) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let find = |of: Option<&'_ Value>, name: &str| {
        let found = of?.as_object()?.iter().rfind(|(key, _)| fold(key) == fold(name));
        found.map(|(_, value)| value.clone())
    };
    for (name, shape) in fields {
        compare_values(&below(name), *shape, find(a, name).as_ref(), find(b, name).as_ref(), out);
    }
    let known = |key: &str| fields.iter().any(|(name, _)| fold(name) == fold(key));
    for key in keys(a, b).into_iter().filter(|key| !known(key)) {
        let value = |of: Option<&'_ Value>| of.and_then(|of| of.get(key)).cloned();
        compare_values(&below(key), Pointer, value(a).as_ref(), value(b).as_ref(), out);
    }
}

/// Returns the keys of two objects, those of the first in its order, then what only the second has.
fn keys<'v>(a: Option<&'v Value>, b: Option<&'v Value>) -> Vec<&'v str> {
    let keys = |of: Option<&'v Value>| of.and_then(Value::as_object).into_iter().flat_map(|map| map.keys());
    let first = |key: &&String| a.and_then(|a| a.get(key.as_str())).is_some();
    keys(a).chain(keys(b).filter(|key| !first(key))).map(String::as_str).collect()
}

/// Compares variable by variable, where each is there once.
fn compare_environments(path: &str, a: Option<&Value>, b: Option<&Value>, out: &mut Vec<FieldChange>) {
    let whole = || FieldChange { path: path.to_owned(), a: a.cloned(), b: b.cloned() };
    let (Some(one), Some(other)) = (variables(a), variables(b)) else {
        if a != b {
            out.push(whole());
        }
        return;
    };
    let by_name = |list: &[(&'_ str, &'_ str)]| -> HashMap<String, String> {
        list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let (of_one, of_other) = (by_name(&one), by_name(&other));
    let common_one = one.iter().map(|(name, _)| name).filter(|name| of_other.contains_key(**name));
    let common_other = other.iter().map(|(name, _)| name).filter(|name| of_one.contains_key(**name));
    if !common_one.eq(common_other) {
        out.push(whole());
        return;
    }
    let only_other = other.iter().filter(|(name, _)| !of_one.contains_key(*name));
    for (name, _) in one.iter().chain(only_other) {
        let (a, b) = (of_one.get(*name), of_other.get(*name));
        if a != b {
            let value = |text: Option<&String>| text.map(|text| Value::from(text.as_str()));
            out.push(FieldChange { path: format!("{path}[{}]", Value::from(*name)), a: value(a), b: value(b) });
        }
    }
}

/// Takes a list of `NAME=VALUE` apart; `None` when it is no such list, or a name is there twice.
fn variables(list: Option<&Value>) -> Option<Vec<(&str, &str)>> {
    let Some(list) = list else { return Some(Vec::new()) };
    let mut found: Vec<(&str, &str)> = Vec::new();
    let mut seen = HashSet::new();
    for item in list.as_array()? {
        let (name, value) = item.as_str()?.split_once('=')?;
        if !seen.insert(name) {
            return None;
        }
        found.push((name, value));
    }
    Some(found)
}

/// Tells whether two times are written in two ways: with zeros at the end of the fraction, or UTC as an offset.
fn same_time(a: &str, b: &str) -> bool {
    let normal = |text: &str| {
        let text = text.strip_suffix("+00:00").map_or(text.to_owned(), |text| format!("{text}Z"));
        match text.strip_suffix('Z').and_then(|text| text.split_once('.')) {
            Some((seconds, fraction)) => match fraction.trim_end_matches('0') {
                "" => format!("{seconds}Z"),
                fraction => format!("{seconds}.{fraction}Z"),
            },
            None => text,
        }
    };
    normal(a) == normal(b)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_go_reads_alike_is_the_same() {
        for (a, b) in [
            (json!({}), json!({"created": null, "author": "", "config": {}, "history": [], "rootfs": {}})),
            (json!({"created": "0001-01-01T00:00:00Z"}), json!({})),
            (json!({"created": "2023-01-02T03:04:05.100Z"}), json!({"created": "2023-01-02T03:04:05.1+00:00"})),
            (json!({"created": "2023-01-02T03:04:05.000Z"}), json!({"created": "2023-01-02T03:04:05Z"})),
            (json!({"config": {"Env": null, "Tty": false, "Labels": {}}}), json!({"config": null})),
            (json!({"config": {"Volumes": {"/v": {}}}}), json!({"Config": {"volumes": {"/v": null}}})),
            (json!({"history": [{"empty_layer": false}]}), json!({"history": [{"comment": ""}]})),
            (json!({"config": {"Healthcheck": {"Retries": 0}}}), json!({"config": {}})),
            (json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1, "c": null})),
            (json!({"rootfs": {"diff_ids": ["x"]}}), json!({"rootfs": {"diff_ids": []}})),
        ] {
            assert_eq!(compare(&a, &b), [], "{a} {b}");
            assert_eq!(compare(&b, &a), [], "{b} {a}");
        }
    }

    #[test]
    fn what_differs_is_told_where_it_is() {
        for (a, b, want) in [
            (
                json!({"config": {"Cmd": ["a"]}}),
                json!({"config": {"Cmd": ["b"]}}),
                &["config.Cmd: [\"a\"] [\"b\"]"][..],
            ),
            (json!({"config": {"StopTimeout": 0}}), json!({}), &["config.StopTimeout: 0 -"]),
            (json!({"config": {"Labels": {"a": ""}}}), json!({"config": {}}), &["config.Labels[\"a\"]: \"\" -"]),
            (
                json!({"config": {"Labels": {"a": "1", "b": "2"}}}),
                json!({"config": {"Labels": {"c": "3", "b": "4"}}}),
                &[
                    "config.Labels[\"a\"]: \"1\" -",
                    "config.Labels[\"b\"]: \"2\" \"4\"",
                    "config.Labels[\"c\"]: - \"3\"",
                ],
            ),
            (
                json!({"config": {"ExposedPorts": {"80/tcp": {}}}}),
                json!({}),
                &["config.ExposedPorts[\"80/tcp\"]: {} -"],
            ),
            (
                json!({"config": {"Env": ["A=1", "B=2", "C=3"]}}),
                json!({"config": {"Env": ["A=1", "B=x=y", "D="]}}),
                &["config.Env[\"B\"]: \"2\" \"x=y\"", "config.Env[\"C\"]: \"3\" -", "config.Env[\"D\"]: - \"\""],
            ),
            (
                json!({"config": {"Env": ["A=1", "B=2"]}}),
                json!({"config": {"Env": ["B=2", "A=1"]}}),
                &["config.Env: [\"A=1\",\"B=2\"] [\"B=2\",\"A=1\"]"],
            ),
            (
                json!({"config": {"Env": ["A=1", "A=2"]}}),
                json!({"config": {"Env": ["A=2"]}}),
                &["config.Env: [\"A=1\",\"A=2\"] [\"A=2\"]"],
            ),
            (json!({"config": {"Env": ["A"]}}), json!({"config": {"Env": ["A"]}}), &[]),
            (
                json!({"history": [{"created_by": "x"}]}),
                json!({"history": [{"created_by": "y"}, {"comment": "z"}]}),
                &["history[0].created_by: \"x\" \"y\"", "history[1]: - {\"comment\":\"z\"}"],
            ),
            // What Go's types do not have is compared as it is.
            (json!({"new": ""}), json!({}), &["new: \"\" -"]),
            (
                json!({"config": {"new": {"a": []}}}),
                json!({"config": {"new": {"a": null}}}),
                &["config.new: {\"a\":[]} {\"a\":null}"],
            ),
            (
                json!({"config": {"Labels": 1}}),
                json!({"config": {"Labels": {"a": "b"}}}),
                &["config.Labels: 1 {\"a\":\"b\"}"],
            ),
        ] {
            let text = |value: &Option<Value>| value.as_ref().map_or("-".to_owned(), Value::to_string);
            let got: Vec<_> = compare(&a, &b)
                .iter()
                .map(|change| format!("{}: {} {}", change.path, text(&change.a), text(&change.b)))
                .collect();
            assert_eq!(got, want, "{a} {b}");
        }
    }
}
