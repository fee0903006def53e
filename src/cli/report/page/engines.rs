//! Which engines load the archive.

use std::path::Path;

use maud::{Markup, html};
use transload::{Platform, Prediction, Verdict};

use super::text::shown;
use crate::cli::loadability::{command, rows, said};

/// Says in a line how many engines load it.
pub(super) fn summary(loads: &[Prediction]) -> String {
    let count = |verdict| loads.iter().filter(|engine| engine.verdict == verdict).count();
    let (yes, but) = (count(Verdict::Yes), count(Verdict::But));
    let but = if but > 0 { format!(", {but} of them with a but") } else { String::new() };
    format!("{} of {} engines load it{but}", yes + count(Verdict::But), loads.len())
}

/// Tells which engines load it, why not, and what helps.
pub(super) fn section(loads: &[Prediction], input: &Path) -> Markup {
    let rows = rows(loads, input);
    html! {
        section id="engines" {
            h2 { "Which engines load it" }
            p class="note" { "As it is, on " (Platform::host().to_string()) ". Measured with the engines themselves." }
            div class="scroll" {
                table class="engines" {
                    thead { tr { th scope="col" { "Engine" } th scope="col" { "Loads" } th scope="col" { "Why, and what helps" } } }
                    tbody {
                        @for row in &rows {
                            @let (class, word) = verdict(row.prediction.verdict);
                            tr {
                                th scope="row" { (row.label) }
                                td { span class={ "verdict " (class) } { (word) } }
                                td class="text" {
                                    (shown(&said(row.prediction)))
                                    @if let Some(command) = command(row.prediction, input) { code class="fix" { (shown(&command)) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Yes => ("yes", "yes"),
        Verdict::But => ("but", "yes, but"),
        _ => ("no", "no"),
    }
}
