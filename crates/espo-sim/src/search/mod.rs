//! Searches: matching records, their order, and pages.

pub(crate) mod compare;
pub(crate) mod dates;
pub(crate) mod filters;
mod fulltext;
pub(crate) mod narrow;
pub(crate) mod order;
pub(crate) mod params;
pub(crate) mod span;
pub(crate) mod text;
pub(crate) mod where_;

use std::sync::Arc;

use crate::acl::{Action, Level};
use crate::app::{App, Caller};
use crate::http::Result;
use crate::layout::Layout;
use crate::store::Row;
use params::SearchParams;

/// A condition on a row.
pub(crate) type Pred<'a> = Box<dyn Fn(&Row) -> bool + 'a>;

/// The rows of a page, and their total number.
pub(crate) struct Found {
    pub(crate) rows: Vec<Arc<Row>>,
    pub(crate) total: i64,
}

impl Found {
    /// An empty page.
    pub(crate) fn nothing(total: i64) -> Found {
        Found {
            rows: Vec::new(),
            total,
        }
    }
}

/// Returns all conditions of a search: where items, filters, text.
pub(crate) fn conditions<'a>(
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
    params: &SearchParams,
) -> Result<Vec<Pred<'a>>> {
    let (mut conditions, executable) = where_::compile(app, caller, layout, &params.where_)?;
    named(app, caller, layout, params, &mut conditions)?;
    executable?;
    Ok(conditions)
}

/// Returns all conditions of a search, with conditions on a single stored value separate.
pub(crate) fn split<'a>(
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
    params: &SearchParams,
) -> Result<where_::Split<'a>> {
    let ((tests, mut conditions), executable) = where_::split(app, caller, layout, &params.where_)?;
    named(app, caller, layout, params, &mut conditions)?;
    executable?;
    Ok((tests, conditions))
}

/// Adds the conditions of filters and of the text.
fn named<'a>(
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
    params: &SearchParams,
    conditions: &mut Vec<Pred<'a>>,
) -> Result<()> {
    if let Some(name) = &params.primary_filter {
        conditions.push(filters::primary(app, caller, layout, name)?);
    }
    if !params.bool_filters.is_empty() {
        conditions.push(filters::bools(app, caller, layout, &params.bool_filters)?);
    }
    if let Some(text) = &params.text_filter {
        conditions.push(text::compile(app, layout, text));
    }
    Ok(())
}

/// Returns the condition that the caller may read a row.
pub(crate) fn readable<'a>(
    app: &'a App,
    caller: &'a Caller,
    layout: &'a Layout,
) -> Option<Pred<'a>> {
    // API users do not see each other in lists of users.
    if layout.name == "User" && !caller.acl.is_admin() {
        let type_ = layout.slot("type");
        let all = caller.acl.permission("userPermission");
        return Some(Box::new(move |row| {
            type_.is_none_or(|s| row.get(s).as_str() != Some("api"))
                && (all || row.id == caller.user_id())
        }));
    }
    if caller.acl.level(&layout.name, Action::Read) == Level::All {
        return None;
    }
    Some(Box::new(move |row| {
        caller.acl.record(&app.store, layout, row, Action::Read)
    }))
}

/// Filters and orders `rows` (given in the order of their creation), and returns a page of them.
pub(crate) fn page<'r>(
    app: &App,
    layout: &Layout,
    rows: impl DoubleEndedIterator<Item = &'r Arc<Row>>,
    conditions: &[Pred],
    order: &order::Order,
    params: &SearchParams,
    count: bool,
) -> Found {
    let limit = params
        .max_size
        .unwrap_or_else(|| app.config.read().list_max_size);
    let (offset, limit) = (params.offset.max(0) as usize, limit.max(0) as usize);
    let matching = rows.filter(|r| !r.deleted && conditions.iter().all(|c| c(r)));
    // Without a count, one additional row shows whether there are more.
    let wanted = offset
        .saturating_add(limit)
        .saturating_add(usize::from(!count));
    let (mut rows, total) = order::top(app, layout, matching, order, wanted);
    rows.drain(..offset.min(rows.len()));
    let more = rows.len() > limit;
    rows.truncate(limit);
    let total = if count {
        i64::try_from(total).unwrap_or(i64::MAX)
    } else if more {
        -1
    } else {
        -2
    };
    Found { rows, total }
}
