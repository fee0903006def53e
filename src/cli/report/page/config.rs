//! How a container of the image runs, and how the image was built.

use maud::{Markup, html};
use transload::InspectedImage;

use super::text::{first, shown};
use crate::cli::inspect::text::{short_command, to_the_second, words};

/// Tells of the config.
pub(super) fn settings(image: &InspectedImage) -> Markup {
    let settings = image.settings();
    let list = |list: &[String]| if list.is_empty() { Vec::new() } else { vec![words(list)] };
    let one = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    let labels: Vec<(String, String)> = settings.labels.clone();
    let annotations: Vec<(String, String)> = image
        .annotations()
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let rows = [
        ("Entrypoint", list(&settings.entrypoint)),
        ("Cmd", list(&settings.cmd)),
        ("User", one(&settings.user)),
        ("Working directory", one(&settings.workdir)),
        ("Environment", settings.env.clone()),
        ("Ports", settings.ports.clone()),
        ("Volumes", settings.volumes.clone()),
        ("Health check", one(&settings.healthcheck)),
        ("Stop signal", one(&settings.stop_signal)),
        ("Shell", list(&settings.shell)),
        ("On build", settings.on_build.clone()),
    ];
    let empty = rows.iter().all(|(_, lines)| lines.is_empty()) && labels.is_empty() && annotations.is_empty();
    html! {
        @if empty { p class="note" { "The config says nothing of how a container runs." } } @else {
            dl class="pairs" {
                @for (label, lines) in rows.iter().filter(|(_, lines)| !lines.is_empty()) {
                    dt { (label) }
                    dd { (self::lines(lines)) }
                }
                @for (label, pairs) in [("Labels", &labels), ("Annotations", &annotations)] {
                    @if !pairs.is_empty() { dt { (label) } dd { (self::pairs(pairs)) } }
                }
            }
        }
    }
}

fn lines(lines: &[String]) -> Markup {
    let (list, more) = first(lines);
    html! {
        ul class="plain" {
            @for line in list { li { code { (shown(line)) } } }
            @if more > 0 { li class="faint" { "and " (more) " more" } }
        }
    }
}

fn pairs(pairs: &[(String, String)]) -> Markup {
    let (list, more) = first(pairs);
    html! {
        ul class="plain" {
            @for (key, value) in list { li { code { span class="faint" { (shown(key)) "=" } (shown(value)) } } }
            @if more > 0 { li class="faint" { "and " (more) " more" } }
        }
    }
}

/// Lists the history, oldest first.
pub(super) fn history(image: &InspectedImage) -> Markup {
    let all = image.history();
    let (lines, more) = first(&all);
    let unfit = !all.is_empty() && !image.layers.is_empty() && all.iter().all(|line| line.layer.is_none());
    html! {
        @if all.is_empty() { p class="note" { "The config has no history." } } @else {
            @if unfit { p class="note" { "The history does not fit the number of layers." } }
            div class="scroll" {
                table class="history" {
                    thead { tr { th scope="col" class="number" { "Layer" } th scope="col" { "Created by" } th scope="col" { "Created" } } }
                    tbody {
                        @for line in lines {
                            tr {
                                th scope="row" class="number" { @if let Some(layer) = line.layer { (layer) } @else { span class="faint" { "–" } } }
                                td class="text" {
                                    code { (shown(&short_command(line.created_by.as_deref().unwrap_or_default()))) }
                                    @if let Some(comment) = &line.comment { " " span class="faint" { (shown(comment)) } }
                                }
                                td class="date" { (line.created.as_deref().map(|time| shown(&to_the_second(time))).unwrap_or_default()) }
                            }
                        }
                    }
                }
            }
            @if more > 0 { p class="note" { "and " (more) " more lines" } }
        }
    }
}
