//! Attributes of every list row, regardless of the selection.

use espo_schema::{EntityType, Field, Schema};
use serde_json::Value as Json;

use super::{AttrIx, Layout, Source};

/// `recordDefs.…mandatoryAttributeList` of a stock instance, for metadata without `recordDefs`.
const MANDATORY: &[(&str, &[&str])] = &[
    ("CampaignTrackingUrl", &["campaignId"]),
    ("Contact", &["accountId", "accountName"]),
    (
        "Email",
        &[
            "name",
            "createdById",
            "dateSent",
            "fromString",
            "fromEmailAddressId",
            "fromEmailAddressName",
            "parentId",
            "parentType",
            "isHtml",
            "isReplied",
            "status",
            "accountId",
            "folderId",
            "messageId",
            "sentById",
            "replyToString",
            "hasAttachment",
            "groupFolderId",
            "groupStatusFolder",
        ],
    ),
    ("MassEmail", &["campaignId"]),
    ("Opportunity", &["accountId", "accountName"]),
    ("Portal", &["customUrl", "customId"]),
    ("User", &["isActive", "userName", "type"]),
];

/// `recordDefs.…forceSelectAllAttributes` of a stock instance, for metadata without `recordDefs`.
const SELECT_ALL: &[&str] = &[
    "ActionHistoryRecord",
    "AuthLogRecord",
    "Job",
    "Role",
    "PortalRole",
    "CampaignLogRecord",
];

/// Attributes that loaders and appliers of a stock instance add to every selection.
const LOADED: &[(&str, &[&str])] = &[
    ("Contact", &["accountIsInactive"]),
    (
        "Email",
        &[
            "subject",
            "fromName",
            "fromAddress",
            "replyToName",
            "replyToAddress",
            "personStringData",
            "isRead",
            "isImportant",
            "inTrash",
            "inArchive",
            "isUsers",
            "createdEventName",
        ],
    ),
    ("User", &["name"]),
];

/// Fields that one loader of a stock instance fills, for metadata that does not name loaders.
const LOADERS: &[(&str, &[&str])] = &[
    (
        "Campaign",
        &[
            "sentCount",
            "openedCount",
            "clickedCount",
            "optedInCount",
            "optedOutCount",
            "bouncedCount",
            "hardBouncedCount",
            "softBouncedCount",
            "leadCreatedCount",
            "openedPercentage",
            "clickedPercentage",
            "optedOutPercentage",
            "bouncedPercentage",
            "revenue",
        ],
    ),
    ("Email", &["from", "to", "cc", "bcc", "replyTo"]),
];

/// The loader that fills a field when it is read, or selected in a list.
pub(crate) fn loader<'a>(entity: &'a EntityType, field: &Field) -> Option<&'a str> {
    // Parts of a composite field are filled with it.
    let whole = field.composite_of.as_deref().unwrap_or(&field.name);
    let named = entity
        .fields
        .get(whole)
        .and_then(|f| f.raw.get("loaderClassName"))
        .and_then(Json::as_str);
    let stock = || {
        let (_, fields) = LOADERS.iter().find(|(e, _)| *e == entity.name)?;
        fields.contains(&whole).then_some("stock")
    };
    named.or_else(stock)
}

impl Layout {
    /// Sets the attributes of every list row.
    pub(super) fn set_selection(&mut self, schema: &Schema, entity: &EntityType) {
        let defs = schema.raw.get("recordDefs").and_then(|d| d.get(&self.name));
        let stock = |table: &[(&str, &'static [&'static str])]| -> &'static [&'static str] {
            table
                .iter()
                .find(|(e, _)| *e == self.name)
                .map(|(_, a)| *a)
                .unwrap_or_default()
        };
        let mut names: Vec<&str> = Vec::new();
        match defs.map(|d| d.get("mandatoryAttributeList")) {
            Some(Some(Json::Array(list))) => names.extend(list.iter().filter_map(Json::as_str)),
            Some(_) => {}
            None => names.extend(stock(MANDATORY)),
        }
        let find = |names: &[&str]| -> Vec<AttrIx> {
            names.iter().filter_map(|name| self.find(name)).collect()
        };
        let mandatory = find(&names);
        let mut always = find(&["id", "assignedUserId", "createdById"]);
        always.extend(&mandatory);
        always.extend(find(stock(LOADED)));
        for (ix, attr) in self.attrs.iter().enumerate() {
            let loaded = match &attr.source {
                Source::IsStarred => true,
                Source::LinkName(link) => {
                    attr.in_list && entity.links.get(link).is_none_or(|l| l.entity.is_none())
                }
                _ => false,
            };
            if loaded {
                always.push(ix);
            }
        }
        self.always = always;
        self.mandatory = mandatory;
        self.select_all = match defs.map(|d| d.get("forceSelectAllAttributes")) {
            Some(force) => force == Some(&Json::Bool(true)),
            None => SELECT_ALL.contains(&self.name.as_str()),
        };
    }
}
