//! Which engines load an archive, as a table for people and as JSON.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};
use transload::{Note, Prediction, Verdict, escape};

use super::page::{BAD, GOOD, MIXED, NO_BREAK, paint, wrap};
use super::render::known;

/// Names shown of one row; the JSON has all.
const NAMES_SHOWN: usize = 3;

/// Of the longest word for a verdict.
const WORD_WIDTH: usize = "yes, but".len();

/// Fewer columns than that make no text.
const SAID_LEAST: usize = 24;

/// One line of the table: engines of one label that do the same.
pub(super) struct Row<'p> {
    pub(super) label: String,
    pub(super) prediction: &'p Prediction,
}

/// Writes the table, and below it the conversions that turn a no into a yes. `input` is the archive as it was typed, `-`
/// for standard input. Lines are broken at `columns`, commands are not.
pub(super) fn table(predictions: &[Prediction], input: &Path, columns: usize) -> String {
    let rows = rows(predictions, input);
    let width = rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for Row { label, prediction } in &rows {
        let (word, style) = match prediction.verdict {
            Verdict::Yes => ("yes", GOOD),
            Verdict::But => ("yes, but", MIXED),
            _ => ("no", BAD),
        };
        let word_width = word.len();
        let word = paint(style, word);
        let pad = width - label.chars().count();
        let said = said(prediction);
        let gap = if said.is_empty() { 0 } else { WORD_WIDTH - word_width + 2 };
        let before = width + 2 + WORD_WIDTH + 2;
        let mut lines = wrap(&said, columns.saturating_sub(before).max(SAID_LEAST)).into_iter();
        let first = lines.next().unwrap_or_default();
        let _ = writeln!(out, "{label}{:pad$}  {word}{:gap$}{first}", "", "");
        for line in lines {
            let _ = writeln!(out, "{:before$}{line}", "");
        }
    }
    for (command, labels) in fixes(&rows, input) {
        let labels: Vec<_> = labels.iter().map(|label| label.replace(' ', NO_BREAK)).collect();
        let heading = wrap(&format!("For {}:", labels.join(", ")), columns).join("\n");
        let _ = write!(out, "\n{heading}\n  {command}\n");
    }
    out
}

/// Puts versions of one engine together that do the same.
pub(super) fn rows<'p>(predictions: &'p [Prediction], input: &Path) -> Vec<Row<'p>> {
    let mut groups: Vec<Vec<&Prediction>> = Vec::new();
    for prediction in predictions {
        let same = |group: &&mut Vec<&Prediction>| {
            group.iter().all(|other| {
                other.engine.label() == prediction.engine.label()
                    && other.verdict == prediction.verdict
                    && (said(other), command(other, input)) == (said(prediction), command(prediction, input))
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(prediction),
            None => groups.push(vec![prediction]),
        }
    }
    let row = |group: Vec<&'p Prediction>| {
        let first = group[0];
        let label = first.engine.label();
        let all = predictions.iter().filter(|prediction| prediction.engine.label() == label).count();
        let eras: Vec<_> = group.iter().map(|prediction| prediction.engine.era()).collect();
        let label = if group.len() == all { label.to_owned() } else { format!("{label} {}", eras.join(", ")) };
        Row { label, prediction: first }
    };
    groups.into_iter().map(row).collect()
}

/// Says in a line what there is to say beside the verdict.
pub(super) fn said(prediction: &Prediction) -> String {
    if let Some(refusal) = &prediction.refusal {
        let advice = refusal.advice.as_ref().map(|advice| format!(" ({advice})")).unwrap_or_default();
        return escape(&format!("{}{advice}", refusal.reason));
    }
    let drawbacks: Vec<_> = prediction.notes.iter().filter(|note| note.is_drawback()).map(Note::to_string).collect();
    let text = if drawbacks.is_empty() { listed(&prediction.names) } else { shortened(&drawbacks, "; ") };
    escape(&text)
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!("as {}", shortened(names, ", ")) }
}

fn shortened(items: &[String], separator: &str) -> String {
    let more = items.len().saturating_sub(NAMES_SHOWN);
    let shown = items.iter().take(NAMES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(separator);
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// Returns the conversion that helps, as it is typed.
pub(super) fn command(prediction: &Prediction, input: &Path) -> Option<String> {
    Some(prediction.refusal.as_ref()?.fix.as_ref()?.command(input))
}

/// Returns each conversion that helps, and whom.
fn fixes(rows: &[Row<'_>], input: &Path) -> Vec<(String, Vec<String>)> {
    let mut fixes: Vec<(String, Vec<String>)> = Vec::new();
    for row in rows {
        let Some(command) = command(row.prediction, input) else { continue };
        match fixes.iter_mut().find(|(known, _)| *known == command) {
            Some((_, labels)) => labels.push(row.label.clone()),
            None => fixes.push((command, vec![row.label.clone()])),
        }
    }
    fixes
}

/// Returns the predictions for programs: an array, one object an engine. What is not known has no key.
pub(super) fn json(predictions: &[Prediction], input: &Path) -> Value {
    let prediction = |prediction: &Prediction| {
        let refusal = prediction.refusal.as_ref();
        let fields = json!({
            "engine": prediction.engine.name(),
            "command": prediction.engine.command(),
            "verdict": prediction.verdict.word(),
            "names": prediction.names,
            "notes": prediction.notes.iter().map(note).collect::<Vec<_>>(),
            "reason": refusal.map(|refusal| &refusal.reason),
            "advice": refusal.and_then(|refusal| refusal.advice.as_ref()),
            "fix": command(prediction, input),
            "source": refusal.map(|refusal| refusal.source),
            "basis": prediction.engine.basis(),
        });
        known(fields)
    };
    predictions.iter().map(prediction).collect()
}

fn note(note: &Note) -> Value {
    let mut fields = json!({"code": note.code(), "text": note.to_string()});
    let more = match note {
        Note::Renamed { from, to } => json!({"from": from, "to": to}),
        Note::Untagged(images) | Note::ByDigest(images) => json!({"images": images}),
        Note::LeavesOut { images } | Note::OnlyFirst { of: images } => json!({"images": images}),
        Note::OnlyPlatform(platform) | Note::OtherPlatform(platform) => json!({"platform": platform.to_string()}),
        Note::NeedsReference { example } => json!({"example": example}),
        Note::NeedsOption(option) => json!({"option": option}),
        _ => json!({}),
    };
    if let (Value::Object(fields), Value::Object(more)) = (&mut fields, more) {
        fields.extend(more);
    }
    fields
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use transload::{Archive, Context, Input, Platform};

    use super::*;

    fn predictions(name: &str) -> (Vec<Prediction>, PathBuf) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
        let archive = Archive::open(Input::Path(path), None, &Context::default()).unwrap();
        (archive.loadability(&"linux/amd64".parse::<Platform>().unwrap()), PathBuf::from("my app.tar"))
    }

    #[test]
    fn the_table_says_it_in_words_and_each_command_once() {
        let (predictions, input) = predictions("skopeo-1.9-oci-bare-tag.tar");
        let table = anstream::adapter::strip_str(&table(&predictions, &input, 200)).to_string();
        let command = "transload convert --to docker-archive 'my app.tar' 'my app.docker.tar'";
        assert_eq!(table.matches(command).count(), 1, "{table}");
        assert!(
            table.contains("docker 1.10–24                no        an OCI layout without a manifest.json"),
            "{table}"
        );
        assert!(table.contains("podman load                   yes, but  "), "{table}");
        assert!(!table.contains('\u{1b}') && !table.contains(" \n"), "{table}");
    }

    #[test]
    fn json_has_every_engine_and_stable_words() {
        let (predictions, input) = predictions("skopeo-1.9-oci-bare-tag.tar");
        let json = json(&predictions, &input);
        let of = |name: &str| json.as_array().unwrap().iter().find(|item| item["engine"] == name).unwrap().clone();
        assert_eq!(of("docker/classic:20.10")["verdict"], "no");
        assert!(
            of("docker/classic:20.10")["fix"].as_str().unwrap().starts_with("transload convert --to docker-archive ")
        );
        assert_eq!(of("podman:4")["verdict"], "yes-but");
        assert_eq!(of("podman:4")["notes"][0]["code"], "renamed");
        assert_eq!(of("podman:4").get("reason"), None);
    }
}
