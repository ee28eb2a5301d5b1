//! Exports of records to a file, which is an attachment.

use std::sync::Arc;

use http::Method;
#[cfg(feature = "workbooks")]
use rust_xlsxwriter::Workbook;
use serde_json::{Map, Value as Json, json};

use super::mass::{object, target};
use super::{Call, Fixed, attachments};
use crate::acl::Action;
use crate::app::extras::{Job, What};
use crate::app::{App, Caller};
use crate::http::json::php_float;
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::record::{create, created, select};
use crate::search;
use crate::search::order::Order;
use crate::search::params::SearchParams;
use crate::store::Row;
use crate::value::Value;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[Fixed::action(Method::POST, "Export", export)];

/// `POST Export`: a file with the selected records as an attachment. Without a selection, all records are exported.
fn export(call: &Call) -> Result<Reply> {
    let (app, caller) = (call.app, call.caller);
    let body = call.request.json_body()?;
    let Some(entity) = body.get("entityType").and_then(Json::as_str) else {
        return Err(Refusal::bad_request("No entityType."));
    };
    if !caller.acl.permission("exportPermission") {
        return Err(Refusal::forbidden("No 'export' permission."));
    }
    let layout = app.layouts.find(entity).ok_or_else(Refusal::internal)?;
    caller.acl.check_scope(&layout.name, Action::Read)?;
    let format = body.get("format").and_then(Json::as_str).unwrap_or("csv");
    if !matches!(format, "csv" | "xlsx") {
        return Err(Refusal::internal());
    }
    if body.get("idle") == Some(&Json::Bool(true)) {
        let id = app.extras.jobs.add(
            app,
            Job {
                caller: caller.clone(),
                body,
                what: What::Export,
            },
        );
        return Ok(app.json(&json!({"exportId": id})));
    }
    let id = perform(app, caller, &body)?;
    Ok(app.json(&json!({"id": id})))
}

/// Creates the file of an allowed export. Returns the attachment's ID.
pub(super) fn perform(app: &App, caller: &Caller, body: &Map<String, Json>) -> Result<String> {
    let layout = app.layout(
        body.get("entityType")
            .and_then(Json::as_str)
            .unwrap_or_default(),
    )?;
    let mut target = target(app, caller, layout, &chosen(body), true)?;
    target
        .rows
        .retain(|r| caller.acl.record(&app.store, layout, r, Action::Read));
    let order = Order::of(app, caller, layout, &SearchParams::default())?;
    let names = |key: &str| {
        body.get(key).and_then(Json::as_array).map(|l| {
            l.iter()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
    };
    // Names that are not attributes become empty columns.
    let named = |list: Vec<String>| -> Vec<Column> {
        list.into_iter()
            .map(|name| Column {
                ix: layout.find(&name),
                name,
            })
            .collect()
    };
    let mut columns: Vec<Column> = match (names("attributeList"), names("fieldList")) {
        (Some(list), _) => named(list),
        (None, Some(fields)) => {
            let entity = app.layouts.entity(layout);
            let of = |f: &String| {
                entity
                    .fields
                    .get(f)
                    .map(|f| f.attributes.clone())
                    .unwrap_or_default()
            };
            named(fields.iter().flat_map(of).collect())
        }
        (None, None) => select::list_plan(app, caller, layout, None, &order, &[])
            .attrs
            .into_iter()
            .map(|ix| Column {
                name: layout.attrs[ix].name.clone(),
                ix: Some(ix),
            })
            .collect(),
    };
    let (rows, _) = search::order::top(app, layout, target.rows.iter(), &order, target.rows.len());
    columns.retain(|column| {
        let Some(ix) = &column.ix else { return true };
        let attr = &layout.attrs[*ix];
        !attr.write_only
            && !attr.filter_only
            && !created::is_data(attr)
            && create::readable(app, caller, layout, *ix)
    });
    let table = Table {
        app,
        layout,
        rows: &rows,
        columns: &columns,
    };
    let (type_, extension, contents) = match body.get("format").and_then(Json::as_str) {
        #[cfg(feature = "workbooks")]
        Some("xlsx") => (XLSX, "xlsx", table.xlsx()?),
        #[cfg(not(feature = "workbooks"))]
        Some("xlsx") => {
            return Err(Refusal::bad_request(
                "This simulator was built without workbooks; enable the feature `workbooks` of espo-sim.",
            ));
        }
        _ => ("text/csv", "csv", table.csv()),
    };
    Ok(attachments::store(
        app,
        caller,
        &format!("Export_{}.{extension}", layout.name),
        type_,
        "Export File",
        contents,
    ))
}

#[cfg(feature = "workbooks")]
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Returns the selection of records: at the top level of the body, or in its `params`.
fn chosen(body: &Map<String, Json>) -> Map<String, Json> {
    let mut all = object(body, "params");
    // An empty list of IDs restricts nothing.
    all.retain(|key, v| key != "ids" || *v != json!([]));
    for key in ["ids", "where", "searchParams"] {
        if let Some(v) = body.get(key).filter(|v| **v != json!([])) {
            all.insert(key.to_owned(), v.clone());
        }
    }
    all
}

/// A column of an export.
struct Column {
    name: String,
    /// The attribute, if one with this name exists.
    ix: Option<usize>,
}

/// The rows and columns of an export.
struct Table<'a> {
    app: &'a App,
    layout: &'a Layout,
    rows: &'a [Arc<Row>],
    columns: &'a [Column],
}

impl Table<'_> {
    fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|c| c.name.as_str())
    }

    fn values(&self, row: &Row) -> Vec<Value> {
        self.columns
            .iter()
            .map(|c| match c.ix {
                Some(ix) => view::value(self.app, self.layout, row, ix, ""),
                None => Value::Null,
            })
            .collect()
    }

    /// Writes comma-separated values as PHP does: quoted if necessary.
    fn csv(&self) -> Vec<u8> {
        let mut out = String::new();
        let mut line = |cells: &mut dyn Iterator<Item = String>| {
            let cells: Vec<String> = cells.map(|c| quoted(&c)).collect();
            out.push_str(&cells.join(","));
            out.push('\n');
        };
        line(&mut self.names().map(str::to_owned));
        for row in self.rows {
            line(&mut self.values(row).iter().map(text_of));
        }
        out.into_bytes()
    }

    /// Creates a workbook with one sheet.
    #[cfg(feature = "workbooks")]
    fn xlsx(&self) -> Result<Vec<u8>> {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        let rows = std::iter::once(self.names().map(Value::text).collect())
            .chain(self.rows.iter().map(|r| self.values(r)));
        for (y, cells) in (0u32..).zip(rows) {
            for (x, cell) in (0u16..).zip(cells) {
                // More rows, columns or text than a sheet can hold.
                match cell.as_f64().filter(|_| !matches!(cell, Value::Text(_))) {
                    Some(n) => sheet.write_number(y, x, n).map(|_| ()),
                    None => sheet.write_string(y, x, text_of(&cell)).map(|_| ()),
                }
                .map_err(|_| Refusal::internal())?;
            }
        }
        book.save_to_buffer().map_err(|_| Refusal::internal())
    }
}

fn quoted(s: &str) -> String {
    if s.contains([',', '"', '\n', '\r', '\t', ' ', '\\']) {
        format!("\"{}\"", s.replace('"', "\"\""))
    } else {
        s.to_owned()
    }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(b) => if *b { "1" } else { "0" }.to_owned(),
        Value::Int(i) => i.to_string(),
        Value::Float(f) => php_float(*f, 14, 'E'),
        Value::Text(s) => s.to_string(),
        Value::Json(j) => match j.as_array() {
            Some(list) if list.iter().all(Json::is_string) => list
                .iter()
                .filter_map(Json::as_str)
                .collect::<Vec<_>>()
                .join(","),
            _ => j.to_string(),
        },
    }
}
