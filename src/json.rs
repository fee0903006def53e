//! JSON that every tool reads alike, and a cursor over it that knows its path.
//!
//! Every reader of these formats is written in Go, whose `encoding/json` takes keys in any letter case and keeps the
//! last of several. A document in which that makes a difference is refused, not guessed.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use crate::code::Code;
use crate::error::{Error, Result, quoted};
use crate::limits::exceeded;

/// Checks a whole document. Refused: trailing text, a byte order mark, invalid UTF-8, a key twice in one object, nesting
/// beyond 128 levels, more than `values` values.
pub(crate) fn check(bytes: &[u8], values: usize) -> Result<()> {
    let mut left = values;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let checked = Unique(&mut left).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match checked {
        Ok(()) => Ok(()),
        Err(_) if left == 0 => Err(exceeded("json-values", format!("more than {values} values in one JSON document"))),
        Err(cause) => Err(invalid(cause)),
    }
}

fn invalid(cause: serde_json::Error) -> Error {
    let text = if cause.is_eof() { "the JSON text ends early" } else { "not valid JSON" };
    // Of all that a visitor can object to, nothing is left but a key that is there twice.
    let code = if cause.is_data() { Code::DuplicateKey } else { Code::Document };
    Error::damaged(text).coded(code).caused_by(cause)
}

/// Accepts any JSON in which no object has a key twice; counts its values down.
struct Unique<'c>(&'c mut usize);

impl Unique<'_> {
    fn count<E: serde::de::Error>(&mut self) -> Result<(), E> {
        *self.0 = self.0.checked_sub(1).ok_or_else(|| E::custom("too many values"))?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<(), D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Unique(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // serde_json hands numbers of arbitrary precision over as a map with one private key.
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if key.starts_with("$serde_json::private::") {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            map.next_value_seed(Unique(self.0))?;
            if let Some(twice) = seen.replace(key) {
                return Err(serde::de::Error::custom(format!("duplicate key {}", quoted(&twice))));
            }
        }
        Ok(())
    }
}

/// Folds letter case as Go's `encoding/json` does when it looks for a field.
pub(crate) fn fold(key: &str) -> String {
    key.chars()
        .map(|c| match c {
            '\u{17f}' => 's',
            '\u{212a}' => 'k',
            c => c.to_ascii_lowercase(),
        })
        .collect()
}

/// Returns a field to write to, as Go finds it, in any letter case; makes it when there is none.
pub(crate) fn field<'v>(value: &'v mut Value, key: &str) -> &'v mut Value {
    let folded = fold(key);
    let own = value.as_object().and_then(|map| map.keys().find(|own| fold(own) == folded).cloned());
    &mut value[own.unwrap_or_else(|| key.to_owned())]
}

/// A value inside a document, with its path from the document's root for messages.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(value: &'a Value) -> Self {
        Self { value, path: String::new() }
    }

    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    /// Makes an error about this value.
    pub(crate) fn error(&self, message: impl Into<String>) -> Error {
        let error = Error::damaged(message);
        if self.path.is_empty() { error } else { error.within(self.path.clone()) }
    }

    /// Returns the field as Go finds it, in any letter case; `None` when it is absent or null.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Self>> {
        let Value::Object(object) = self.value else {
            return Err(self.error("not a JSON object"));
        };
        let folded = fold(key);
        let mut found = object.iter().filter(|(k, _)| fold(k) == folded);
        let Some((name, value)) = found.next() else { return Ok(None) };
        if let Some((other, _)) = found.next() {
            let (a, b) = (quoted(name), quoted(other));
            let error = self.error(format!("duplicate keys {a} and {b}: tools differ in which one they take"));
            return Err(error.coded(Code::DuplicateKey));
        }
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Ok((!value.is_null()).then_some(Self { value, path }))
    }

    /// Returns the field, which must be there.
    pub(crate) fn need(&self, key: &str) -> Result<Self> {
        self.get(key)?.ok_or_else(|| self.error(format!("no {key}")))
    }

    /// Returns the elements of an array.
    pub(crate) fn items(&self) -> Result<Vec<Self>> {
        let Value::Array(items) = self.value else {
            return Err(self.error("not a JSON array"));
        };
        let item = |(i, value)| Self { value, path: format!("{}[{i}]", self.path) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// Returns the elements of the array field, none when it is absent or null.
    pub(crate) fn list(&self, key: &str) -> Result<Vec<Self>> {
        self.get(key)?.map_or(Ok(Vec::new()), |array| array.items())
    }

    /// Returns the members of an object as they are spelled.
    pub(crate) fn members(&self) -> Result<Vec<(&'a str, Self)>> {
        let Value::Object(object) = self.value else {
            return Err(self.error("not a JSON object"));
        };
        let member = |(k, value): (&'a String, _)| (k.as_str(), Self { value, path: format!("{}.{k}", self.path) });
        Ok(object.iter().map(member).collect())
    }

    pub(crate) fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.error("not a string"))
    }

    /// Returns the string field, `None` when it is absent or null.
    pub(crate) fn text_of(&self, key: &str) -> Result<Option<&'a str>> {
        self.get(key)?.map(|field| field.text()).transpose()
    }

    /// Returns the number, which must be an integer from 0 to 2^63 - 1 as Go's `int64` holds it.
    pub(crate) fn size(&self) -> Result<u64> {
        let size = self.value.as_number().and_then(|n| n.as_str().parse::<i64>().ok());
        size.and_then(|n| u64::try_from(n).ok()).ok_or_else(|| self.error("not a size in bytes"))
    }

    /// Parses the string; what it says is added to the error.
    pub(crate) fn parse<T: std::str::FromStr<Err = Error>>(&self) -> Result<T> {
        self.text()?.parse().map_err(|error: Error| error.within(self.path.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Value> {
        check(text, 100)?;
        Ok(serde_json::from_slice(text).unwrap())
    }

    #[test]
    fn documents_that_tools_read_differently_are_refused() {
        for text in [
            "[] x",
            "[][]",
            "\u{feff}[]",
            r#"{"a":1,"a":2}"#,
            r#"[{"b":{"a":1,"a":2}}]"#,
            r#""\ud800""#,
            "[",
            &"[".repeat(10_000),
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:.40}");
        }
        assert!(parse(b"\"\xff\"").is_err());
        assert!(
            parse(format!("[{}1]", "1,".repeat(100)).as_bytes()).unwrap_err().advice().unwrap().contains("json-values")
        );
        assert!(parse(br#"{"a":1.0e3,"b":[1,-2,null,true,"x"],"c":{"A":1,"a":2}}"#).is_ok());
    }

    #[test]
    fn fields_are_found_in_any_letter_case_but_only_once() {
        let value = parse("{\"layer\u{17f}\":[1],\"x\":null}".as_bytes()).unwrap();
        let cursor = Cursor::new(&value);
        assert_eq!(cursor.list("Layers").unwrap().len(), 1);
        assert!(cursor.get("x").unwrap().is_none());
        let value = parse(br#"{"Layers":[],"layers":[]}"#).unwrap();
        let message = Cursor::new(&value).get("layers").unwrap_err().to_string();
        assert!(message.contains("\"Layers\" and \"layers\""), "{message}");
    }

    #[test]
    fn sizes_are_what_go_takes_for_them() {
        for (text, want) in [
            ("0", Some(0)),
            ("9223372036854775807", Some(i64::MAX.cast_unsigned())),
            ("9223372036854775808", None),
            ("-1", None),
            ("1.5", None),
            ("1e3", None),
            ("\"1\"", None),
        ] {
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(Cursor::new(&value).size().ok(), want, "{text}");
        }
    }
}
