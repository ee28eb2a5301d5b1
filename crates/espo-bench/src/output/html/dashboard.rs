//! The live page. Its script builds all content from the events that it receives.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::body;
use super::page::STYLE;
use crate::report::Report;

const SCRIPT: &str = include_str!("dashboard.js");
const LIVE_STYLE: &str = include_str!("dashboard.css");

/// The page that `--dashboard` serves.
pub(crate) fn dashboard_page(title: &str) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "espo-bench: " (title) }
                style { (PreEscaped(STYLE)) (PreEscaped(LIVE_STYLE)) }
            }
            body {
                main #live {
                    header {
                        h1 { (title) }
                        p { span #stage { "Connecting …" } " " span #state.badge {} }
                        progress #progress max="1" {}
                    }
                    (cards())
                    section #slos hidden { h2 { "SLOs so far" } div.scroll { table { tbody {} } } }
                    (chart("latency", "Response times", "Successful requests, by the second in which the response arrived; logarithmic."))
                    (chart("rate", "Rate", "Responses per second; in the open model also the target rate in iterations per second."))
                    (chart("flight", "In flight and failed", "Requests in flight at the end of each second, and failed requests per second."))
                    section #errors hidden { h2 { "Errors by kind" } div.scroll { table {
                        thead { tr { th.n { "count" } th { "operation" } th { "kind" } th { "first reason" } } }
                        tbody {}
                    } } }
                    (operations())
                    noscript { p.warning { "The live page needs JavaScript. The report at the end of the run does not." } }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}

fn cards() -> Markup {
    let cards = [
        ("requests", "requests"),
        ("failed", "failed requests"),
        ("rate-now", "responses per second"),
        ("in-flight", "in flight"),
        ("p50", "p50"),
        ("p95", "p95"),
        ("p99", "p99"),
        ("max", "max"),
    ];
    html! {
        section.cards {
            @for (id, name) in cards { div { b id=(id) { "–" } span { (name) } } }
        }
    }
}

fn chart(id: &str, title: &str, note: &str) -> Markup {
    html! {
        figure id=(id) {
            figcaption { h2 { (title) } p { (note) } p.legend {} }
            div.plot {}
        }
    }
}

fn operations() -> Markup {
    html! {
        section #operations {
            h2 { "Operations" }
            p #shown {}
            div.scroll { table {
                thead { tr {
                    th { "operation" } th.n { "count" } th.n { "errors" } th.n { "p50" } th.n { "p95" } th.n { "p99" } th.n { "max" }
                } }
                tbody {}
            } }
        }
    }
}

/// Returns the report's content, which replaces the live page when the run has ended.
pub(crate) fn report_body(report: &Report) -> String {
    body(report).into_string()
}
