//! Automatic followers of a record: assigned users and attendees who may see its stream, if it has one.

use crate::acl::Action;
use crate::app::events::Event;
use crate::app::{App, Caller};
use crate::facts;
use crate::layout::Layout;
use crate::store::Row;

/// Adds followers to a record that was created or changed.
pub(super) fn hear(app: &App, _: &Caller, event: &Event) {
    let (layout, old, row, links) = match *event {
        Event::Created {
            layout, row, links, ..
        } => (layout, None, row, links),
        Event::Changed {
            layout,
            old,
            new,
            links,
            ..
        } => (layout, Some(old), new, links),
        Event::Removed { .. } | Event::Linked { .. } => return,
    };
    if !app.layouts.entity(layout).scope.stream {
        return;
    }
    if let Some(slot) = layout.slot("assignedUserId")
        && old.is_none_or(|o| o.get(slot) != row.get(slot))
        && let Some(user) = row.get(slot).non_empty()
    {
        follow(app, layout, row, user);
    }
    let taking_part = facts::following_users(&app.layouts.schema, &layout.name);
    for change in links.iter().filter(|c| c.now) {
        if matches!(change.link.as_str(), "assignedUsers" | "collaborators")
            || taking_part.as_ref() == Some(&change.link)
        {
            follow(app, layout, row, &change.other);
        }
    }
}

/// Makes a user follow a record, if the user may see the stream.
pub(crate) fn follow(app: &App, layout: &Layout, row: &Row, user: &str) {
    if !app
        .acl(user)
        .record(&app.store, layout, row, Action::Stream)
    {
        return;
    }
    let mut followers = app.followers.write();
    let list = followers
        .entry((layout.name.clone(), row.id.clone()))
        .or_default();
    if !list.iter().any(|f| f == user) {
        list.push(user.into());
    }
}
