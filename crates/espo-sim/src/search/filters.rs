//! Primary and boolean filters of a stock instance. Each is a name with conditions.

use serde_json::{Value as Json, json};

use super::{Pred, where_};
use crate::app::{App, Caller};
use crate::http::{Refusal, Result};
use crate::layout::{Layout, LinkKind};
use crate::version::Version;

/// The condition that an attribute has a value.
fn is(attribute: &str, value: &str) -> Json {
    json!([{"type": "equals", "attribute": attribute, "value": value}])
}

/// A primary filter as where items, by entity type and name.
fn stock(entity: &str, name: &str) -> Option<Json> {
    let status = |v: &str| is("status", v);
    let status_in = |v: &[&str]| json!([{"type": "in", "attribute": "status", "value": v}]);
    let status_not_in = |v: &[&str]| json!([{"type": "notIn", "attribute": "status", "value": v}]);
    let truth = |attr: &str, v: bool| json!([{"type": if v { "isTrue" } else { "isFalse" }, "attribute": attr}]);
    Some(match (entity, name) {
        ("Account", "customers") => is("type", "Customer"),
        ("Account", "resellers") => is("type", "Reseller"),
        ("Account", "partners") => is("type", "Partner"),
        ("Account", "recentlyCreated") => {
            json!([{"type": "lastXDays", "attribute": "createdAt", "value": 7, "dateTime": true}])
        }
        ("AppLogRecord", "errors") => {
            json!([{"type": "in", "attribute": "level", "value": ["Error", "Critical", "Alert", "Emergency"]}])
        }
        ("AuthLogRecord", "denied") => truth("isDenied", true),
        ("AuthLogRecord", "accepted") => truth("isDenied", false),
        ("AuthToken", "active") => truth("isActive", true),
        ("User", "active") => json!([
            {"type": "isTrue", "attribute": "isActive"},
            {"type": "in", "attribute": "type", "value": ["regular", "admin", "super-admin"]},
        ]),
        ("AuthToken", "inactive") => truth("isActive", false),
        ("CurrencyRecord" | "EmailAccount" | "Template", "active") => status("Active"),
        ("Campaign" | "Document", "active") => status("Active"),
        ("Document", "draft") => status("Draft"),
        ("CampaignLogRecord", "opened" | "sent" | "clicked" | "bounced") => {
            let mut action = name.to_owned();
            action[..1].make_ascii_uppercase();
            is("action", &action)
        }
        ("CampaignLogRecord", "optedOut") => is("action", "Opted Out"),
        ("CampaignLogRecord", "optedIn") => is("action", "Opted In"),
        ("CampaignLogRecord", "leadCreated") => is("action", "Lead Created"),
        ("Case", "open") => status_not_in(&["Closed", "Rejected", "Duplicate"]),
        ("Case", "closed") => status("Closed"),
        ("EmailQueueItem", "pending") => status("Pending"),
        ("EmailQueueItem", "failed") => status("Failed"),
        ("EmailQueueItem", "sent") => status("Sent"),
        ("EmailTemplate", "actual") => truth("oneOff", false),
        ("KnowledgeBaseArticle", "published") => status("Published"),
        ("Lead", "actual" | "active") => status_not_in(&["Converted", "Recycled", "Dead"]),
        ("Lead", "converted") => status("Converted"),
        ("MassEmail", "actual") => status_in(&["Pending", "Draft", "In Process"]),
        ("MassEmail", "complete") => status("Complete"),
        ("Note", "posts") => is("type", "Post"),
        ("Note", "updates") => {
            json!([{"type": "in", "attribute": "type", "value": ["Update", "Status"]}])
        }
        ("Opportunity", "open") => {
            json!([{"type": "notIn", "attribute": "stage", "value": ["Closed Won", "Closed Lost"]}])
        }
        ("Opportunity", "won") => is("stage", "Closed Won"),
        ("Opportunity", "lost") => is("stage", "Closed Lost"),
        ("Task", "actual") => status_not_in(&["Completed", "Canceled", "Deferred"]),
        ("Task", "completed") => status("Completed"),
        ("Task", "deferred") => status("Deferred"),
        ("Task", "todays") => json!([
            {"type": "notIn", "attribute": "status", "value": ["Completed", "Canceled"]},
            {"type": "today", "attribute": "dateEnd", "dateTime": true},
        ]),
        ("Task", "overdue") => json!([
            {"type": "notIn", "attribute": "status", "value": ["Completed", "Canceled"]},
            {"type": "past", "attribute": "dateEnd", "dateTime": true},
        ]),
        ("Task", "actualStartingNotInFuture") => json!([
            {"type": "notIn", "attribute": "status", "value": ["Completed", "Canceled", "Deferred"]},
            {"type": "or", "value": [
                {"type": "isNull", "attribute": "dateStart"},
                {"type": "past", "attribute": "dateStart", "dateTime": true},
            ]},
        ]),
        ("User", "activePortal") => json!([
            {"type": "isTrue", "attribute": "isActive"},
            {"type": "equals", "attribute": "type", "value": "portal"},
        ]),
        ("User", "activeApi") => json!([
            {"type": "isTrue", "attribute": "isActive"},
            {"type": "equals", "attribute": "type", "value": "api"},
        ]),
        ("User", "portal") => is("type", "portal"),
        ("User", "api") => is("type", "api"),
        ("User", "internal") => {
            json!([{"type": "in", "attribute": "type", "value": ["regular", "admin", "super-admin"]}])
        }
        ("WorkingTimeRange", "actual") => {
            json!([{"type": "afterXDays", "attribute": "dateEnd", "value": -1}])
        }
        // The simulator has no unattached records.
        ("Attachment" | "EmailAddress" | "PhoneNumber", "orphan") => {
            json!([{"type": "none", "attribute": "id"}])
        }
        _ => return None,
    })
}

/// Returns the condition of a primary filter.
pub(crate) fn primary<'a>(
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
    name: &str,
) -> Result<Pred<'a>> {
    let items = match (layout.name.as_str(), name) {
        // `one` restricts a query to a record that is specified elsewhere.
        (_, "all" | "one") => return Ok(Box::new(|_| true)),
        (_, "followed") => return Ok(followed(app, caller, layout)),
        (_, "starred") => {
            let (entity, user) = (layout.name.clone(), caller.acl.user_id.clone());
            return Ok(Box::new(move |row| {
                app.stars
                    .read()
                    .contains(&(entity.clone(), row.id.clone(), user.clone()))
            }));
        }
        ("Contact", "portalUsers" | "notPortalUsers") => {
            let wanted = name == "portalUsers";
            return Ok(Box::new(move |row| {
                crate::view::linked(app, layout, row, "portalUser").is_empty() != wanted
            }));
        }
        // This filter requires a relation that a list does not join.
        ("Contact", "accountActive") => return Err(Refusal::internal()),
        (_, "planned") if layout.is_event => is("status", "Planned"),
        (_, "held") if layout.is_event => is("status", "Held"),
        (_, "todays") if layout.is_event => {
            json!([{"type": "today", "attribute": "dateStart", "dateTime": true}])
        }
        (entity, name) => stock(entity, name).ok_or_else(|| {
            Refusal::bad_request(format!("No primary filter '{name}' for '{entity}'."))
        })?,
    };
    // The filters are the server's own: the caller's field permissions do not apply.
    let (parts, executable) = where_::compile(
        app,
        caller,
        layout,
        items.as_array().map(Vec::as_slice).unwrap_or_default(),
    )?;
    executable?;
    Ok(Box::new(move |row| parts.iter().all(|p| p(row))))
}

/// Returns the condition of boolean filters, which are combined with OR.
pub(crate) fn bools<'a>(
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
    names: &[String],
) -> Result<Pred<'a>> {
    let mut parts: Vec<Pred<'a>> = Vec::new();
    for name in names {
        parts.push(match (layout.name.as_str(), name.as_str()) {
            (_, "onlyMy") => only_my(app, caller, layout),
            // A name that is empty is not looked up in the definitions.
            (_, "") => return Err(Refusal::internal()),
            (_, "followed") => followed(app, caller, layout),
            (_, "shared") => match shared(app, caller, layout) {
                Some(shared) => shared,
                None => continue,
            },
            ("User", "onlyMe") => Box::new(move |row| row.id == caller.acl.user_id),
            // Up to 9.3, for every entity type.
            (entity, "onlyMyTeam") if entity == "User" || app.version < Version::V10_0 => {
                let Some(LinkKind::Many { relation, forward }) =
                    layout.links.get("teams").map(|l| l.kind)
                else {
                    return Err(Refusal::internal());
                };
                Box::new(move |row| {
                    app.store
                        .relation(relation)
                        .of(&row.id, forward)
                        .iter()
                        .any(|p| caller.acl.teams.contains(&p.id))
                })
            }
            ("Note", "skipOwn") => {
                let slot = layout.slot("createdById");
                Box::new(move |row| {
                    slot.and_then(|s| row.get(s).as_str()) != Some(caller.user_id())
                })
            }
            ("Case", "open") | ("Task", "actual" | "completed") => {
                primary(app, caller, layout, name)?
            }
            (entity, name) => {
                return Err(Refusal::bad_request(format!(
                    "No bool filter '{name}' for '{entity}'."
                )));
            }
        });
    }
    Ok(Box::new(move |row| {
        parts.is_empty() || parts.iter().any(|p| p(row))
    }))
}

/// Records of other users on which the caller collaborates. Without collaborators, there is no such filter.
fn shared<'a>(app: &'a App, caller: &'a Caller, layout: &'a Layout) -> Option<Pred<'a>> {
    let Some(LinkKind::Many { relation, forward }) =
        layout.links.get("collaborators").map(|l| l.kind)
    else {
        return None;
    };
    let assigned = layout.slot("assignedUserId");
    Some(Box::new(move |row| {
        let user = caller.user_id();
        assigned.is_none_or(|s| row.get(s).as_str() != Some(user))
            && app.store.relation(relation).has(&row.id, forward, user)
    }))
}

fn followed<'a>(app: &'a App, caller: &'a Caller, layout: &'a Layout) -> Pred<'a> {
    let entity = layout.name.clone();
    Box::new(move |row| {
        let followers = app.followers.read();
        followers
            .get(&(entity.clone(), row.id.clone()))
            .is_some_and(|f| f.iter().any(|u| u == caller.user_id()))
    })
}

/// Records of the caller: assigned to or attended by the caller, otherwise created by the caller.
fn only_my<'a>(app: &'a App, caller: &'a Caller, layout: &'a Layout) -> Pred<'a> {
    if matches!(layout.name.as_str(), "Meeting" | "Call")
        && let Some(LinkKind::Many { relation, forward }) =
            layout.links.get("users").map(|l| l.kind)
    {
        return Box::new(move |row| {
            app.store
                .relation(relation)
                .has(&row.id, forward, caller.user_id())
        });
    }
    let slot = layout
        .slot("assignedUserId")
        .or_else(|| layout.slot("userId"))
        .or_else(|| layout.slot("createdById"));
    Box::new(move |row| slot.and_then(|s| row.get(s).as_str()) == Some(caller.user_id()))
}
