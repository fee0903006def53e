//! Text of an archive that would be markup stays text.

use super::page;
use crate::inspect::hostile::tree_saying;
use crate::support::Sandbox;

/// Ends titles, styles, attributes, comments and sections, and would run in each of these ways; turns text around.
pub(crate) const EVIL: &str = "evil</title></style></text></svg></code>--><!--]]><![CDATA[\"'><img src=x onerror=document.title='run'>\
    <script>document.title='run'</script><svg onload=document.title='run'>&lt;b&gt;&amp;\u{202e}\u{1b}[31m\r\n\t\u{9b}";

#[test]
fn text_stays_text_wherever_it_stands() {
    let sandbox = Sandbox::new();
    let plain = sandbox.put_tree("plain.tar", &tree_saying("plain"));
    let evil = sandbox.put_tree("evil.tar", &tree_saying(EVIL));
    let (harmless, _, _) = page(&sandbox, plain, &[]);
    let (page, html, _) = page(&sandbox, evil, &[]);
    // The reader refuses elements and attributes that no page has; there are no more of the others either.
    assert_eq!(page.elements, harmless.elements, "{html}");
    let whole = |text: &&String| text.contains("<script>document.title='run'</script>");
    let said = page.texts.iter().chain(&page.values).filter(whole).count();
    assert!(said > 15, "said {said} times: {html}");
    // Nothing turns text around, ends a line or hides.
    assert!(page.texts.iter().any(|text| text.contains("\\u{202e}\\u{1b}[31m\\r\\n\\t\\u{9b}")), "{html}");
    assert!(!html.contains(['\u{202e}', '\u{1b}', '\r', '\u{9b}']));
}

/// The archive's own name is no more to be trusted.
#[test]
fn the_name_of_a_file_stays_text() {
    let sandbox = Sandbox::new();
    let name = "<script>x<\u{202e}script>.tar";
    sandbox.put_tree(name, &tree_saying("plain"));
    let (page, html, _) = page(&sandbox, name, &[]);
    assert!(page.says("<script>x<\\u{202e}script>.tar"), "{html}");
}
