//! Text that was typed, so that shells, YAML and Kubernetes read the same text again.

use std::fmt::Write;

use transload::escape;

/// Quotes a word for bash.
pub(super) fn shell(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"%+,-./:=@_".contains(&b);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    if escape(word) == word {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    // What would steer the terminal that the script is shown on.
    let mut out = "$'".to_owned();
    for c in word.chars() {
        let text = c.to_string();
        match c {
            '\\' | '\'' => {
                let _ = write!(out, "\\{c}");
            }
            _ if escape(&text) == text => out.push(c),
            _ => text.bytes().for_each(|b| {
                let _ = write!(out, "\\{b:03o}");
            }),
        }
    }
    out + "'"
}

/// Quotes words for bash, as one command.
pub(super) fn command(words: &[String]) -> String {
    words.iter().map(|word| shell(word)).collect::<Vec<_>>().join(" ")
}

/// Writes a string in double quotes, as YAML 1.1 and 1.2 read it (YAML 1.2.2, 5.7).
pub(super) fn yaml(text: &str) -> String {
    let mut out = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                let _ = write!(out, "\\{c}");
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if is_printable(c) => out.push(c),
            _ => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out + "\""
}

/// Tells whether a character can stand in YAML as it is, on a terminal, too. NEL and non-characters cannot.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
        && escape(c.encode_utf8(&mut [0; 4])).chars().eq([c])
}

/// Keeps Kubernetes from replacing `$(NAME)` in an argument (`$$` stands for `$`).
pub(super) fn kubernetes(text: &str) -> String {
    text.replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    const HOSTILE: [&str; 16] = [
        "",
        " ",
        "a b",
        "'",
        "''",
        "\"",
        "$(id)",
        "`id`",
        "\\",
        "\n",
        "a\\'b",
        "!x",
        "*",
        "~",
        "\u{1b}[31m\u{202e}'\\",
        "é日本",
    ];

    /// What bash makes of words that were quoted.
    fn through_bash(words: &[String]) -> Vec<String> {
        let script = format!("printf '%s\\0' {}", command(words));
        let run = Command::new("bash").args(["-c", &script]).output().unwrap();
        assert!(run.status.success(), "{script}");
        let text = String::from_utf8(run.stdout).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn bash_reads_hostile_words() {
        let words = HOSTILE.map(str::to_owned);
        assert_eq!(through_bash(&words), words);
    }

    #[test]
    fn nothing_that_is_quoted_steers_a_terminal() {
        let shown = |text: &str| escape(text) == text;
        for text in HOSTILE.iter().filter(|text| !text.contains('\n')) {
            assert!(shown(&shell(text)) && shown(&yaml(text)), "{text:?}");
        }
        assert!(shown(&yaml("a\nb\r\u{85}\u{2028}\u{feff}\u{e0041}")));
        assert_eq!(yaml("a\"\\\n\u{7f}é"), "\"a\\\"\\\\\\n\\U0000007fé\"");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn bash_reads_what_was_quoted(words in prop::collection::vec("[^\\x00]{0,12}", 1..5)) {
            prop_assert_eq!(through_bash(&words), words);
        }

        #[test]
        fn kubernetes_reads_what_was_quoted(text in "[a$()]{0,12}") {
            prop_assert_eq!(expanded(&kubernetes(&text)), text);
        }
    }

    /// What Kubernetes makes of an argument where every variable stands for X (third_party/forked/golang/expansion).
    fn expanded(text: &str) -> String {
        let (mut out, mut rest) = (String::new(), text);
        while let Some((before, behind)) = rest.split_once('$') {
            out += before;
            rest = if let Some(escaped) = behind.strip_prefix('$') {
                out += "$";
                escaped
            } else if let Some((_, behind)) = behind.strip_prefix('(').and_then(|name| name.split_once(')')) {
                out += "X";
                behind
            } else {
                out += "$";
                behind
            };
        }
        out + rest
    }

    #[test]
    fn the_model_of_kubernetes_expands() {
        assert_eq!(expanded("a$(B)c$$(D)$"), "aXc$(D)$");
    }
}
