//! A real browser looks at reports: nothing runs in them, nothing is beside the screen, and there is something to see.

use std::path::{Path, PathBuf};

use crate::inspect::hostile::tree_saying;
use crate::inspect::{platforms, two_images};
use crate::report::hostile::EVIL;
use crate::support::Sandbox;
use crate::support::engines::{Chromium, Scheme, require};

/// Desktops, tablets, phones.
const WINDOWS: [(usize, usize); 3] = [(1280, 2400), (820, 1180), (500, 2000)];
/// What fits on the smallest phones, too.
const WIDTHS: [usize; 4] = [1280, 768, 390, 320];

fn report(sandbox: &Sandbox, name: &str, input: &Path) -> PathBuf {
    let out = sandbox.path(name);
    sandbox.command(["report", "--quiet", "-o"]).arg(&out).arg(input).ok();
    out
}

/// Pages of images, platforms, and text that means harm.
fn pages(sandbox: &Sandbox) -> Vec<PathBuf> {
    let long = "x".repeat(300);
    [
        ("two", sandbox.put("two.tar", &two_images())),
        ("platforms", sandbox.put_tree("platforms.tar", &platforms().tree())),
        ("evil", sandbox.put_tree("evil.tar", &tree_saying(EVIL))),
        ("long", sandbox.put_tree("long.tar", &tree_saying(&long))),
    ]
    .map(|(name, input)| report(sandbox, &format!("{name}.html"), &input))
    .into()
}

#[test]
fn text_of_an_archive_does_not_become_markup_in_a_browser() {
    if !require(&["chromium"]) {
        return;
    }
    let (sandbox, chromium) = (Sandbox::new(), Chromium::new());
    let [evil, plain] = [("evil", EVIL), ("plain", "plain")].map(|(name, text)| {
        let input = sandbox.put_tree(&format!("{name}.tar"), &tree_saying(text));
        chromium.dom(&report(&sandbox, &format!("{name}.html"), &input))
    });
    assert!(evil.contains("<title>evil.tar – image report</title>"), "a script changed the title: {evil}");
    for element in ["<script", "<img", "<iframe", "<svg", "<style", "<title", "<li", "<code", "<text", "<section"] {
        assert_eq!(evil.matches(element).count(), plain.matches(element).count(), "{element}: {evil}");
    }
    assert_eq!(evil.matches("<script").count() + evil.matches("<img").count(), 0);
    assert!(evil.matches("&lt;script&gt;document.title='run'&lt;/script&gt;").count() > 15, "{evil}");
    // The browser would run it, were it not text: what is asserted above is no accident of these options.
    let proof = sandbox.put("proof.html", b"<title>x</title><script>document.title='run'</script>");
    assert!(chromium.dom(&proof).contains("<title>run</title>"));
    let refused = b"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'\"><title>x</title><script>document.title='run'</script>";
    assert!(chromium.dom(&sandbox.put("refused.html", refused)).contains("<title>x</title>"));
}

#[test]
fn pages_can_be_seen_on_every_screen_in_both_schemes() {
    if !require(&["chromium"]) {
        return;
    }
    let (sandbox, chromium) = (Sandbox::new(), Chromium::new());
    let pages = pages(&sandbox);
    for (page, windows) in pages.iter().zip([&WINDOWS[..], &WINDOWS[..1], &WINDOWS[2..], &WINDOWS[2..]]) {
        for &window in windows {
            let [light, dark] = [Scheme::Light, Scheme::Dark].map(|scheme| chromium.picture(page, window, scheme));
            for picture in [&light, &dark] {
                assert_eq!((picture.width, picture.height), window, "{}", page.display());
                assert!(picture.colours() > 60, "{}: {} colours", page.display(), picture.colours());
                assert!(picture.painted() > 0.02, "{}: hardly anything to see", page.display());
            }
            assert!(light.lightness() > 200, "{}: {} in light", page.display(), light.lightness());
            assert!(dark.lightness() < 80, "{}: {} in dark", page.display(), dark.lightness());
            // The colours of pages and of what is in an image, in either scheme.
            assert!(light.has([0xfb, 0xfb, 0xfa]) && dark.has([0x12, 0x16, 0x1b]), "{}", page.display());
            assert!(light.has([0x3d, 0x7f, 0xb8]) && dark.has([0x4f, 0x94, 0xcd]), "{}: no bar", page.display());
        }
    }
}

/// A script in a page beside it measures the report: nothing of it is wider than the window.
#[test]
fn no_page_is_wider_than_its_window() {
    if !require(&["chromium"]) {
        return;
    }
    let (sandbox, chromium) = (Sandbox::new(), Chromium::new());
    let names: Vec<String> =
        pages(&sandbox).iter().map(|page| page.file_name().expect("a name").to_string_lossy().into_owned()).collect();
    let frame = |name: &String, width: &usize| {
        format!("<iframe src=\"{name}\" style=\"width:{width}px;height:900px;border:0\"></iframe>")
    };
    let frames: String = names.iter().flat_map(|name| WIDTHS.iter().map(move |width| frame(name, width))).collect();
    let script = "onload = () => { document.body.dataset.found = [...document.querySelectorAll('iframe')].map(frame => {\
        const root = frame.contentDocument.documentElement; \
        return `${root.scrollWidth}/${root.clientWidth}`; }).join(' '); };";
    let wrapper = format!("<!DOCTYPE html><body>{frames}<script>{script}</script></body>");
    let dom = chromium.dom(&sandbox.put("wrapper.html", wrapper.as_bytes()));
    let (_, found) = dom.split_once("data-found=\"").expect("the script ran");
    let found: Vec<&str> = found.split_once('"').expect("it ends").0.split(' ').collect();
    assert_eq!(found.len(), names.len() * WIDTHS.len(), "{found:?}");
    let wide: Vec<String> = found
        .iter()
        .zip(names.iter().flat_map(|name| WIDTHS.iter().map(move |width| (name, width))))
        .filter(|(found, _)| {
            let (wide, room) = found.split_once('/').expect("two numbers");
            wide.parse::<usize>().expect("a number") > room.parse().expect("a number")
        })
        .map(|(found, (name, width))| format!("{name} at {width}: {found}"))
        .collect();
    assert!(wide.is_empty(), "wider than the window: {wide:?}");
}
