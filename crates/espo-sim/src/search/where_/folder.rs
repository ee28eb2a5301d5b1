//! The filter by folder of the caller's emails.

use serde_json::Value as Json;

use super::super::Pred;
use super::Compiler;
use crate::layout::Layout;
use crate::store::Row;
use crate::view::email::{in_inbox, mark};

/// Whether an item selects the emails of a folder.
pub(super) fn is_folder(layout: &Layout, type_: &str) -> bool {
    layout.name == "Email" && type_ == "inFolder"
}

impl<'a> Compiler<'a> {
    /// The condition of an item that selects a folder: one that every user has, or one of the caller.
    pub(super) fn folder(&self, item: &Json) -> Pred<'a> {
        let (app, layout) = (self.app, self.layout);
        let user = self.caller.user_id();
        let folder = item["value"].as_str().unwrap_or_default().to_owned();
        let text = |row: &Row, attr: &str| {
            let slot = layout.slot(attr)?;
            row.get(slot).as_str().map(str::to_owned)
        };
        let marked = move |row: &Row, what: &str| mark(app, layout, row, what, user).is_true();
        let written = move |row: &Row, status: &str| {
            text(row, "status").as_deref() == Some(status)
                && text(row, "createdById").as_deref() == Some(user)
        };
        let in_folder = move |row: &Row| {
            mark(app, layout, row, "folderId", user)
                .as_str()
                .map(str::to_owned)
        };
        Box::new(move |row| match folder.as_str() {
            "sent" => written(row, "Sent"),
            "drafts" => written(row, "Draft"),
            _ if !in_inbox(app, layout, row, user) => false,
            "trash" => marked(row, "inTrash"),
            _ if marked(row, "inTrash") => false,
            "all" => true,
            "important" => marked(row, "isImportant"),
            "archive" => marked(row, "inArchive"),
            _ if marked(row, "inArchive") => false,
            "inbox" => in_folder(row).is_none(),
            id => in_folder(row).as_deref() == Some(id),
        })
    }
}
