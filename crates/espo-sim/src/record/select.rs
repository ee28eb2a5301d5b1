//! The attributes of list rows.

use super::create;
use crate::app::{App, Caller};
use crate::layout::{self, AttrIx, Layout, Slot, Source};
use crate::search::order::Order;
use crate::view::values::stand_ins;

/// Attributes that are selected together with another one (`selectDefs.…selectAttributesDependencyMap` of a stock
/// instance).
const DEPENDS: &[(&str, &str, &[&str])] = &[
    (
        "Lead",
        "name",
        &["emailAddress", "phoneNumber", "accountName"],
    ),
    ("Task", "dateEnd", &["status"]),
    ("Meeting", "dateStart", &["dateEnd"]),
    ("Meeting", "dateStartDate", &["dateEnd", "dateEndDate"]),
    ("Meeting", "duration", &["dateStart", "dateEnd"]),
    ("Call", "dateStart", &["dateEnd"]),
    ("Call", "duration", &["dateStart", "dateEnd"]),
    ("User", "apiKey", &["secretKey"]),
    ("Lead", "emailAddress", &["name"]),
    ("Lead", "phoneNumber", &["name"]),
    ("Lead", "accountName", &["name"]),
    ("Opportunity", "contactsIds", &["contactId"]),
    ("Case", "contactsIds", &["contactId"]),
    ("Email", "subject", &["isAutoReply"]),
];

/// The attributes of a list's rows.
pub(crate) struct Plan {
    pub(crate) attrs: Vec<AttrIx>,
    /// The name of a person that is not selected, and the attributes that replace it: the rows have the name, but its
    /// parts were not loaded.
    pub(super) stand_in: Option<(AttrIx, Vec<Slot>)>,
}

/// The attributes of a list row, in the order of the metadata. `columns` are attributes that a link adds.
pub(crate) fn list_plan(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    select: Option<&[String]>,
    order: &Order,
    columns: &[AttrIx],
) -> Plan {
    let mut wanted = vec![false; layout.attrs.len()];
    match select.filter(|_| !layout.select_all) {
        None => {
            for ix in &layout.list_plan {
                wanted[*ix] = true;
            }
        }
        Some(names) => {
            for ix in layout.mandatory.iter().chain(&order.attrs) {
                wanted[*ix] = true;
            }
            let named: Vec<AttrIx> = names.iter().filter_map(|n| layout.find(n)).collect();
            let mut asked = wanted.clone();
            for ix in named {
                asked[ix] = true;
                select_one(layout, ix, &mut wanted);
            }
            dependent(layout, &asked, &mut wanted);
            for ix in &layout.always {
                wanted[*ix] = true;
            }
            loaded(app, layout, names, &mut wanted);
        }
    }
    for ix in columns {
        wanted[*ix] = true;
    }
    let attrs = (0..layout.attrs.len())
        .filter(|ix| wanted[*ix] && !layout.attrs[*ix].write_only && !layout.attrs[*ix].filter_only)
        .filter(|ix| !layout.is_secret(&layout.attrs[*ix].name))
        .filter(|ix| create::readable(app, caller, layout, *ix))
        .collect();
    let selected = select.is_none_or(|names| names.iter().any(|n| n == "name"));
    let stand_ins = stand_ins(layout).iter().filter_map(|a| layout.find(a));
    let slots = stand_ins
        .filter(|ix| layout.name == "User" || wanted[*ix])
        .filter_map(|ix| layout.slot(&layout.attrs[ix].name));
    let name = layout
        .find("name")
        .filter(|ix| wanted[*ix] && !selected && !layout.select_all);
    let slots: Vec<Slot> = slots.collect();
    let stand_in = name.filter(|_| !slots.is_empty()).map(|name| (name, slots));
    Plan { attrs, stand_in }
}

/// Adds attributes that depend on selected attributes.
fn dependent(layout: &Layout, selected: &[bool], wanted: &mut [bool]) {
    for (_, attr, also) in DEPENDS.iter().filter(|(e, ..)| *e == layout.name) {
        if layout.find(attr).is_some_and(|ix| selected[ix]) {
            for ix in also.iter().filter_map(|a| layout.find(a)) {
                wanted[ix] = true;
            }
        }
    }
}

/// Adds the attributes that are set by the loaders of the selected fields: all fields with the same loader.
fn loaded(app: &App, layout: &Layout, names: &[String], wanted: &mut [bool]) {
    let entity = app.layouts.entity(layout);
    let loader = |ix: AttrIx| {
        let field = entity.fields.get(layout.attrs[ix].field.as_deref()?)?;
        layout::loader(entity, field)
    };
    let asked: Vec<&str> = names
        .iter()
        .filter_map(|name| loader(layout.find(name)?))
        .collect();
    if asked.is_empty() {
        return;
    }
    for (ix, wanted) in wanted.iter_mut().enumerate() {
        if loader(ix).is_some_and(|l| asked.contains(&l)) {
            let name = layout.attrs[ix].name.as_str();
            // A loader sets its fields in the base currency.
            *wanted =
                !name.ends_with("Converted") && !NOT_LOADED.contains(&(layout.name.as_str(), name));
        }
    }
    if layout.name == "Email" {
        for ix in ADDRESSES.iter().filter_map(|a| layout.find(a)) {
            wanted[ix] = true;
        }
    }
}

/// Attributes that loaders of single fields would set, in addition to those of a selection.
pub(crate) fn all_loaded(app: &App, layout: &Layout, plan: &[AttrIx]) -> Vec<AttrIx> {
    let entity = app.layouts.entity(layout);
    let is_loaded = |ix: &AttrIx| {
        let attr = &layout.attrs[*ix];
        let field = attr.field.as_deref().and_then(|f| entity.fields.get(f));
        field.is_some_and(|f| layout::loader(entity, f).is_some())
            && !attr.name.ends_with("Converted")
            && !NOT_LOADED.contains(&(layout.name.as_str(), attr.name.as_str()))
            && !plan.contains(ix)
    };
    (0..layout.attrs.len()).filter(is_loaded).collect()
}

/// Attributes that rows of the entity type's list have because a person's name is selected, and that rows of a link
/// lack.
pub(crate) fn only_in_list(layout: &Layout, select: &[String]) -> Vec<AttrIx> {
    if layout.name != "Lead" {
        return Vec::new();
    }
    let depends = DEPENDS
        .iter()
        .filter(|(e, attr, _)| *e == layout.name && *attr == "name");
    depends
        .flat_map(|(.., also)| also.iter())
        .filter(|attr| !select.iter().any(|s| s == *attr))
        .filter_map(|attr| layout.find(attr))
        .collect()
}

/// Names of parent records that are null in a row, because the query contains their IDs or types only if they are
/// selected.
pub(crate) fn unknown_parents(layout: &Layout, plan: &[AttrIx]) -> Vec<AttrIx> {
    let has = |name: String| layout.find(&name).is_none_or(|ix| plan.contains(&ix));
    plan.iter()
        .copied()
        .filter(|ix| match &layout.attrs[*ix].source {
            Source::LinkName(link) if layout.is_parent(link) => {
                !has(format!("{link}Id")) || !has(format!("{link}Type"))
            }
            _ => false,
        })
        .collect()
}

/// A selected attribute, and the attributes that are loaded with it.
fn select_one(layout: &Layout, ix: AttrIx, wanted: &mut [bool]) {
    let attr = &layout.attrs[ix];
    match &attr.source {
        // If one attribute of a link-multiple field is selected, all of them are loaded.
        Source::Ids(link) | Source::Names(link) | Source::Columns(link)
            if layout.attrs[ix].in_read =>
        {
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
    ("Call", "acceptanceStatus"),
    ("Meeting", "acceptanceStatus"),
    ("User", "secretKey"),
    ("TargetList", "entryCount"),
    ("TargetList", "optedOutCount"),
];

/// Attributes that the loader of an email's addresses sets in addition to those of its fields.
const ADDRESSES: &[&str] = &[
    "toEmailAddressesIds",
    "toEmailAddressesNames",
    "ccEmailAddressesIds",
    "ccEmailAddressesNames",
    "bccEmailAddressesIds",
    "bccEmailAddressesNames",
    "replyToEmailAddressesIds",
    "replyToEmailAddressesNames",
];

/// Attributes that their loader leaves out.
const NOT_LOADED: &[(&str, &str)] = &[
    ("Campaign", "hardBouncedCount"),
    ("Campaign", "softBouncedCount"),
];
