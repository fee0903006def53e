//! Reads a page as strictly as the standard has it, and says what is in it.

use std::collections::{BTreeMap, BTreeSet};

use html5gum::{Token, Tokenizer};

/// Elements that have no end.
const VOID: [&str; 1] = ["meta"];
/// All that the page may consist of: nothing that loads, runs or sends.
const ELEMENTS: [&str; 46] = [
    "html", "head", "meta", "title", "style", "body", "a", "header", "main", "footer", "nav", "section", "p", "h1",
    "h2", "h3", "ul", "ol", "li", "dl", "dt", "dd", "div", "span", "b", "code", "table", "caption", "thead", "tbody",
    "tr", "th", "td", "details", "summary", "svg", "g", "rect", "text", "img", "script", "iframe", "object", "form",
    "link", "base",
];
/// What is known of the elements above and must not be there.
const NEVER: [&str; 7] = ["img", "script", "iframe", "object", "form", "link", "base"];
const ATTRIBUTES: [&str; 19] = [
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "class",
    "id",
    "href",
    "aria-label",
    "title",
    "scope",
    "role",
    "viewBox",
    "x",
    "y",
    "width",
    "height",
    "viewbox",
    "colspan",
];

/// What a page holds.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// How often each element is there.
    pub(crate) elements: BTreeMap<String, usize>,
    /// All text between elements, in order.
    pub(crate) texts: Vec<String>,
    /// Values of attributes that archives have a say in.
    pub(crate) values: Vec<String>,
}

impl Page {
    /// Reads a page that has to be without an error, balanced, and made of nothing but the elements and attributes above.
    #[track_caller]
    pub(crate) fn read(html: &str) -> Page {
        let mut page = Page::default();
        let mut open: Vec<String> = Vec::new();
        let (mut ids, mut links) = (BTreeSet::new(), BTreeSet::new());
        for token in Tokenizer::new(html) {
            let Ok(token) = token;
            match token {
                Token::Error(error) => panic!("not HTML: {:?}", error.value),
                Token::Comment(_) => panic!("a comment: nothing writes any"),
                Token::Doctype(doctype) => assert!(open.is_empty() && !doctype.force_quirks, "a doctype inside"),
                Token::String(text) => page.texts.push(String::from_utf8_lossy(&text.value).into_owned()),
                Token::StartTag(tag) => {
                    let name = String::from_utf8_lossy(&tag.name).into_owned();
                    assert!(ELEMENTS.contains(&name.as_str()) && !NEVER.contains(&name.as_str()), "<{name}>");
                    assert!(!tag.self_closing, "<{name}/>");
                    for (key, value) in &tag.attributes {
                        let key = String::from_utf8_lossy(key).into_owned();
                        let value = String::from_utf8_lossy(&value.value).into_owned();
                        assert!(ATTRIBUTES.contains(&key.as_str()), "<{name} {key}>");
                        match key.as_str() {
                            "id" => assert!(ids.insert(value), "an id twice"),
                            "href" => {
                                links.insert(value.strip_prefix('#').unwrap_or_else(|| panic!("{value}")).to_owned());
                            }
                            "title" | "aria-label" => page.values.push(value),
                            _ => {}
                        }
                    }
                    *page.elements.entry(name.clone()).or_default() += 1;
                    if !VOID.contains(&name.as_str()) {
                        open.push(name);
                    }
                }
                Token::EndTag(tag) => {
                    let name = String::from_utf8_lossy(&tag.name).into_owned();
                    assert_eq!(open.pop().as_deref(), Some(name.as_str()), "an end without its start");
                }
            }
        }
        assert_eq!(open, Vec::<String>::new(), "not closed");
        let nowhere: Vec<_> = links.difference(&ids).collect();
        assert!(nowhere.is_empty(), "links to nothing: {nowhere:?}");
        page
    }

    /// Tells whether a text is one of those between elements, white space around it apart.
    pub(crate) fn says(&self, text: &str) -> bool {
        self.texts.iter().any(|own| own.trim() == text)
    }

    pub(crate) fn count(&self, element: &str) -> usize {
        self.elements.get(element).copied().unwrap_or(0)
    }
}
