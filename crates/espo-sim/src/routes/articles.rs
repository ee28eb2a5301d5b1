//! Places of articles of the knowledge base.

use std::sync::Arc;

use http::Method;
use serde_json::Value as Json;

use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::{Layout, Slot};
use crate::search::params::SearchParams;
use crate::search::{self, where_};
use crate::store::Row;
use crate::value::Value;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::POST, "KnowledgeBaseArticle/action/moveToTop", |c| {
        go(c, Place::Top)
    }),
    Fixed::controller(Method::POST, "KnowledgeBaseArticle/action/moveUp", |c| {
        go(c, Place::Up)
    }),
    Fixed::controller(Method::POST, "KnowledgeBaseArticle/action/moveDown", |c| {
        go(c, Place::Down)
    }),
    Fixed::controller(
        Method::POST,
        "KnowledgeBaseArticle/action/moveToBottom",
        |c| go(c, Place::Bottom),
    ),
];

#[derive(Debug, Clone, Copy)]
enum Place {
    Top,
    Up,
    Down,
    Bottom,
}

/// `POST KnowledgeBaseArticle/action/move… {id, where}`: `up` and `down` exchange positions with the neighbour among
/// the articles that `where` selects; `top` and `bottom` are one position beyond the current first or last article.
fn go(call: &Call, place: Place) -> Result<Reply> {
    let app = call.app;
    let layout = app.layout("KnowledgeBaseArticle")?;
    let body = call.request.json_body()?;
    if call.caller.acl.level(&layout.name, Action::Edit) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let id = body.get("id").and_then(Json::as_str);
    let id = id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Refusal::bad_request(""))?;
    let row = app.live(layout, id)?;
    if !call
        .caller
        .acl
        .record(&app.store, layout, &row, Action::Edit)
    {
        return Err(Refusal::forbidden_silently());
    }
    let order = layout.slot("order").ok_or_else(Refusal::internal)?;
    let selected = body.get("where").and_then(Json::as_array);
    let others = selection(call, layout, selected.cloned().unwrap_or_default())?;
    let number = |row: &Row| row.get(order).as_f64().unwrap_or_default() as i64;
    let mine = number(&row);
    let above = others.iter().filter(|r| number(r) < mine);
    let below = others.iter().filter(|r| number(r) > mine);
    let other = match place {
        Place::Top => above.min_by_key(|r| number(r)),
        Place::Up => above.max_by_key(|r| number(r)),
        Place::Down => below.min_by_key(|r| number(r)),
        Place::Bottom => below.max_by_key(|r| number(r)),
    };
    let Some(other) = other else {
        return Ok(Reply::bool(true));
    };
    let theirs = number(other);
    match place {
        Place::Top => put(call, layout, order, &row, theirs - 1),
        Place::Bottom => put(call, layout, order, &row, theirs + 1),
        Place::Up | Place::Down => {
            put(call, layout, order, &row, theirs);
            put(call, layout, order, other, mine);
        }
    }
    Ok(Reply::bool(true))
}

/// Returns the articles that match a condition and that the caller may read.
fn selection(call: &Call, layout: &Layout, where_: Vec<Json>) -> Result<Vec<Arc<Row>>> {
    let params = SearchParams {
        where_,
        ..SearchParams::default()
    };
    let mut conditions = search::conditions(call.app, call.caller, layout, &params)?;
    conditions.extend(search::readable(call.app, call.caller, layout));
    let rows = call.app.store.table(layout.index).snapshot();
    Ok(where_::matching(rows.iter(), &conditions))
}

fn put(call: &Call, layout: &Layout, order: Slot, row: &Row, number: i64) {
    call.app.store.table(layout.index).update(&row.id, |r| {
        r.values[order] = Value::Int(number);
        true
    });
}
