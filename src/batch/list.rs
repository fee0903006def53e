//! The list of a batch: paths, or JSON lines that say more of each item.

use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::json_line;
use super::lines::{Lines, Text};
use crate::error::{Error, Result, Within};
use crate::limits::{Limits, exceeded};

/// One line of a list. As JSON it is an object with these keys in this order; what is not said is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Line {
    /// Path of the archive or folder to read.
    #[serde(rename = "in")]
    pub input: String,
    /// Path of the result; `None`: made from the input's.
    #[serde(rename = "out", default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Names for the one image that is taken; empty: the source's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Platform to take, as in `linux/arm64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Image to take: a name, `@N` or a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Bytes of the input, for dividing the work by size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The item's key in reports and for sharding; `None`: the result's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Line {
    /// Makes a line that names an input and says nothing else.
    pub fn new(input: impl Into<String>) -> Self {
        Self { input: input.into(), ..Self::default() }
    }

    /// Refuses what cannot be meant.
    fn check(self) -> Result<Self> {
        let given = [("in", Some(&self.input)), ("out", self.output.as_ref()), ("id", self.id.as_ref())];
        let given = given.into_iter().filter_map(|(key, text)| Some((key, text?)));
        let others = [("platform", self.platform.as_ref()), ("image", self.image.as_ref())];
        let others = others.into_iter().filter_map(|(key, text)| Some((key, text?)));
        for (key, text) in given.chain(others).chain(self.tags.iter().map(|tag| ("tags", tag))) {
            if text.is_empty() {
                return Err(Error::usage(format!("{key} is empty")));
            }
            if text.contains('\0') {
                return Err(Error::usage(format!("{key} has a NUL byte in it")));
            }
        }
        Ok(self)
    }
}

/// Reads a list: one path a line, or one JSON object, see [`Line`]. What begins with `{` is an object; lines that are
/// blank or begin with `#` are skipped, and a path that begins so is written `./{…`. Lines may end with CRLF.
///
/// # Errors
///
/// [`Usage`](crate::ErrorKind::Usage) for a line that is not understood, with `name` and its number;
/// [`Damaged`](crate::ErrorKind::Damaged) beyond the limits `items`, `line_bytes` and `list_bytes`;
/// [`Environment`](crate::ErrorKind::Environment) when the list cannot be read.
pub fn read(name: &str, reader: impl BufRead, limits: &Limits) -> Result<Vec<Line>> {
    let mut lines = Lines::new(reader, limits.line_bytes);
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(text) = lines.next().within(name)? {
        let parsed = parse(&text).within(format!("line {}", text.number)).within(name)?;
        let Some(line) = parsed else { continue };
        bytes += text.bytes.len() as u64;
        if found.len() >= limits.items {
            return Err(exceeded("items", format!("more than {} items", limits.items)).within(name));
        }
        if bytes > limits.list_bytes {
            return Err(exceeded("list-bytes", format!("more than {} bytes of text", limits.list_bytes)).within(name));
        }
        found.push(line);
    }
    Ok(found)
}

/// Returns what a line says, `None` for one that is to be skipped.
fn parse(text: &Text<'_>) -> Result<Option<Line>> {
    let bytes = text.bytes;
    // What editors on Windows put in front of UTF-8.
    let bytes = if text.number == 1 { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) } else { bytes };
    let text = str::from_utf8(bytes).map_err(|cause| Error::usage("not UTF-8").caused_by(cause))?;
    if text.trim().is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let line = if text.starts_with('{') {
        serde_json::from_str(text).map_err(|cause| not_a_line(&cause))?
    } else {
        Line::new(text)
    };
    line.check().map(Some)
}

/// Words the parser's error; its line number is always 1.
fn not_a_line(cause: &serde_json::Error) -> Error {
    Error::usage(format!("not an item: {}", cause.to_string().replace(" at line 1 column ", " at column ")))
}

/// Writes a line of a list as JSON, with a line end. What it says is read back by [`read`].
pub fn write(line: &Line) -> String {
    json_line(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    fn list(text: impl AsRef<[u8]>) -> Result<Vec<Line>> {
        read("jobs", text.as_ref(), &Limits::default())
    }

    #[test]
    fn paths_and_objects_can_be_mixed() {
        let text = "\u{feff}a.tar\r\n\n# a note\n  \n b c.tar \n./{x\n\
                    {\"in\":\"d.tar\",\"out\":\"d/e\",\"tags\":[\"x:1\"],\"platform\":\"linux/arm64\",\"image\":\"@2\",\
                    \"size\":7,\"id\":\"k\"}\r\n{\"size\": null, \"in\" : \"e\"}";
        let full = Line {
            input: "d.tar".into(),
            output: Some("d/e".into()),
            tags: vec!["x:1".into()],
            platform: Some("linux/arm64".into()),
            image: Some("@2".into()),
            size: Some(7),
            id: Some("k".into()),
        };
        let want = vec![Line::new("a.tar"), Line::new(" b c.tar "), Line::new("./{x"), full, Line::new("e")];
        assert_eq!(list(text).unwrap(), want);
        let written = write(&want[3]);
        let keys =
            r#"{"in":"d.tar","out":"d/e","tags":["x:1"],"platform":"linux/arm64","image":"@2","size":7,"id":"k"}"#;
        assert_eq!(written, format!("{keys}\n"));
        assert_eq!(write(&want[4]), "{\"in\":\"e\"}\n");
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        for (text, want) in [
            (&b"a\n\nb\0c\n"[..], "jobs: line 3: in has a NUL byte in it"),
            (b"a\n\xff\n", "jobs: line 2: not UTF-8"),
            (
                b"{\"in\":\"a\",\"to\":\"b\"}",
                "jobs: line 1: not an item: unknown field `to`, expected one of `in`, `out`",
            ),
            (b"{\"in\":\"a\",\"in\":\"b\"}", "jobs: line 1: not an item: duplicate field `in`"),
            (b"{\"out\":\"a\"}", "jobs: line 1: not an item: missing field `in` at column 11"),
            (b"{\"in\":\"a\"} x", "jobs: line 1: not an item: trailing characters"),
            (b"{\"in\":\"a\"", "jobs: line 1: not an item: EOF"),
            (b"{\"in\":7}", "jobs: line 1: not an item: invalid type"),
            (b"{\"in\":\"\"}", "jobs: line 1: in is empty"),
            (b"{\"in\":\"a\",\"out\":\"\"}", "jobs: line 1: out is empty"),
            (b"{\"in\":\"a\",\"tags\":[\"x\",\"\"]}", "jobs: line 1: tags is empty"),
            (b"{\"in\":\"a\",\"id\":\"\\u0000\"}", "jobs: line 1: id has a NUL byte in it"),
            (b"{\"in\":\"a\",\"size\":-1}", "jobs: line 1: not an item: "),
        ] {
            let error = list(text).unwrap_err();
            assert!(error.to_string().starts_with(want), "{error}\n{want}");
            assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        }
    }

    #[test]
    fn a_list_has_ceilings() {
        for (limit, low) in [("items", "2"), ("line-bytes", "3"), ("list-bytes", "11")] {
            let mut limits = Limits::default();
            limits.set(limit, low).unwrap();
            let error = read("jobs", &b"# note\naaaa\nbbbb\ncccc\n"[..], &limits).unwrap_err();
            assert!(error.advice().is_some_and(|advice| advice.contains(limit)), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            input in "[^\0]{1,12}", output in prop::option::of("[^\0]{1,12}"), id in prop::option::of("[^\0]{1,9}"),
            tags in prop::collection::vec("[^\0]{1,9}", 0..3), size in any::<Option<u64>>(),
        ) {
            let line = Line { input, output, tags, size, id, ..Line::default() };
            prop_assert_eq!(list(write(&line)).unwrap(), vec![line]);
        }
    }
}
