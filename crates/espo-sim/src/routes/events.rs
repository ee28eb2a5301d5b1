//! What follows from a stored change, beyond the record itself.

use super::{notes, webhooks};
use crate::app::{App, Caller};
use crate::layout::Layout;
use crate::record::input::Input;
use crate::store::Row;

/// After a record came into being.
pub(crate) fn after_create(app: &App, caller: &Caller, layout: &Layout, row: &Row, input: &Input) {
    if layout.name == "User" {
        user_saved(app, layout, row, input);
    }
    notes::created(app, caller, layout, row);
    webhooks::created(app, caller, layout, row);
    access_changed(app, layout);
}

/// After a record was changed. `old` is the row before.
pub(crate) fn after_update(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    old: &Row,
    new: &Row,
    input: &Input,
) {
    if layout.name == "User" {
        user_saved(app, layout, new, input);
    }
    notes::updated(app, caller, layout, old, new);
    webhooks::updated(app, caller, layout, old, new, input);
    access_changed(app, layout);
}

/// After a record was removed.
pub(crate) fn after_delete(app: &App, caller: &Caller, layout: &Layout, row: &Row) {
    if layout.name == "User" {
        app.auth.change(&row.id, |c| c.active = false);
    }
    webhooks::deleted(app, caller, layout, row);
    access_changed(app, layout);
}

fn access_changed(app: &App, layout: &Layout) {
    if matches!(layout.name.as_str(), "User" | "Role" | "Team") {
        app.forget_acls();
    }
}

/// A user's record is what it logs in by.
fn user_saved(app: &App, layout: &Layout, row: &Row, input: &Input) {
    let text = |attr: &str| {
        layout
            .slot(attr)
            .and_then(|s| row.get(s).non_empty())
            .map(str::to_owned)
    };
    let password = layout
        .find("password")
        .and_then(|ix| input.get(&ix))
        .and_then(|v| v.as_str())
        .map(str::to_owned);
    let active = layout.slot("isActive").is_none_or(|s| row.get(s).is_true());
    let api = text("type").as_deref() == Some("api");
    let hmac = text("authMethod").as_deref() == Some("Hmac");
    app.auth.change(&row.id, |c| {
        c.user_name = text("userName").unwrap_or_default();
        c.active = active && !row.deleted;
        c.hmac = hmac;
        if password.is_some() {
            c.password = password;
        }
        if api && c.api_key.is_none() {
            c.api_key = Some(text("apiKey").unwrap_or_else(|| app.ids.secret()));
        }
        if hmac && c.secret_key.is_none() {
            c.secret_key = Some(app.ids.secret());
        }
    });
    // The record shows the key that was made for it.
    if let (Some(slot), Some(key)) = (
        layout.slot("apiKey"),
        app.auth.get(&row.id).and_then(|c| c.api_key),
    ) && row.get(slot).is_null()
    {
        app.store.table(layout.index).update(&row.id, |r| {
            r.values[slot] = crate::value::Value::text(key);
            true
        });
    }
}
