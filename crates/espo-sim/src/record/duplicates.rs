//! The duplicate check of a create (ESPO-API.md F4).

use std::sync::Arc;

use espo_schema::FieldKind;
use serde_json::Value as Json;

use super::view;
use crate::acl::Action;
use crate::app::{App, Caller};
use crate::layout::{Layout, Source};
use crate::search::collate;
use crate::store::Row;
use crate::value::Value;

/// At most so many are shown.
const SHOWN: usize = 5;

/// Records that the new one may be a second copy of.
pub(crate) fn find(app: &App, caller: &Caller, layout: &Layout, row: &Row) -> Vec<Arc<Row>> {
    let entity = app.layouts.entity(layout);
    let scope = &entity.scope;
    let default: &[String] = match scope.type_.as_deref() {
        Some("Person" | "Company") if scope.is_custom => &["name".to_owned(), "emailAddress".to_owned()],
        _ => &[],
    };
    let fields = if scope.duplicate_check_fields.is_empty() { default } else { &scope.duplicate_check_fields };
    let mut tests: Vec<Box<dyn Fn(&Row) -> bool>> = Vec::new();
    for field in fields {
        let Some(ix) = layout.find(field) else { continue };
        match (&layout.attrs[ix].source, entity.fields.get(field).map(|f| f.kind)) {
            (Source::Person([first, _, last]), _) => {
                let (Some(first), Some(last)) = (*first, *last) else { continue };
                let (Some(f), Some(l)) = (row.get(first).non_empty(), row.get(last).non_empty()) else { continue };
                let (f, l) = (collate::needle(f), collate::needle(l));
                tests.push(Box::new(move |r| {
                    let same = |s: usize, n: &str| r.get(s).as_str().is_some_and(|t| collate::equals_folded(t, n));
                    same(first, &f) && same(last, &l)
                }));
            }
            (_, Some(kind @ (FieldKind::Email | FieldKind::Phone))) => {
                let Some(slot) = layout.slot(&format!("{field}Data")) else { continue };
                let key = if kind == FieldKind::Email { "lower" } else { "phoneNumber" };
                let values = move |v: &Value| -> Vec<String> {
                    v.as_list().unwrap_or_default().iter().filter_map(|i| i.get(key).and_then(Json::as_str)).map(str::to_owned).collect()
                };
                let mine = values(row.get(slot));
                if !mine.is_empty() {
                    tests.push(Box::new(move |r| values(r.get(slot)).iter().any(|v| mine.contains(v))));
                }
            }
            (Source::Slot(slot), _) => {
                let slot = *slot;
                let Some(text) = row.get(slot).non_empty() else { continue };
                let needle = collate::needle(text);
                tests.push(Box::new(move |r| r.get(slot).as_str().is_some_and(|t| collate::equals_folded(t, &needle))));
            }
            _ => {}
        }
    }
    if tests.is_empty() {
        return Vec::new();
    }
    let rows = app.store.table(layout.index).snapshot();
    rows.iter()
        .filter(|r| !r.deleted && tests.iter().any(|t| t(r)) && caller.acl.record(app, layout, r, Action::Read))
        .take(SHOWN)
        .cloned()
        .collect()
}

/// The body of the refusal: full records as a list would show them.
pub(crate) fn body(app: &App, caller: &Caller, layout: &Layout, rows: &[Arc<Row>]) -> Json {
    let records = rows.iter().map(|row| {
        let pairs = layout.list_plan.iter().filter(|ix| {
            let attr = &layout.attrs[**ix];
            // Without loaders: no parent's name, no star.
            !matches!(attr.source, Source::IsStarred)
                && !matches!(&attr.source, Source::LinkName(l) if layout.links.get(l).is_none_or(|l| l.target.is_none()))
        });
        Json::Object(
            pairs
                .map(|ix| {
                    let attr = &layout.attrs[*ix];
                    (attr.name.clone(), view::value(app, layout, row, *ix, caller.user_id()).to_json())
                })
                .collect(),
        )
    });
    Json::Array(records.collect())
}
