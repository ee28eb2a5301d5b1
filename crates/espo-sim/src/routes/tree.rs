//! Categories: their tree, its leaves, and moving one.

use std::collections::HashSet;
use std::sync::Arc;

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed};
use crate::acl::{Action, Level};
use crate::http::{Refusal, Reply, Result};
use crate::layout::{Layout, LinkKind, Slot};
use crate::record::update;
use crate::store::Row;
use crate::value::Id;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, ":Entity/action/listTree", list_tree),
    Fixed::controller(
        Method::GET,
        ":Entity/action/lastChildrenIdList",
        last_children,
    ),
    Fixed::controller(Method::POST, ":Entity/action/move", move_one),
];

/// Default number of levels of a tree.
const DEPTH: usize = 2;

/// Category types of a stock instance, for metadata without scopes.
const STOCK: &[&str] = &[
    "DocumentFolder",
    "EmailTemplateCategory",
    "KnowledgeBaseCategory",
    "TargetListCategory",
];

struct Tree<'a> {
    layout: &'a Layout,
    parent: Slot,
    /// The rows that are not deleted and that the caller may read, in the order of the tree.
    rows: Vec<Arc<Row>>,
}

impl Tree<'_> {
    fn parent_of<'r>(&self, row: &'r Row) -> Option<&'r str> {
        row.get(self.parent).non_empty()
    }

    fn children<'r>(&'r self, id: Option<&'r str>) -> impl Iterator<Item = &'r Arc<Row>> {
        self.rows.iter().filter(move |r| self.parent_of(r) == id)
    }

    fn find(&self, id: &str) -> Option<&Arc<Row>> {
        self.rows.iter().find(|r| r.id == id)
    }

    /// IDs from the root down to a category, itself included.
    fn path(&self, id: &str) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = self.find(id);
        while let Some(row) = at {
            // A parent below its own child would cause an endless loop.
            if path.iter().any(|p: &String| *p == row.id.as_str()) {
                break;
            }
            path.push(row.id.to_string());
            at = self.parent_of(row).and_then(|p| self.find(p));
        }
        path.reverse();
        path
    }
}

fn tree<'a>(call: &Call<'a>, action: &str, right: Action) -> Result<Tree<'a>> {
    let app = call.app;
    let layout = app.layout(&super::upper_first(call.params[0]))?;
    let is_tree = app.layouts.entity(layout).scope.type_.as_deref() == Some("CategoryTree")
        || STOCK.contains(&layout.name.as_str());
    let (true, Some(parent)) = (is_tree, layout.slot("parentId")) else {
        return Err(Refusal::not_found(format!(
            "Action {} '{action}' does not exist in controller '{}'.",
            call.request.method, layout.name
        )));
    };
    if call.caller.acl.level(&layout.name, right) == Level::No {
        return Err(Refusal::forbidden_silently());
    }
    let mut rows: Vec<Arc<Row>> = app
        .store
        .table(layout.index)
        .snapshot()
        .iter()
        .filter(|r| !r.deleted && call.caller.acl.record(&app.store, layout, r, Action::Read))
        .cloned()
        .collect();
    let (order, name) = (layout.slot("order"), layout.slot("name"));
    rows.sort_by(|a, b| {
        let place = |r: &Row| order.and_then(|s| r.get(s).as_f64()).unwrap_or(f64::MAX);
        let label = |r: &Row| {
            name.and_then(|s| r.get(s).as_str().map(str::to_lowercase))
                .unwrap_or_default()
        };
        place(a)
            .total_cmp(&place(b))
            .then_with(|| label(a).cmp(&label(b)))
    });
    Ok(Tree {
        layout,
        parent,
        rows,
    })
}

fn node(call: &Call, tree: &Tree, row: &Row, depth: usize) -> Json {
    let mut map: Map<String, Json> = tree
        .layout
        .list_plan
        .iter()
        .map(|ix| {
            let v = view::value(call.app, tree.layout, row, *ix, call.caller.user_id());
            (tree.layout.attrs[*ix].name.clone(), v.to_json())
        })
        .collect();
    // Below the deepest level it is unknown whether there is more.
    let children = if depth > 1 {
        tree.children(Some(&row.id))
            .map(|c| node(call, tree, c, depth - 1))
            .collect()
    } else {
        Json::Null
    };
    map.insert("childList".to_owned(), children);
    Json::Object(map)
}

/// `GET {E}/action/listTree?parentId|currentId&maxDepth`
fn list_tree(call: &Call) -> Result<Reply> {
    let mut tree = tree(call, "listTree", Action::Read)?;
    let param = |name: &str| call.request.param(name).filter(|v| !v.is_empty());
    let parent = param("parentId");
    if let Some(id) = parent
        && tree.find(id).is_none()
    {
        return Err(Refusal::not_found_silently());
    }
    // A category counts as empty if only its subcategories contain records.
    if param("onlyNotEmpty").is_some_and(|v| matches!(v, "true" | "1")) {
        let filled = filled(call, tree.layout);
        tree.rows.retain(|row| filled.contains(&row.id));
    }
    let depth = param("maxDepth")
        .and_then(|d| d.parse().ok())
        .unwrap_or(DEPTH)
        .clamp(1, 32);
    let list: Vec<Json> = tree
        .children(parent)
        .map(|r| node(call, &tree, r, depth))
        .collect();
    let data = parent.and_then(|id| tree.find(id)).map_or(Json::Null, |row| {
        let upper = tree.parent_of(row);
        json!({
            "id": row.id.as_str(),
            "name": view::name(call.app, tree.layout, row, "name").to_json(),
            "upperId": upper,
            "upperName": upper.map_or(Json::Null, |u| crate::view::name_of(call.app, tree.layout, u).to_json()),
        })
    });
    Ok(call.app.json(&json!({
        "list": list,
        "path": parent.map_or(Vec::new(), |id| tree.path(id)),
        "data": data,
        "openPath": param("currentId").map(|id| tree.path(id)),
    })))
}

/// Categories that have a record.
fn filled(call: &Call, categories: &Layout) -> HashSet<Id> {
    let layouts = &call.app.layouts;
    let links = layouts
        .entities
        .iter()
        .flat_map(|l| l.links.values().map(move |d| (l, d)));
    let of_categories = links.filter_map(|(layout, link)| match link.kind {
        LinkKind::BelongsTo { key }
            if link.target == Some(categories.index) && layout.index != categories.index =>
        {
            Some((layout, key))
        }
        _ => None,
    });
    let mut filled = HashSet::new();
    for (layout, key) in of_categories {
        let rows = call.app.store.table(layout.index).snapshot();
        let live = rows.iter().filter(|r| !r.deleted);
        filled.extend(live.filter_map(|r| r.get(key).non_empty().map(Id::from)));
    }
    filled
}

/// `GET {E}/action/lastChildrenIdList?parentId`: children that have no children.
fn last_children(call: &Call) -> Result<Reply> {
    let tree = tree(call, "lastChildrenIdList", Action::Read)?;
    let parent = call.request.param("parentId").filter(|v| !v.is_empty());
    let ids: Vec<&str> = tree
        .children(parent)
        .filter(|r| tree.children(Some(&r.id)).next().is_none())
        .map(|r| r.id.as_str())
        .collect();
    Ok(call.app.json(&json!(ids)))
}

/// `POST {E}/action/move {id, referenceId, type: into|before|after}`
fn move_one(call: &Call) -> Result<Reply> {
    let tree = tree(call, "move", Action::Edit)?;
    let body = call.request.json_body()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
    };
    let (Some(id), Some(reference), Some(how)) = (text("id"), text("referenceId"), text("type"))
    else {
        return Err(Refusal::bad_request("No id, referenceId or type."));
    };
    let (Some(row), Some(reference)) = (tree.find(id), tree.find(reference)) else {
        return Err(Refusal::not_found("Record not found."));
    };
    if !call
        .caller
        .acl
        .record(&call.app.store, tree.layout, row, Action::Edit)
    {
        return Err(Refusal::forbidden("No edit access."));
    }
    let parent = match how {
        "into" => Some(reference.id.to_string()),
        "before" | "after" => tree.parent_of(reference).map(str::to_owned),
        _ => return Err(Refusal::bad_request("Bad type.")),
    };
    // A category cannot be below itself.
    if parent
        .as_deref()
        .is_some_and(|p| tree.path(p).iter().any(|a| a == row.id.as_str()))
    {
        return Err(Refusal::forbidden_silently());
    }
    let change = Map::from_iter([("parentId".to_owned(), json!(parent))]);
    update::change(call.app, call.caller, tree.layout, row, &change)?;
    place(call, &tree, row, reference, parent.as_deref(), how);
    Ok(Reply::bool(true))
}

/// Renumbers the siblings, with the moved one at its new position.
fn place(
    call: &Call,
    tree: &Tree,
    row: &Arc<Row>,
    reference: &Row,
    parent: Option<&str>,
    how: &str,
) {
    let Some(order) = tree.layout.slot("order") else {
        return;
    };
    let mut siblings: Vec<&Arc<Row>> = tree.children(parent).filter(|r| r.id != row.id).collect();
    let at = siblings.iter().position(|r| r.id == reference.id);
    let at = match (how, at) {
        ("before", Some(at)) => at,
        ("after", Some(at)) => at + 1,
        _ => siblings.len(),
    };
    siblings.insert(at, row);
    for (n, sibling) in (0i64..).zip(siblings) {
        call.app
            .store
            .table(tree.layout.index)
            .update(&sibling.id, |r| {
                r.values[order] = crate::value::Value::Int(n);
                true
            });
    }
}
