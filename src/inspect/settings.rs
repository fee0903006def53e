//! What a config says of the container that it makes, in a form for people.

use serde_json::Value;

use crate::json::Cursor;

/// The part of a config that says how a container runs (image-spec, config.md; moby's `HealthConfig`, `OnBuild` and
/// `Shell` beside it). What is absent, or is not what the specification says it is, is empty here. May hold any
/// character, see [`escape`](crate::escape).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// The program, and arguments that always go with it.
    pub entrypoint: Vec<String>,
    /// The program where there is no entrypoint, else its default arguments.
    pub cmd: Vec<String>,
    /// `NAME=value`.
    pub env: Vec<String>,
    /// `80/tcp`.
    pub ports: Vec<String>,
    /// Keys and values.
    pub labels: Vec<(String, String)>,
    /// How the container's health is found out, in one line.
    pub healthcheck: Option<String>,
    /// User, and group after a colon.
    pub user: Option<String>,
    /// Working directory.
    pub workdir: Option<String>,
    /// Folders that are volumes.
    pub volumes: Vec<String>,
    /// The signal that stops it.
    pub stop_signal: Option<String>,
    /// Instructions for images that are built on this one.
    pub on_build: Vec<String>,
    /// The shell for instructions that name none.
    pub shell: Vec<String>,
}

impl Settings {
    /// Reads a config's `config`.
    pub(super) fn read(config: &Value) -> Self {
        let config = Cursor::new(config);
        let get = |key| config.get(key).ok().flatten().map(|field| field.value());
        let text = |key| get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let keys =
            |key| get(key).and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key.clone()).collect();
        Self {
            entrypoint: get("Entrypoint").map(words).unwrap_or_default(),
            cmd: get("Cmd").map(words).unwrap_or_default(),
            env: get("Env").map(words).unwrap_or_default(),
            ports: keys("ExposedPorts"),
            labels: get("Labels").and_then(Value::as_object).into_iter().flatten().map(label).collect(),
            healthcheck: get("Healthcheck").and_then(healthcheck),
            user: text("User"),
            workdir: text("WorkingDir"),
            volumes: keys("Volumes"),
            stop_signal: text("StopSignal"),
            on_build: get("OnBuild").map(words).unwrap_or_default(),
            shell: get("Shell").map(words).unwrap_or_default(),
        }
    }
}

/// Takes a lone string for a list of one, as docker does.
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

fn label((key, value): (&String, &Value)) -> (String, String) {
    (key.clone(), value.as_str().unwrap_or_default().to_owned())
}

/// Words a health check: `curl -f http://localhost, every 30 s, within 3 s, 3 tries`.
fn healthcheck(value: &Value) -> Option<String> {
    let fields = Cursor::new(value);
    let test = words(fields.get("Test").ok()??.value());
    let command = match test.split_first()? {
        (first, _) if first == "NONE" => return Some("none".to_owned()),
        (first, rest) if ["CMD", "CMD-SHELL"].contains(&first.as_str()) => rest.join(" "),
        _ => test.join(" "),
    };
    let duration = |key| fields.get(key).ok().flatten().and_then(|field| field.value().as_u64()).filter(|&n| n > 0);
    let parts = [
        Some(command),
        duration("Interval").map(|n| format!("every {}", seconds(n))),
        duration("Timeout").map(|n| format!("within {}", seconds(n))),
        duration("StartPeriod").map(|n| format!("after {}", seconds(n))),
        duration("Retries").map(|n| format!("{n} tries")),
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// Words a Go duration, which is in nanoseconds.
fn seconds(nanoseconds: u64) -> String {
    let value = nanoseconds as f64 / 1e9;
    if value >= 120.0 && value % 60.0 == 0.0 { format!("{} min", value / 60.0) } else { format!("{value} s") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn health_checks_are_one_line() {
        for (value, want) in [
            (json!({"Test": ["NONE"]}), Some("none")),
            (json!({"Test": []}), None),
            (json!({"Test": "x"}), Some("x")),
            (json!({"Test": ["CMD", "a", "b"]}), Some("a b")),
            (
                json!({"Test": ["CMD-SHELL", "curl x"], "Interval": 300_000_000_000_u64, "Timeout": 1_500_000_000, "Retries": 3}),
                Some("curl x, every 5 min, within 1.5 s, 3 tries"),
            ),
        ] {
            assert_eq!(healthcheck(&value).as_deref(), want, "{value}");
        }
    }

    #[test]
    fn what_is_not_as_specified_is_empty() {
        let config = json!({"Cmd": "one", "Env": {"a": 1}, "Labels": [], "Labels2": 1, "User": 7, "exposedports": {"80/tcp": {}}});
        let read = Settings::read(&config);
        let want = Settings { cmd: vec!["one".into()], ports: vec!["80/tcp".into()], ..Settings::default() };
        assert_eq!(read, want);
        assert_eq!(Settings::read(&json!([])), Settings::default());
    }
}
