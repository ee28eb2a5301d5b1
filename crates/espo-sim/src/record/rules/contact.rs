//! Contacts: the primary account.

use crate::record::hooks::Draft;
use crate::value::{Id, Value};
use crate::version::Version;
use crate::view;

/// Since 10.0, a contact without a primary account gets the first of its accounts. The response contains the name of
/// the account, but no other attributes that are derived from it.
pub(super) fn save(d: &mut Draft) {
    let (Some(many), Some(name)) = (d.layout.find("accountsIds"), d.layout.find("accountName"))
    else {
        return;
    };
    let sent = d.input.get(&many);
    if !d.get("accountId").is_null() || !(sent.is_some() || d.sent("accountId")) {
        return;
    }
    let first = match (sent, d.old) {
        (Some(ids), _) => ids.get(0).and_then(|id| id.as_str()).map(Id::from),
        (None, old) => {
            let linked = old.map(|old| view::linked(d.app, d.layout, old, "accounts"));
            linked.and_then(|rows| rows.first().map(|row| row.id.clone()))
        }
    };
    let Some(first) = first else { return };
    if d.app.version >= Version::V10_0 {
        d.set("accountId", Value::Text(first.clone()));
        let accounts = d.app.layouts.find("Account");
        let shown = accounts.map(|accounts| view::name_of(d.app, accounts, &first));
        d.shown.insert(name, shown.unwrap_or_default());
    } else if d.old.is_none() {
        d.shown.insert(name, Value::Null);
    }
}
