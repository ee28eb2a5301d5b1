//! Side effects of stored changes. Each listener receives all events and handles those that it needs.

pub(crate) mod followers;
pub(crate) mod notes;
pub(crate) mod notifications;

use crate::app::events::Input;
use crate::app::events::{Event, Listener};
use crate::app::{App, Caller};
use crate::layout::Layout;
use crate::record::plain::insert_record;
use crate::store::Row;

/// The listeners below the routes, in the order in which they receive events: followers are determined before notes
/// are written, and notes are written before followers are notified.
pub(crate) const ALL: &[Listener] = &[
    access,
    followers::hear,
    notes::hear,
    notifications::hear,
    campaign_log,
];

/// Adds a lead that comes from a campaign to the campaign's log.
fn campaign_log(app: &App, caller: &Caller, event: &Event) {
    let Event::Created { layout, row, .. } = *event else {
        return;
    };
    let campaign = layout
        .slot("campaignId")
        .and_then(|s| row.get(s).non_empty());
    let (Some(campaign), "Lead") = (campaign, layout.name.as_str()) else {
        return;
    };
    let now = app.clock.datetime();
    let attributes = serde_json::json!({
        "action": "Lead Created",
        "actionDate": now,
        "application": "Espo",
        "campaignId": campaign,
        "createdAt": now,
        "createdById": caller.user_id(),
        "parentType": layout.name,
        "parentId": row.id.as_str(),
    });
    // Metadata without campaigns has no such entity type.
    let _ = attributes
        .as_object()
        .map(|map| insert_record(app, "CampaignLogRecord", map));
}

/// Updates logins and permissions when users, roles and teams change.
fn access(app: &App, _: &Caller, event: &Event) {
    let layout = match *event {
        Event::Created {
            layout, row, input, ..
        }
        | Event::Changed {
            layout,
            new: row,
            input,
            ..
        } => {
            if layout.name == "User" {
                user_saved(app, layout, row, input);
            }
            layout
        }
        Event::Removed { layout, row } => {
            if layout.name == "User" {
                app.auth.change(&row.id, |c| c.active = false);
            }
            layout
        }
        Event::Linked { layout, .. } => layout,
    };
    if matches!(layout.name.as_str(), "User" | "Role" | "Team") {
        app.forget_acls();
    }
}

/// Updates the credentials of a user from the user's record.
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
    if password.is_some() {
        app.auth.end_tokens(&row.id);
    }
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
    // The record contains the key that was generated for it.
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
