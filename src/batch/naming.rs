//! What results are called.

use std::path::{Component, Path, PathBuf};

use crate::error::{Error, Result, quoted};
use crate::formats::Format;

/// Endings of the names of sources that say nothing but what they are; the longest come first.
const ENDINGS: [&str; 19] = [
    ".docker-archive.tar",
    ".oci-archive.tar",
    ".hybrid.tar",
    ".docker.tar",
    ".oci.tar",
    ".tar.zst",
    ".tar.bz2",
    ".tar.gz",
    ".tar.xz",
    ".docker-archive",
    ".oci-archive",
    ".docker",
    ".hybrid",
    ".tzst",
    ".oci",
    ".tgz",
    ".tbz",
    ".txz",
    ".tar",
];

/// How results are called after their sources: `{dir}`, `{stem}` and `{ext}` stand for the source's folder, its name
/// without an ending, and the target's ending.
#[derive(Clone, Debug)]
pub struct NameTemplate(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Dir,
    Stem,
    Ext,
}

impl Default for NameTemplate {
    fn default() -> Self {
        Self(vec![Part::Dir, Part::Text("/".to_owned()), Part::Stem, Part::Text(".".to_owned()), Part::Ext])
    }
}

impl std::str::FromStr for NameTemplate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let failed = |why: String| Error::usage(format!("name template {}: {why}", quoted(text)));
        let (mut parts, mut left) = (Vec::new(), text);
        while let Some((before, rest)) = left.split_once('{') {
            let (name, behind) = rest.split_once('}').ok_or_else(|| failed("{ without }".to_owned()))?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(match name {
                "dir" => Part::Dir,
                "stem" => Part::Stem,
                "ext" => Part::Ext,
                other => return Err(failed(format!("no {{{other}}}; there are {{dir}}, {{stem}} and {{ext}}"))),
            });
            left = behind;
        }
        parts.push(Part::Text(left.to_owned()));
        if !parts.iter().any(|part| matches!(part, Part::Stem)) {
            return Err(failed("without {stem} all results have one name".to_owned()));
        }
        Ok(Self(parts))
    }
}

impl NameTemplate {
    /// Returns the name of the result, below the output folder.
    pub(super) fn name(&self, source: &Path, to: Format) -> Result<String> {
        let text = source.to_string_lossy();
        let (dir, last) = text.rsplit_once('/').unwrap_or(("", &text));
        let ending = ENDINGS.iter().find(|ending| {
            last.len() > ending.len()
                && last.get(last.len() - ending.len()..).is_some_and(|end| end.eq_ignore_ascii_case(ending))
        });
        let stem = &last[..last.len() - ending.map_or(0, |ending| ending.len())];
        let name: String = self
            .0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text,
                Part::Dir => dir,
                Part::Stem => stem,
                Part::Ext => extension(to),
            })
            .collect();
        clean(&name, false)
    }
}

/// Returns the ending of a target's names.
fn extension(to: Format) -> &'static str {
    match to {
        Format::DockerArchive => "docker.tar",
        Format::DockerDir => "docker",
        Format::OciArchive => "oci.tar",
        Format::OciDir => "oci",
        Format::HybridArchive => "hybrid.tar",
    }
}

/// Returns a name without what says nothing; refuses one that leaves the output folder, unless it is `absolute`.
pub(super) fn clean(name: &str, absolute: bool) -> Result<String> {
    let mut path = PathBuf::new();
    for component in Path::new(if absolute { name } else { name.trim_start_matches('/') }).components() {
        match component {
            Component::ParentDir => {
                let error = Error::usage(format!("output {}: it leaves the output folder", quoted(name)));
                return Err(error.hint("an absolute path is taken as it is"));
            }
            Component::CurDir => {}
            other => path.push(other),
        }
    }
    if path.file_name().is_none() {
        return Err(Error::usage(format!("output {}: no name", quoted(name))));
    }
    Ok(path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_called_after_their_sources() {
        let name = |template: &str, source: &str| {
            let template: NameTemplate = template.parse().unwrap();
            template.name(Path::new(source), Format::OciArchive).unwrap()
        };
        for (source, want) in [
            ("app.tar", "app.oci.tar"),
            ("a/b/app.docker.tar", "a/b/app.oci.tar"),
            ("a/app.TAR.GZ", "a/app.oci.tar"),
            ("app-1.2", "app-1.2.oci.tar"),
            (".tar", ".tar.oci.tar"),
            ("oci-layout-é.oci", "oci-layout-é.oci.tar"),
        ] {
            assert_eq!(NameTemplate::default().name(Path::new(source), Format::OciArchive).unwrap(), want);
        }
        assert_eq!(name("{stem}", "a/b.tar"), "b");
        assert_eq!(name("x/{dir}-{stem}/{stem}.{ext}", "a/b.tar"), "x/a-b/b.oci.tar");
        assert_eq!(name("/{dir}//./{stem}", "a/b.tar"), "a/b");
    }

    #[test]
    fn a_template_that_cannot_be_meant_is_refused() {
        for (text, want) in [("{stem", "without }"), ("{name}", "no {name}"), ("x", "without {stem}"), ("", "without")]
        {
            let error = text.parse::<NameTemplate>().unwrap_err();
            assert!(error.to_string().contains(want), "{error}");
        }
        let up: NameTemplate = "../{stem}".parse().unwrap();
        assert!(up.name(Path::new("a"), Format::OciDir).unwrap_err().to_string().contains("leaves"));
        assert!(clean(".", false).is_err() && clean("/", true).is_err());
        assert_eq!(clean("/a/./b/", true).unwrap(), "/a/b");
    }
}
