//! `transload man`: manual pages, made from the help texts. Packagers call it; it is hidden from others.

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use super::args::Cli;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Args, Debug)]
pub(super) struct ManArgs {
    /// Folder to write the pages to; made if it is not there
    folder: PathBuf,
}

pub(super) fn run(args: &ManArgs) -> Result<()> {
    fs::create_dir_all(&args.folder).with_context(|| args.folder.display().to_string())?;
    for (name, page) in pages()? {
        let path = args.folder.join(name);
        fs::write(&path, page).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// Returns names and texts of the pages: one for the program, one for each command.
fn pages() -> Result<Vec<(String, String)>> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let commands = program.get_subcommands().filter(|command| !command.is_hide_set());
    let mut pages = Vec::new();
    for command in commands.chain([&program]) {
        let name = command.get_display_name().unwrap_or(command.get_name());
        pages.push((format!("{name}.1"), page(name, command)?));
    }
    Ok(pages)
}

fn page(name: &str, command: &Command) -> io::Result<String> {
    let man = Man::new(command.clone());
    // Without a date: the same version gives the same bytes.
    let title = format!(".TH {} 1 \"\" \"transload {VERSION}\" \"User Commands\"\n", line(&name.to_uppercase()));
    let usage = command.clone().render_usage().to_string();
    let synopsis = format!(".SH SYNOPSIS\n{}\n", line(usage.trim_start_matches("Usage: ")));
    let after = command.get_after_long_help().or(command.get_after_help()).map(ToString::to_string);
    let parts = [
        title,
        rendered(|out| man.render_name_section(out))?,
        synopsis,
        rendered(|out| man.render_description_section(out))?,
        lists(&rendered(|out| man.render_options_section(out))?),
        if command.has_subcommands() { rendered(|out| man.render_subcommands_section(out))? } else { String::new() },
        after.as_deref().map(sections).unwrap_or_default(),
    ];
    Ok(format!("{APOSTROPHE}{}", parts.concat()))
}

/// Says how roff prints an apostrophe; a part needs it that was rendered, and the page once.
const APOSTROPHE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

fn rendered(render: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<String> {
    let mut out = Vec::new();
    render(&mut out)?;
    Ok(String::from_utf8_lossy(&out).replacen(APOSTROPHE, "", 1))
}

/// Sets the lines of an option's help that list words, with an indent and two columns, as a list.
fn lists(options: &str) -> String {
    let item = |line: &str| {
        let (word, text) = line.strip_prefix("  ")?.split_once("  ")?;
        (!word.starts_with(' ')).then(|| format!(".TP\n\\fB{word}\\fR\n{}\n", text.trim_start()))
    };
    let (mut out, mut in_list) = (String::new(), false);
    for line in options.lines() {
        let item = item(line);
        match (in_list, item.is_some()) {
            (false, true) => out.push_str(".RS\n"),
            (true, false) => out.push_str(".RE\n"),
            _ => {}
        }
        in_list = item.is_some();
        out.push_str(&item.unwrap_or_else(|| format!("{line}\n")));
    }
    out
}

/// Sets what follows the options in a help text: lists under a line that ends with a colon, and paragraphs.
fn sections(text: &str) -> String {
    let (mut out, mut in_notes) = (String::new(), false);
    for part in text.split("\n\n") {
        let list = part.split_once('\n').and_then(|(first, rest)| Some((first.strip_suffix(':')?, rest)));
        let Some((heading, list)) = list else {
            let text = part.lines().map(line).collect::<Vec<_>>().join("\n");
            out.push_str(&format!("{}\n{text}\n", if in_notes { ".PP" } else { ".SH NOTES" }));
            in_notes = true;
            continue;
        };
        // What manual pages call it.
        let heading = if heading == "Exit codes" { "Exit status" } else { heading };
        let text = list.lines().map(|text| line(text.strip_prefix("  ").unwrap_or(text)) + "\n").collect::<String>();
        out.push_str(&format!(".SH \"{}\"\n.nf\n{text}.fi\n", line(&heading.to_uppercase())));
        in_notes = false;
    }
    out
}

/// Writes a line so that roff prints it as it is.
fn line(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('"', "\\(dq");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_an_options_help_become_a_list() {
        let text = ".TP\nLimits. One of\n  members  of an archive\n  names    of both\n.TP\nx\n";
        let want = ".TP\nLimits. One of\n.RS\n.TP\n\\fBmembers\\fR\nof an archive\n.TP\n\\fBnames\\fR\nof both\n\
                    .RE\n.TP\nx\n";
        assert_eq!(lists(text), want);
    }

    #[test]
    fn lists_become_sections_that_are_not_filled() {
        let text = "Examples:\n  transload a-b\n\nA note.\n\nAnother.\n\nExit codes:\n  0  done\n.x\\y";
        let want = ".SH \"EXAMPLES\"\n.nf\ntransload a\\-b\n.fi\n.SH NOTES\nA note.\n.PP\nAnother.\n\
                    .SH \"EXIT STATUS\"\n.nf\n0  done\n\\&.x\\ey\n.fi\n";
        assert_eq!(sections(text), want);
    }
}
