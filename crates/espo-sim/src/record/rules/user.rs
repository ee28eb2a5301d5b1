//! Users: login names, and the attributes of API users.

use serde_json::{Value as Json, json};

use crate::http::{Refusal, Result};
use crate::record::hooks::Draft;
use crate::value::Value;

pub(super) fn save(d: &mut Draft) -> Result<()> {
    check_name(d)?;
    check_team(d)?;
    let is_long = |v: Value| v.as_str().is_some_and(|s| s.chars().count() > 7);
    if is_long(d.get("avatarColor")) {
        return Err(Refusal::internal());
    }
    if d.old.is_some() {
        return Ok(());
    }
    let kind = d.get("type");
    let reset: &[&str] = match kind.as_str() {
        Some("api") => &["lastAccess", "avatarId"],
        Some("portal") => &["authMethod", "lastAccess", "avatarId", "defaultTeamId"],
        _ => &["authMethod", "lastAccess", "avatarId"],
    };
    for attr in reset {
        if let Some(ix) = d.layout.find(attr) {
            d.shown.entry(ix).or_insert(Value::Null);
        }
    }
    if kind.as_str() == Some("portal") {
        d.set("defaultTeamId", Value::Null);
        if let Some(ix) = d.layout.find("teamsIds") {
            d.extra.insert(ix, json!([]));
            d.shown.shift_remove(&ix);
        }
    }
    if kind.as_str() != Some("api") && d.sent("authMethod") {
        d.set("authMethod", Value::Null);
    }
    if kind.as_str() == Some("api") {
        // The name of an API user is its user name.
        let name = d.get("userName");
        d.set("lastName", name);
        if d.get("authMethod").as_str() != Some("Hmac") {
            let key = d.app.ids.secret();
            d.set("apiKey", Value::text(key));
        }
    }
    Ok(())
}

/// Small letters, digits and `@.-_`; another user must not have the name.
fn check_name(d: &Draft) -> Result<()> {
    let name = d.get("userName");
    let Some(name) = name.as_str().filter(|_| d.changed("userName")) else {
        return Ok(());
    };
    let is_valid = name.bytes().all(|b| {
        b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'@' | b'.' | b'-' | b'_')
    });
    if !is_valid {
        return Err(Refusal::validation("User", "userName", "valid"));
    }
    let slot = d.layout.slot("userName");
    let rows = d.app.store.table(d.layout.index).snapshot();
    let mut others = rows.iter().filter(|r| !r.deleted && r.id != d.row.id);
    if others.any(|r| slot.is_some_and(|s| r.get(s).as_str() == Some(name))) {
        return Err(Refusal {
            body: None,
            ..Refusal::conflict("userNameExists", Json::Null)
        });
    }
    Ok(())
}

/// The default team is one of the user's teams.
pub(crate) fn check_team(d: &Draft) -> Result<()> {
    if !d.sent("defaultTeamId") {
        return Ok(());
    }
    let team = d.get("defaultTeamId");
    let Some(team) = team.non_empty() else {
        return Ok(());
    };
    let sent = d.layout.find("teamsIds").and_then(|ix| d.input.get(&ix));
    let is_member = match (sent.and_then(Json::as_array), d.old) {
        (Some(ids), _) => ids.contains(&json!(team)),
        (None, Some(old)) => crate::view::linked(d.app, d.layout, old, "teams")
            .iter()
            .any(|t| t.id == team),
        (None, None) => false,
    };
    match is_member {
        true => Ok(()),
        false => Err(Refusal::validation("User", "defaultTeam", "isUserTeam")),
    }
}
