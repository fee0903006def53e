//! Help texts: every command has one with examples, and it reads well on a terminal of 80 columns.

use crate::support::Sandbox;

/// The commands that help lists, apart from `help` itself.
pub(super) fn commands(sandbox: &Sandbox) -> Vec<String> {
    let help = help(sandbox, &["--help"], 80);
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<String> =
        listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).map(str::to_owned).collect();
    assert!(names.contains(&"convert".to_owned()) && names.contains(&"help".to_owned()), "{help}");
    names.into_iter().filter(|name| !name.is_empty() && name != "help").collect()
}

fn help(sandbox: &Sandbox, args: &[&str], columns: usize) -> String {
    let run = sandbox.command(args.iter().copied()).env("COLUMNS", columns.to_string()).ok();
    String::from_utf8(run.stdout).expect("help is text")
}

/// Commands of commands.
const NESTED: [[&str; 2]; 5] =
    [["batch", "plan"], ["batch", "render"], ["report", "merge"], ["report", "summary"], ["report", "failed"]];

#[test]
fn every_command_has_help_that_fits_and_examples() {
    let sandbox = Sandbox::new();
    let mut pages: Vec<Vec<String>> = vec![vec!["--help".to_owned()], vec!["-h".to_owned()]];
    for command in commands(&sandbox) {
        pages.push(vec!["help".to_owned(), command.clone()]);
        pages.push(vec![command, "-h".to_owned()]);
    }
    for [command, other] in NESTED {
        pages.push(["help", command, other].map(str::to_owned).to_vec());
    }
    for page in pages {
        let args: Vec<&str> = page.iter().map(String::as_str).collect();
        let text = help(&sandbox, &args, 80);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{args:?} is too wide:\n{text}");
        // Examples and lists are set by hand. If a line is too wide it is broken, and reads differently where there is
        // room for it.
        let wide = help(&sandbox, &args, 200);
        let by_hand = |text: &str| {
            let (_, after) = text.split_once("\nExamples:\n")?;
            Some(after.lines().filter(|line| line.starts_with(' ')).map(str::to_owned).collect::<Vec<_>>())
        };
        let examples = by_hand(&text);
        assert!(examples.as_ref().is_some_and(|lines| !lines.is_empty()), "{args:?} has no examples:\n{text}");
        assert_eq!(examples, by_hand(&wide), "{args:?} has lines that are broken");
    }
}

#[test]
fn commands_that_help_hides_are_not_listed() {
    let sandbox = Sandbox::new();
    assert!(!commands(&sandbox).contains(&"man".to_owned()));
    sandbox.command(["man", "--help"]).ok();
}
