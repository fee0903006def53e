//! JSON text as Go's `encoding/json` writes it: what makes our documents the same bytes as the Go tools'.

use serde_json::Value;

/// Serialises a value compactly, keys in the order they have.
pub(crate) fn to_string(value: &Value) -> String {
    compact(&value.to_string())
}

/// Removes white space between tokens and escapes `<`, `>`, `&`, U+2028 and U+2029 inside strings, as Go does with
/// every value that passes through it, raw ones included.
pub(crate) fn compact(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in raw.chars() {
        if !in_string {
            if c.is_ascii_whitespace() {
                continue;
            }
            in_string = c == '"';
            out.push(c);
            continue;
        }
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
        (in_string, escaped) = (escaped || c != '"', !escaped && c == '\\');
    }
    out
}

/// Quotes a string.
pub(crate) fn quote(text: &str) -> String {
    to_string(&Value::from(text))
}

/// Writes an object from raw values, in the order given.
pub(crate) fn object<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members: Vec<_> = members.into_iter().map(|(key, raw)| format!("{}:{raw}", quote(key))).collect();
    format!("{{{}}}", members.join(","))
}

/// Writes an array from raw values.
pub(crate) fn array(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_values_are_compacted_and_escaped_but_keep_order_and_spelling() {
        let raw = "{ \"b\" : [1.0, 1e3 ,\t\"a b \\\" <\\\\\" , \"\\u0041&\"] ,\n\"a\":\"é\u{2028}\"}";
        let want = "{\"b\":[1.0,1e3,\"a b \\\" \\u003c\\\\\",\"\\u0041\\u0026\"],\"a\":\"é\\u2028\"}";
        assert_eq!(compact(raw), want);
    }
}
