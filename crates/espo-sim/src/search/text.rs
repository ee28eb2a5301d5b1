//! The text filter.

use espo_schema::{EntityType, FieldKind};

use super::Pred;
use super::fulltext;
use crate::app::App;
use crate::collate::{self, Like};
use crate::layout::{Layout, Source, Ty};
use crate::value::Value;
use crate::view::{self, email};

/// The search text. Spaces around it are significant, except if it is the request's `q`, which is trimmed.
pub(super) fn searched(text: &str) -> &str {
    text.strip_prefix("ft:").unwrap_or(text)
}

/// The fields that are searched.
pub(super) fn fields(entity: &EntityType) -> impl Iterator<Item = &str> {
    let fields = &entity.collection.text_filter_fields;
    let default = fields.is_empty().then_some("name");
    fields.iter().map(String::as_str).chain(default)
}

/// Returns whether a filter is long enough to search inside fields of type text.
pub(super) fn looks_inside(app: &App, text: &str) -> bool {
    text.chars().count() >= app.config.read().min_length_for_content_search
}

/// Returns the condition that a row contains the text.
pub(crate) fn compile<'a>(app: &'a App, layout: &'a Layout, text: &str) -> Pred<'a> {
    let text = searched(text).to_owned();
    if matches!(text.as_str(), "" | "0") {
        return Box::new(|_| true);
    }
    if layout.name == "Email" && is_address(text.trim()) {
        return of_address(app, layout, text.trim());
    }
    let entity = app.layouts.entity(layout);
    let wild = text.contains('*');
    let inside = looks_inside(app, &text);
    let starts = if wild {
        text.replace('*', "%")
    } else {
        format!("{text}%")
    };
    let contains = if wild {
        starts.clone()
    } else {
        format!("%{text}%")
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let mut tests: Vec<Pred<'a>> = Vec::new();
    let words = entity
        .collection
        .full_text_search
        .then(|| fulltext::Query::new(&text));
    if let Some(words) = words {
        tests.push(indexed_words(layout, entity, words));
    }
    for name in fields(entity) {
        if entity.collection.full_text_search && is_indexed(layout, name) {
            continue;
        }
        let Some(ix) = layout.find(name) else {
            continue;
        };
        let attr = &layout.attrs[ix];
        let kind = entity.fields.get(name).map(|f| f.kind);
        let pattern = match (kind, attr.ty) {
            (Some(FieldKind::Email), _) if text.contains(' ') => continue,
            (Some(FieldKind::Phone), _) => {
                if digits.is_empty() || text.chars().any(char::is_alphabetic) {
                    continue;
                }
                let like = Like::new(&format!("{digits}%"));
                tests.push(Box::new(move |row| {
                    match view::value(app, layout, row, ix, "") {
                        Value::Text(s) => like
                            .matches(&s.chars().filter(char::is_ascii_digit).collect::<String>()),
                        _ => false,
                    }
                }));
                continue;
            }
            (_, Ty::Int) => {
                let Ok(n) = text.parse::<i64>() else { continue };
                tests.push(Box::new(move |row| {
                    view::value(app, layout, row, ix, "") == Value::Int(n)
                }));
                continue;
            }
            (_, Ty::LongText) if inside => &contains,
            _ => &starts,
        };
        let like = Like::new(pattern);
        let data = layout
            .slot(&format!("{name}Data"))
            .filter(|_| kind == Some(FieldKind::Email));
        // A person is found by the last name and by both orders of the names too.
        let reversed = match attr.source {
            Source::Person([first, _, last]) => Some((first, last)),
            _ => None,
        };
        tests.push(Box::new(move |row| {
            if let Some((first, last)) = reversed {
                let part =
                    |s: Option<usize>| s.and_then(|s| row.get(s).non_empty()).unwrap_or_default();
                let (first, last) = (part(first), part(last));
                if like.matches(first)
                    || like.matches(last)
                    || like.matches(&format!("{last} {first}"))
                {
                    return true;
                }
            }
            // The primary address is in the row itself; the list is only searched if there are several.
            if let Some(items) = data.and_then(|s| row.get(s).as_list()).filter(|l| l.len() > 1) {
                return items.iter().any(|i| {
                    i.get("lower")
                        .and_then(|v| v.as_str())
                        .is_some_and(|v| like.matches(v))
                });
            }
            match &attr.source {
                Source::Slot(slot) => row.get(*slot).as_str().is_some_and(|s| like.matches(s)),
                _ => matches!(view::value(app, layout, row, ix, ""), Value::Text(s) if like.matches(&s)),
            }
        }));
    }
    Box::new(move |row| tests.iter().any(|t| t(row)))
}

fn is_address(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && !part.contains([' ', '*', '"', '@']);
    text.split_once('@')
        .is_some_and(|(local, domain)| is_part(local) && is_part(domain) && domain.contains('.'))
}

/// Emails are found by a whole address of the sender or of a recipient.
fn of_address<'a>(app: &'a App, layout: &'a Layout, address: &str) -> Pred<'a> {
    let address = collate::needle(address);
    Box::new(move |row| {
        let links = email::ADDRESSES
            .iter()
            .filter(|(attr, _)| *attr != "replyTo");
        links
            .map(|(_, link)| email::texts(app, layout, row, link))
            .any(|texts| {
                let mut texts = texts.into_iter();
                texts.any(|text| collate::equals_folded(&text, &address))
            })
    })
}

/// Whether the words of a field are in the full-text index.
fn is_indexed(layout: &Layout, field: &str) -> bool {
    layout
        .attr(field)
        .is_some_and(|a| a.stored && matches!(a.ty, Ty::Text | Ty::LongText))
}

/// Returns the condition that a row contains the words in any field of the full-text index.
fn indexed_words<'a>(layout: &'a Layout, entity: &EntityType, query: fulltext::Query) -> Pred<'a> {
    let slots: Vec<_> = fields(entity)
        .filter(|name| is_indexed(layout, name))
        .filter_map(|name| layout.slot(name))
        .collect();
    Box::new(move |row| {
        // The index has one document per row.
        let texts: Vec<&str> = slots.iter().filter_map(|s| row.get(*s).as_str()).collect();
        query.matches(&texts.join("\n"))
    })
}
