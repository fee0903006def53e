//! The recipes in docs/ are commands that this program takes.

use std::fs;
use std::path::Path;

use crate::support::Sandbox;

/// Commands of a document: what follows `transload` in its blocks of code, as far as the shell would hand it on.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for block in text.split("```").skip(1).step_by(2) {
        for line in block.replace("\\\n", " ").lines() {
            let words = words(line);
            let starts = (0..words.len()).filter(|at| words[*at] == "transload" && words.get(at + 1).is_some());
            found.extend(starts.map(|at| {
                let rest = words[at + 1..].iter().take_while(|word| !OPERATORS.contains(&word.as_str()));
                rest.cloned().collect::<Vec<String>>()
            }));
        }
    }
    found
}

const OPERATORS: [&str; 5] = ["|", ">", "<", "&&", "||"];

/// Words of a line of shell: blanks and single quotes are all that recipes need.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, begun) = (!quoted, true),
            ' ' if !quoted => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            _ => {
                word.push(c);
                begun = true;
            }
        }
    }
    words.extend(begun.then_some(word));
    words
}

#[test]
fn every_recipe_is_a_command_that_is_taken() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut tried = 0;
    for file in fs::read_dir(docs).expect("a folder").flatten().map(|file| file.path()) {
        if file.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        for mut command in commands(&fs::read_to_string(&file).expect("a document is text")) {
            // What a loop or a fan-out puts in.
            command.iter_mut().for_each(|word| *word = word.replace("{}", "0"));
            let sandbox = Sandbox::new();
            let rendering = command.iter().any(|word| word == "render");
            // Options are read up to this one; what is rendered is checked as a whole.
            let call = sandbox.command(&command);
            let run = if rendering { call.run() } else { call.arg("--help").run() };
            assert_eq!(run.code, 0, "{}: {command:?}: {run}", file.display());
            tried += 1;
        }
    }
    assert!(tried > 10, "{tried} recipes were found");
}

#[test]
fn a_recipe_that_is_wrong_is_noticed() {
    let text = "x\n```console\n$ find . | xargs transload batch --tow 'a b' | cat\n```\n";
    let found = commands(text);
    assert_eq!(found, [["batch", "--tow", "a b"]]);
    assert_eq!(Sandbox::new().command(&found[0]).arg("--help").run().code, 2);
}
