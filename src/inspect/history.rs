//! Which line of a config's history made which layer.

use serde::Serialize;
use serde_json::Value;

use crate::json::Cursor;

/// One line of a config's history (image-spec, config.md); may hold any character.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HistoryLine {
    /// When it was made, as the config has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// Who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What the tool that made it says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// The number of the layer that it made; `None` when it made none, or when the history does not fit the layers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer: Option<usize>,
}

/// Reads the history of a config that has this many layers. Lines are given to layers only when there is one for each:
/// nobody enforces that (moby and containers/image do not), and a wrong line is worse than none.
pub(super) fn read(config: &Value, layers: usize) -> Vec<HistoryLine> {
    let list = Cursor::new(config).list("history").unwrap_or_default();
    let empty = |line: &Cursor<'_>| {
        line.get("empty_layer").ok().flatten().is_some_and(|flag| flag.value().as_bool() == Some(true))
    };
    let fits = list.iter().filter(|line| !empty(line)).count() == layers;
    let mut next = 0;
    list.iter()
        .map(|line| {
            let text = |key| line.text_of(key).ok().flatten().filter(|text| !text.is_empty()).map(str::to_owned);
            let made = fits && !empty(line);
            next += usize::from(made);
            HistoryLine {
                created: text("created"),
                created_by: text("created_by"),
                author: text("author"),
                comment: text("comment"),
                layer: made.then_some(next),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn layers(config: &Value, count: usize) -> Vec<Option<usize>> {
        read(config, count).into_iter().map(|line| line.layer).collect()
    }

    #[test]
    fn lines_that_made_no_layer_are_passed_over() {
        let config = json!({"history": [
            {"created_by": "ADD"}, {"created_by": "ENV", "empty_layer": true}, {"created_by": "RUN", "empty_layer": false},
        ]});
        assert_eq!(layers(&config, 2), [Some(1), None, Some(2)]);
        assert_eq!(layers(&config, 3), [None, None, None], "a history of two layers for three");
        assert_eq!(layers(&json!({}), 1), []);
        assert_eq!(layers(&json!({"history": [7, {"created_by": 7}]}), 2), [Some(1), Some(2)]);
    }
}
