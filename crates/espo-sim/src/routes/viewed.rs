//! Records that a user viewed last: those that were read, and from 10.0 on those that were created.

use std::collections::HashSet;

use http::Method;
use serde_json::{Value as Json, json};

use super::{Call, Fixed};
use crate::app::extras::View;
use crate::app::{App, Caller};
use crate::http::{Reply, Result};
use crate::layout::Layout;
use crate::record::read;
use crate::search::params::SearchParams;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[Fixed::action(Method::GET, "LastViewed", last_viewed)];

/// Reads that are remembered of a user; enough for every page that the list gives.
const KEPT: usize = 500;

/// Stores that a user viewed a record, for object entity types and those with `lastViewed`.
pub(super) fn note(app: &App, caller: &Caller, layout: &Layout, id: &str) {
    let scope = &app.layouts.entity(layout).scope.raw;
    let says = |key: &str| scope.get(key) == Some(&Json::Bool(true));
    if !says("object") && !says("lastViewed") {
        return;
    }
    let at = app.clock.datetime();
    let mut users = app.extras.views.0.lock();
    let views = users.entry(caller.user_id().into()).or_default();
    if views.len() == KEPT {
        views.pop_front();
    }
    let number = views.back().map_or(1, |last| last.number + 1);
    views.push_back(View {
        number,
        entity: layout.index,
        id: id.into(),
        at,
    });
}

/// `GET LastViewed`: each record once, the one viewed last first.
fn last_viewed(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let views: Vec<View> = match app.extras.views.0.lock().get(caller.user_id()) {
        Some(views) => views.iter().rev().cloned().collect(),
        None => Vec::new(),
    };
    let mut seen = HashSet::new();
    let mut list = Vec::new();
    for view in views {
        let Some(layout) = app.layouts.at(view.entity) else {
            continue;
        };
        let Some(row) = app.store.table(view.entity).live(&view.id) else {
            continue;
        };
        if seen.insert((view.entity, view.id.clone())) {
            list.push(json!({
                "id": format!("{:017x}", view.number),
                "targetType": layout.name,
                "createdAt": view.at,
                "targetId": view.id.as_str(),
                "targetName": view::name(app, layout, &row, "name").to_json(),
            }));
        }
    }
    let (offset, limit) = read::page_of(app, &params);
    // The list is not counted.
    let total = if list.len() > offset.saturating_add(limit) {
        -1
    } else {
        -2
    };
    let page: Vec<Json> = list.into_iter().skip(offset).take(limit).collect();
    Ok(app.list_json(total, &page))
}
