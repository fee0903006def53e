//! Other people's Python packages, which judge what we write.

use super::skip;
use std::path::Path;
use std::process::Command;

/// Where scripts/install-engines puts them.
const PYTHON: &str = "/opt/transload-engines/bin/python";

/// Returns a command that runs this program with those packages, or `None` after saying loudly that they are missing.
pub(crate) fn python(program: &str) -> Option<Command> {
    if !Path::new(PYTHON).exists() {
        skip(&["Python packages"]);
        return None;
    }
    let mut command = Command::new(PYTHON);
    command.args(["-I", "-c", program]);
    Some(command)
}
