//! Completion scripts and manual pages, as the shells and the readers of manuals see them.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::help::commands;
use crate::support::Sandbox;
use crate::support::shared::say;

/// Runs a tool; `None` where it is not installed.
fn run(tool: &str, args: &[&str], file: &Path) -> Option<(bool, String)> {
    let output = match Command::new(tool).args(args).arg(file).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            say(&format!("SKIPPED: what {tool} thinks of it, which is not installed"));
            return None;
        }
        Err(error) => panic!("{tool}: {error}"),
    };
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Some((output.status.success(), text))
}

fn script(sandbox: &Sandbox, shell: &str) -> std::path::PathBuf {
    let script = sandbox.command(["completions", shell]).ok().stdout;
    sandbox.put(&format!("transload.{shell}"), &script)
}

#[test]
fn shells_take_the_scripts() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = script(&sandbox, shell);
        let text = fs::read_to_string(&script).expect("a script is text");
        for word in commands(&sandbox).iter().map(String::as_str).chain(["compression-level"]) {
            assert!(text.contains(word), "{shell}: {word} is missing");
        }
        // The others complete no values, and are not in Debian.
        if !["bash", "zsh", "fish"].contains(&shell) {
            continue;
        }
        assert!(text.contains("docker-archive"), "{shell}: formats are missing");
        if let Some((fine, text)) = run(shell, &["-n"], &script) {
            assert!(fine && text.is_empty(), "{shell}: {text}");
        }
    }
}

/// What bash offers when Tab is pressed behind these words.
fn offered(script: &Path, words: &[&str]) -> Vec<String> {
    let line = words.join(" ");
    let ask = format!(
        "source {}; COMP_WORDS=({}); COMP_CWORD={}; COMP_LINE='{line}'; COMP_POINT={}; \
         _transload transload '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
        words.len() - 1,
        line.len(),
        words[words.len() - 1],
        words[words.len() - 2],
    );
    let output = Command::new("bash").args(["--norc", "-c", &ask]).output().expect("bash is there");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes() {
    let sandbox = Sandbox::new();
    let script = script(&sandbox, "bash");
    for (words, want) in [
        (&["transload", "conv"][..], &["convert"][..]),
        (&["transload", "convert", "--compression-"], &["--compression-level"]),
        (&["transload", "convert", "--to", "oci"], &["oci-archive", "oci-dir"]),
        (&["transload", "convert", "--compression", "z"], &["zstd"]),
        (&["transload", "convert", "--progress", "j"], &["json"]),
        (&["transload", "completions", "f"], &["fish"]),
    ] {
        assert_eq!(offered(&script, words), want, "{words:?}");
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("some/man1");
    sandbox.command(["man"]).arg(&folder).ok();
    let mut names: Vec<String> = commands(&sandbox).iter().map(|name| format!("transload-{name}.1")).collect();
    names.push("transload.1".to_owned());
    names.sort();
    let mut found: Vec<_> = fs::read_dir(&folder).expect("the folder").flatten().map(|entry| entry.path()).collect();
    found.sort();
    let file_name = |path: &std::path::PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    assert_eq!(found.iter().map(file_name).collect::<Vec<_>>(), names);
    for page in &found {
        let text = fs::read_to_string(page).expect("a page is text");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES"] {
            assert!(
                text.contains(&format!(".SH {section}\n")) || text.contains(&format!(".SH \"{section}\"\n")),
                "{section}: {text}"
            );
        }
        if let Some((fine, complaints)) = run("groff", &["-man", "-Tutf8", "-ww", "-z"], page) {
            assert!(fine && complaints.is_empty(), "{}: {complaints}", page.display());
        }
        if let Some((_, complaints)) = run("mandoc", &["-Tlint", "-Werror"], page) {
            assert_eq!(complaints, "", "{}", page.display());
        }
    }
    // The same version writes the same pages.
    let again = sandbox.path("again");
    sandbox.command(["man"]).arg(&again).ok();
    for page in &found {
        let name = page.file_name().expect("a name");
        assert_eq!(fs::read(page).expect("a page"), fs::read(again.join(name)).expect("a page"));
    }
}

#[test]
fn the_text_of_a_list_is_printed_as_it_stands() {
    let sandbox = Sandbox::new();
    sandbox.command(["man"]).arg(sandbox.path("man")).ok();
    let Some((_, text)) =
        run("groff", &["-man", "-Tascii", "-P-cbou", "-rLL=100n"], &sandbox.path("man/transload-convert.1"))
    else {
        return;
    };
    for line in [
        "podman save --format oci-archive app |",
        "0        done",
        "75       the environment failed (disk, permission, I/O); a retry can help",
        "xz-memory",
    ] {
        assert!(text.lines().any(|found| found.trim() == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("--compression-level <LEVEL>"), "{text}");
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let sandbox = Sandbox::new();
    let file = sandbox.put("file", b"");
    assert!(sandbox.command(["man"]).arg(file.join("man")).fails(75).contains("file/man"));
}
