//! What a mistyped word was meant to be.

/// How alike two words must be, 1 being the same: one or two slips in a word of eight letters.
const ALIKE: f64 = 0.7;

/// Returns the one of the known words that was probably meant: one that begins so, or else the most alike, if any is
/// alike at all. Of equals the first.
pub(crate) fn similar<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody mistypes a word into a text; comparing takes the product of the lengths.
    const LONGEST: usize = 100;
    let typed = typed.to_lowercase();
    if typed.len() < 2 || typed.len() > LONGEST {
        return None;
    }
    let mut best: Option<(f64, &str)> = None;
    for word in known {
        if word.starts_with(&typed) {
            return Some(word);
        }
        let likeness = strsim::normalized_damerau_levenshtein(&typed, word);
        if likeness >= ALIKE && best.is_none_or(|(most, _)| likeness > most) {
            best = Some((likeness, word));
        }
    }
    best.map(|(_, word)| word)
}

/// Words the hint for a mistyped word.
pub(crate) fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    similar(typed, known).map(|word| format!("did you mean {word}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        const FORMATS: [&str; 5] = ["docker-archive", "docker-dir", "oci-archive", "oci-dir", "hybrid-archive"];
        for (typed, want) in [
            ("docker-archiv", Some("docker-archive")),
            ("dokcer-archive", Some("docker-archive")),
            ("docker_archive", Some("docker-archive")),
            ("Docker-Archive", Some("docker-archive")),
            ("ocidir", Some("oci-dir")),
            ("docker", Some("docker-archive")),
            ("hybrd-archive", Some("hybrid-archive")),
            ("archive", None),
            ("zip", None),
            ("o", None),
            ("", None),
        ] {
            assert_eq!(similar(typed, FORMATS), want, "{typed}");
        }
        for (typed, want) in [("gz", Some("gzip")), ("gizp", Some("gzip")), ("zst", Some("zstd")), ("lz4", None)] {
            assert_eq!(similar(typed, ["keep", "none", "gzip", "zstd"]), want, "{typed}");
        }
        assert_eq!(similar(&"x".repeat(1_000_000), ["x"]), None);
    }
}
