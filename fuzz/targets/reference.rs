//! References against the grammar as distribution/reference writes it, and against themselves: what is printed means the
//! same.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use regex::Regex;
use transload::Reference;
use transload_fuzz::promises::check_error;

static GRAMMAR: LazyLock<Regex> = LazyLock::new(|| {
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let host = format!(r"(?:{label}(?:\.{label})*|\[[a-fA-F0-9:]+\])");
    let component = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
    let tag = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    // Every full name has a registry here. Where the first part looks like one and is none, engines take it for a part of
    // the repository; we refuse that.
    let all = format!("^({host}(?::[0-9]+)?/{component}(?:/{component})*)(?::({tag}))?(?:@({digest}))?$");
    Regex::new(&all).expect("the grammar is a pattern")
});

/// What a text means: repository, tag, digest.
fn meaning(text: &str) -> Option<(String, Option<&str>, Option<&str>)> {
    let full = |name: &str| match name.split_once('/') {
        Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) => {
            let short = first == "index.docker.io" || first == "docker.io";
            match (short, rest.contains('/')) {
                (true, false) => format!("docker.io/library/{rest}"),
                (true, true) => format!("docker.io/{rest}"),
                (false, _) => name.to_owned(),
            }
        }
        Some(_) => format!("docker.io/{name}"),
        None => format!("docker.io/library/{name}"),
    };
    let name_end = text.find('@').unwrap_or(text.len());
    let slash = text[..name_end].rfind('/').map_or(0, |at| at + 1);
    let name_end = text[slash..name_end].find(':').map_or(name_end, |at| slash + at);
    let name = full(&text[..name_end]);
    let whole = format!("{name}{}", &text[name_end..]);
    let id = text[..name_end].len() == 64 && text[..name_end].bytes().all(|b| b.is_ascii_hexdigit());
    if id || name.len() > 255 || whole.contains('\n') {
        return None;
    }
    let found = GRAMMAR.captures(&whole)?;
    let at = text.len().checked_sub(whole.len() - name.len())?;
    let rest = |n: usize| found.get(n).map(|part| &text[part.start() - name.len() + at..part.end() - name.len() + at]);
    (found[1] == *name).then(|| (name.clone(), rest(2), rest(3)))
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parsed = text.parse::<Reference>();
    let own = parsed.as_ref().ok().map(|found| (found.repository(), found.tag(), found.digest()));
    assert_eq!(own, meaning(text), "{text:?}");
    match &parsed {
        Ok(reference) => assert_eq!(&reference.to_string().parse::<Reference>().expect("a reference"), reference),
        Err(error) => check_error(error),
    }
});
