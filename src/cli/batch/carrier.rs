//! Sources and results that other programs carry: `--fetch` and `--store`.

use std::path::Path;
use std::process::{Command, Stdio};

use transload::batch::{Carrier, Item};
use transload::{Error, ErrorKind, Result};

/// Commands for a shell, with `{in}`, `{out}` and `{file}` in them.
#[derive(Debug)]
pub(super) struct Commands {
    pub(super) fetch: Option<String>,
    pub(super) store: Option<String>,
}

impl Carrier for Commands {
    fn fetch(&self, item: &Item, to: &Path) -> Option<Result<()>> {
        self.fetch.as_ref().map(|command| run("--fetch", command, item, to))
    }

    fn store(&self, item: &Item, from: &Path) -> Option<Result<()>> {
        self.store.as_ref().map(|command| run("--store", command, item, from))
    }

    fn stores(&self) -> bool {
        self.store.is_some()
    }

    fn fetches(&self) -> bool {
        self.fetch.is_some()
    }
}

fn run(option: &str, template: &str, item: &Item, file: &Path) -> Result<()> {
    let command = filled(template, item, file)?;
    // Its standard output is not ours: a report may go there. What it has to say is for standard error.
    let status = Command::new("sh").arg("-c").arg(&command).stdin(Stdio::null()).stdout(Stdio::null()).status();
    let failed = |why: String| Err(Error::new(ErrorKind::Environment, why).within(item.key.clone()));
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => failed(format!("{option}: the command ended with {status}")),
        Err(error) => failed(format!("{option}: cannot run sh: {error}")),
    }
}

/// Puts an item into a command, quoted for the shell.
fn filled(template: &str, item: &Item, file: &Path) -> Result<String> {
    let output = item.output.as_deref().unwrap_or_else(|| Path::new(""));
    let mut command = String::new();
    let mut left = template;
    while let Some((before, rest)) = left.split_once('{') {
        command.push_str(before);
        let known = [("in}", item.input.as_path()), ("out}", output), ("file}", file)];
        match known.into_iter().find_map(|(name, path)| Some((path, rest.strip_prefix(name)?))) {
            Some((path, behind)) => {
                let Some(text) = path.to_str() else {
                    return Err(Error::new(ErrorKind::Usage, "a path that is not UTF-8 cannot go into a command"));
                };
                command.push_str(&format!("'{}'", text.replace('\'', r"'\''")));
                left = behind;
            }
            // Braces mean something to shells, too.
            None => {
                command.push('{');
                left = rest;
            }
        }
    }
    Ok(command + left)
}
