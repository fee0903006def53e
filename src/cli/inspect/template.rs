//! `--format`: Go templates, as docker and podman take them, over the fields of an image.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use gotmpl::{MissingKey, Template, TemplateError, Value};
use serde_json::{Value as Json, json};
use transload::{Error, InspectedImage, Inspection, escape, escape_json};

use crate::cli::source::usage;

/// A template that parses.
pub(super) struct Format(Template);

impl Format {
    /// Reads a template. Outside braces `\n` and `\t` are a line feed and a tab, as in `docker ps --format`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let template = Template::new("format").missing_key(MissingKey::Error);
        let template = FUNCTIONS.iter().fold(template, |template, (name, function)| template.func(name, function));
        template.parse(&unescape(text)).map(Self).map_err(|error| usage(&error.to_string()).within("--format"))
    }

    /// Writes one line for each image.
    pub(super) fn write(&self, out: &mut dyn Write, path: &str, found: &Inspection) -> anyhow::Result<()> {
        for image in &found.images {
            let text = self.0.execute_to_string(&fields(path, found, image)?).map_err(|error| refuse(&error))?;
            writeln!(out, "{}", shown(&text))?;
        }
        Ok(())
    }
}

fn refuse(error: &TemplateError) -> Error {
    usage(&error.to_string()).within("--format").hint("the fields are those of --json: image_id there is .ImageID here")
}

/// Replaces `\n` and `\t` in the text around actions; inside, they are Go's.
fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (outside, inside) = rest.split_at(rest.find("{{").unwrap_or(rest.len()));
        out.push_str(&outside.replace("\\n", "\n").replace("\\t", "\t"));
        let end = inside.find("}}").map_or(inside.len(), |at| at + 2);
        out.push_str(&inside[..end]);
        rest = &inside[end..];
    }
    out
}

/// What an image has when it has none of what JSON leaves out: as in Go, every field is there.
fn absent() -> Absent {
    let image = json!({
        "platform": "", "os": "", "os_version": "", "architecture": "", "variant": "", "created": "", "author": "",
        "built_with": "", "image_id": "", "manifest_digest": "", "index_digest": "", "uncompressed_size": 0,
        "config": {}, "annotations": {}, "companions": [], "missing": [],
    });
    // docker prints these whether or not the config has them.
    let config = json!({
        "User": "", "ExposedPorts": {}, "Env": [], "Entrypoint": [], "Cmd": [], "Volumes": {}, "WorkingDir": "", "Labels": {},
        "StopSignal": "", "Healthcheck": {}, "OnBuild": [], "Shell": [],
    });
    let layer = json!({
        "size": 0, "uncompressed_size": 0, "compression": "", "media_type": "", "digest": "", "diff_id": "", "urls": [],
        "created_by": "",
    });
    let companion = json!({"names": [], "digest": "", "subject": "", "parts": [], "missing": []});
    Absent { image, config, layer, companion }
}

struct Absent {
    image: Json,
    config: Json,
    layer: Json,
    companion: Json,
}

fn with_absent(value: &mut Json, absent: &Json) {
    if let (Json::Object(fields), Json::Object(absent)) = (value, absent) {
        for (key, value) in absent {
            fields.entry(key).or_insert_with(|| value.clone());
        }
    }
}

/// Returns what a template sees: the image, and the archive as `.Archive`.
fn fields(path: &str, found: &Inspection, image: &InspectedImage) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(image)?;
    let absent = absent();
    with_absent(&mut value, &absent.image);
    with_absent(&mut value["config"], &absent.config);
    for (list, absent) in [("layers", absent.layer), ("companions", absent.companion)] {
        let items = value.get_mut(list).and_then(Json::as_array_mut);
        items.into_iter().flatten().for_each(|item| with_absent(item, &absent));
    }
    for line in value.get_mut("history").and_then(Json::as_array_mut).into_iter().flatten() {
        with_absent(line, &json!({"created": "", "created_by": "", "author": "", "comment": "", "layer": 0}));
    }
    value["archive"] = json!({
        "path": path, "format": found.format.name(), "era": found.era.unwrap_or_default(),
        "producer": found.producer.unwrap_or_default(),
    });
    Ok(convert(&value, true))
}

/// Makes a value of JSON. Our own keys are spelled as Go spells fields; those of the source stay.
fn convert(json: &Json, own: bool) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(n), ..) => Value::Int(n),
            (_, Some(n), _) => Value::Uint(n),
            (.., Some(n)) => Value::Float(n),
            _ => Value::String(number.to_string().into()),
        },
        Json::String(text) => Value::String(veil(text).into()),
        Json::Array(items) => Value::List(items.iter().map(|item| convert(item, own)).collect()),
        Json::Object(fields) => {
            let field = |(key, value): (&String, &Json)| {
                let inside = own && !["config", "annotations"].contains(&key.as_str());
                let key = if own { go_name(key) } else { veil(key) };
                (Arc::from(key.as_str()), convert(value, inside))
            };
            Value::Map(Arc::new(fields.iter().map(field).collect::<BTreeMap<_, _>>()))
        }
    }
}

/// Spells a field as Go does: `image_id` is `ImageID`.
fn go_name(key: &str) -> String {
    let word = |word: &str| match word {
        "id" | "os" => word.to_uppercase(),
        _ => word[..1].to_uppercase() + &word[1..],
    };
    key.split('_').filter(|part| !part.is_empty()).map(word).collect()
}

/// White space of the source, and what stands for it while a template runs: characters that Unicode sets aside for such
/// uses. So a line end in a label is told from one in the template.
const VEILED: [(char, char); 3] = [('\n', '\u{fdd0}'), ('\t', '\u{fdd1}'), ('\r', '\u{fdd2}')];

fn veil(text: &str) -> String {
    let set_aside = |c: char| VEILED.iter().any(|(_, veil)| *veil == c);
    let veiled = |c: char| VEILED.iter().find(|(open, _)| *open == c).map_or(c, |(_, veil)| *veil);
    text.chars().map(|c| if set_aside(c) { char::REPLACEMENT_CHARACTER } else { veiled(c) }).collect()
}

fn unveil(text: &str) -> String {
    text.chars().map(|c| VEILED.iter().find(|(_, veil)| *veil == c).map_or(c, |(open, _)| *open)).collect()
}

/// Escapes what a template made: all but the template's own line ends and tabs.
fn shown(text: &str) -> String {
    let one = |c: char| match c {
        '\n' | '\t' => c.to_string(),
        c => escape(&unveil(c.encode_utf8(&mut [0; 4]))),
    };
    text.chars().map(one).collect()
}

type Function = fn(&[Value]) -> Result<Value, TemplateError>;

/// The functions that docker and podman add to Go's own.
const FUNCTIONS: [(&str, Function); 6] = [
    ("json", |args| Ok(Value::String(escape_json(&to_json(one(args)?).to_string()).into()))),
    ("join", |args| {
        let [Value::List(items), separator] = args else { return Err(wrong("join LIST SEPARATOR")) };
        let items: Vec<_> = items.iter().map(ToString::to_string).collect();
        Ok(Value::String(items.join(&separator.to_string()).into()))
    }),
    ("split", |args| {
        let [text, separator] = args else { return Err(wrong("split TEXT SEPARATOR")) };
        let (text, separator) = (text.to_string(), separator.to_string());
        Ok(Value::List(text.split(&separator).map(|part| Value::String(part.into())).collect()))
    }),
    ("lower", |args| Ok(Value::String(one(args)?.to_string().to_lowercase().into()))),
    ("upper", |args| Ok(Value::String(one(args)?.to_string().to_uppercase().into()))),
    ("truncate", |args| {
        let [text, Value::Int(length)] = args else { return Err(wrong("truncate TEXT LENGTH")) };
        let length = usize::try_from(*length).map_err(|_| wrong("truncate TEXT LENGTH"))?;
        Ok(Value::String(text.to_string().chars().take(length).collect::<String>().into()))
    }),
];

fn one(args: &[Value]) -> Result<&Value, TemplateError> {
    match args {
        [one] => Ok(one),
        _ => Err(wrong("one argument")),
    }
}

fn wrong(want: &str) -> TemplateError {
    TemplateError::Exec(format!("wants {want}"))
}

fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(n) => (*n).into(),
        Value::Uint(n) => (*n).into(),
        Value::Float(n) => (*n).into(),
        Value::String(text) => unveil(text).into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(fields) => fields.iter().map(|(key, value)| (unveil(key), to_json(value))).collect(),
        Value::Function(_) => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_spelled_as_in_go() {
        for (key, want) in
            [("image_id", "ImageID"), ("diff_id", "DiffID"), ("os_version", "OSVersion"), ("layers", "Layers")]
        {
            assert_eq!(go_name(key), want);
        }
    }

    #[test]
    fn escapes_outside_of_actions_are_white_space() {
        assert_eq!(unescape(r#"a\tb\n{{"\n"}}\n{{.X"#), "a\tb\n{{\"\\n\"}}\n{{.X");
    }

    #[test]
    fn white_space_of_the_source_is_escaped_and_exact_in_json() {
        let template = Format::parse("{{.A}}\n{{json .A}}").unwrap();
        let value = convert(&json!({"a": "x\ny\t\u{1b}\u{fdd0}"}), true);
        let text = shown(&template.0.execute_to_string(&value).unwrap());
        assert_eq!(text, "x\\ny\\t\\u{1b}\u{fffd}\n\"x\\ny\\t\\u001b\u{fffd}\"");
    }
}
