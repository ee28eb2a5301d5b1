//! Searches across records: by name, and for email addresses.

use http::Method;
use serde_json::{Value as Json, json};

use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::search::order::{self, Order};
use crate::search::params::SearchParams;
use crate::search::{self, narrow, text};
use crate::store::Row;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::GET, "GlobalSearch", global_search),
    Fixed::action(Method::GET, "User/:id/acl", user_acl),
];

/// Entity types of a global search (`globalSearchEntityList` of a stock instance).
const GLOBAL: &[&str] = &["Account", "Contact", "Lead", "Opportunity"];

/// `GET GlobalSearch?q=…`
fn global_search(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let q = call
        .request
        .param("q")
        .map(str::trim)
        .filter(|q| !q.is_empty());
    let Some(q) = q else {
        return Err(Refusal::bad_request("No `q` parameter."));
    };
    let params = SearchParams::of(call.request, app.config.read().list_max_size)?;
    let (offset, limit) = (
        params.offset as usize,
        params.max_size.unwrap_or(20) as usize,
    );
    let mut found = Vec::new();
    for layout in GLOBAL.iter().filter_map(|e| app.layouts.find(e)) {
        if caller.acl.level(&layout.name, Action::Read) == Level::No {
            continue;
        }
        let mut conditions = vec![text::compile(app, layout, q)];
        conditions.extend(search::readable(app, caller, layout));
        let holds = |r: &Row| !r.deleted && conditions.iter().all(|c| c(r));
        // By name within each entity type.
        let by_name = SearchParams {
            order_by: Some("name".to_owned()),
            ..SearchParams::default()
        };
        let order = Order::of(app, caller, layout, &by_name)?;
        let wanted = offset + limit + 1;
        let rows = match narrow::by_text(app, layout, q, usize::MAX) {
            Some(rows) => order::top(
                app,
                layout,
                rows.iter().filter(|r| holds(r)),
                &order,
                wanted,
            ),
            None => {
                let rows = app.store.table(layout.index).snapshot();
                order::top(
                    app,
                    layout,
                    rows.iter().filter(|r| holds(r)),
                    &order,
                    wanted,
                )
            }
        };
        let (mut rows, _) = rows;
        // People are ordered by the whole name here, not by its parts.
        let mut named: Vec<_> = rows
            .into_iter()
            .map(|r| (view::name(app, layout, &r, "name"), r))
            .collect();
        named.sort_by(|(a, x), (b, y)| order::compare_values(a, b).then_with(|| y.id.cmp(&x.id)));
        rows = named.into_iter().map(|(_, row)| row).collect();
        let status = app.layouts.entity(layout).scope.status_field.clone();
        for row in rows {
            let mut item = json!({"id": row.id.as_str(), "name": view::name(app, layout, &row, "name").to_json(), "_scope": layout.name});
            if let Some((field, slot)) = status.as_deref().and_then(|s| Some((s, layout.slot(s)?)))
            {
                item[field] = row.get(slot).to_json();
            }
            // If other attributes can replace a name, they are included.
            if layout.name != "User" {
                for attr in view::values::stand_ins(layout) {
                    item[*attr] = view::name(app, layout, &row, attr).to_json();
                }
            }
            found.push(item);
        }
    }
    let more = found.len() > offset + limit;
    let list: Vec<Json> = found.into_iter().skip(offset).take(limit).collect();
    Ok(app.list_json(if more { -1 } else { -2 }, &list))
}

pub(super) fn get<'r>(layout: &Layout, row: &'r Row, attr: &str) -> Option<&'r str> {
    layout.slot(attr).and_then(|s| row.get(s).non_empty())
}

/// `GET User/{id}/acl`, for administrators and the user itself.
fn user_acl(call: &Call) -> Result<Reply> {
    let app = call.app;
    let users = app.layout("User")?;
    let row = app.live(users, call.params[0])?;
    if !call.caller.acl.is_admin() && row.id != call.caller.acl.user_id {
        return Err(Refusal::forbidden_silently());
    }
    Ok(app.json(&super::permissions::document(app, &app.acl(&row.id))))
}
