//! The page frame and small elements that all pages share.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// The style sheet of all pages.
pub(super) const STYLE: &str = include_str!("page.css");

/// Returns a page with this content.
pub(super) fn page(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    }
}

/// Renders key figures side by side.
pub(super) fn cards(cards: &[(&str, String)]) -> Markup {
    html! {
        section.cards {
            @for (name, value) in cards {
                div { b { (value) } span { (name) } }
            }
        }
    }
}

/// Returns a note, which is a separate line on the terminal, as a sentence.
pub(super) fn sentence(note: &str) -> String {
    let mut letters = note.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

/// Renders a badge for a good or bad state.
pub(super) fn badge(is_good: bool, text: &str) -> Markup {
    let class = if is_good { "badge good" } else { "badge bad" };
    html! { span class=(class) { (text) } }
}
