//! Which attributes the rows of a list have.

use super::create;
use crate::app::{App, Caller};
use crate::layout::{AttrIx, Layout, LinkDef, Source};
use crate::search::order::Order;

/// Entity types whose lists ignore `select` (`recordDefs.…forceSelectAllAttributes`).
const SELECT_ALL: &[&str] = &[
    "ActionHistoryRecord",
    "AuthLogRecord",
    "Job",
    "Role",
    "PortalRole",
    "CampaignLogRecord",
];

/// Attributes that a list row always has (`recordDefs.…mandatoryAttributeList`).
const MANDATORY: &[(&str, &[&str])] = &[
    ("Contact", &["accountId", "accountName"]),
    ("Opportunity", &["accountId", "accountName"]),
    ("User", &["isActive", "userName", "type", "name"]),
];

/// Attributes that the select of a list brings along (`selectDefs.…selectAttributesDependencyMap` of a stock instance).
const DEPENDS: &[(&str, &str, &[&str])] = &[
    ("Task", "dateEnd", &["dateEndDate"]),
    ("Task", "dateStart", &["dateStartDate"]),
    ("Meeting", "dateEnd", &["dateEndDate"]),
    ("Meeting", "dateStart", &["dateStartDate"]),
    ("User", "apiKey", &["secretKey"]),
];

/// The attributes of a list row, in the order of the metadata.
pub(crate) fn list_plan(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    select: Option<&[String]>,
    order: &Order,
    link: Option<&LinkDef>,
) -> Vec<AttrIx> {
    let mut wanted = vec![false; layout.attrs.len()];
    let select = select.filter(|_| !SELECT_ALL.contains(&layout.name.as_str()));
    match select {
        None => {
            for ix in &layout.list_plan {
                wanted[*ix] = true;
            }
        }
        Some(names) => {
            let always = ["id", "assignedUserId", "createdById"];
            let mandatory = MANDATORY
                .iter()
                .find(|(e, _)| *e == layout.name)
                .map(|(_, a)| *a)
                .unwrap_or_default();
            for name in always.iter().chain(mandatory) {
                if let Some(ix) = layout.find(name) {
                    wanted[ix] = true;
                }
            }
            for ix in &order.attrs {
                wanted[*ix] = true;
                with_field(app, layout, *ix, &mut wanted);
            }
            for name in names {
                if let Some(ix) = layout.find(name) {
                    select_one(layout, ix, &mut wanted);
                }
                for (_, _, also) in DEPENDS
                    .iter()
                    .filter(|(e, a, _)| *e == layout.name && a == name)
                {
                    for a in *also {
                        if let Some(ix) = layout.find(a) {
                            wanted[ix] = true;
                        }
                    }
                }
            }
            list_loaders(layout, &mut wanted);
        }
    }
    for (_, ix) in link.map(|l| l.column_attrs.as_slice()).unwrap_or_default() {
        wanted[*ix] = true;
    }
    (0..layout.attrs.len())
        .filter(|ix| wanted[*ix] && !layout.attrs[*ix].write_only && !layout.attrs[*ix].filter_only)
        .filter(|ix| create::readable(app, caller, layout, *ix))
        .collect()
}

/// Ordering by a field selects all of its attributes that a list can have.
fn with_field(app: &App, layout: &Layout, ix: AttrIx, wanted: &mut [bool]) {
    let attr = &layout.attrs[ix];
    let entity = app.layouts.entity(layout);
    let Some(field) = attr.field.as_deref().and_then(|f| entity.fields.get(f)) else {
        return;
    };
    for name in &field.attributes {
        if let Some(ix) = layout.find(name).filter(|ix| layout.attrs[*ix].in_list) {
            wanted[ix] = true;
        }
    }
}

/// A selected attribute, and what is loaded with it.
fn select_one(layout: &Layout, ix: AttrIx, wanted: &mut [bool]) {
    let attr = &layout.attrs[ix];
    match &attr.source {
        // One of a link-multiple's attributes brings all of them.
        Source::Ids(link) | Source::Names(link) | Source::Columns(link) | Source::Types(link) => {
            for (other, a) in layout.attrs.iter().enumerate() {
                if matches!(&a.source, Source::Ids(l) | Source::Names(l) | Source::Columns(l) | Source::Types(l) if l == link)
                {
                    wanted[other] = true;
                }
            }
        }
        _ if attr.in_list || LOADED.contains(&(layout.name.as_str(), attr.name.as_str())) => {
            wanted[ix] = true
        }
        _ => {}
    }
}

/// Attributes without a column that a loader fills when they are selected.
const LOADED: &[(&str, &str)] = &[
    ("User", "secretKey"),
    ("TargetList", "entryCount"),
    ("TargetList", "optedOutCount"),
    ("Meeting", "reminders"),
    ("Call", "reminders"),
    ("Task", "reminders"),
];

/// List loaders add the names of parents, and stars.
fn list_loaders(layout: &Layout, wanted: &mut [bool]) {
    for (ix, attr) in layout.attrs.iter().enumerate() {
        match &attr.source {
            Source::IsStarred => wanted[ix] = true,
            Source::LinkName(link)
                if attr.in_list && layout.links.get(link).is_none_or(|l| l.target.is_none()) =>
            {
                wanted[ix] = true;
            }
            _ => {}
        }
    }
    if layout.name == "Contact"
        && let Some(ix) = layout.find("accountIsInactive")
    {
        wanted[ix] = true;
    }
}
