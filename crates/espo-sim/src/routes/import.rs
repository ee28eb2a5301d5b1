//! Imports of records from files with comma-separated values.
//!
//! Runs within the request, regardless of `idleMode`. Rows that validation rejects become `ImportError` records.

use std::sync::Arc;

use csv::ReaderBuilder;
use http::Method;
use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed, attachments};
use crate::acl::Action;
use crate::app::extras::{How, Imported};
use crate::app::{App, Caller};
use crate::http::{Refusal, Reply, Result};
use crate::layout::{Layout, Ty};
use crate::record::plain::insert_record;
use crate::record::{create, duplicates, input, update};
use crate::store::Row;
use crate::value::Value;
use crate::version::Version;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::action(Method::POST, "Import/file", upload),
    Fixed::action(Method::POST, "Import", run),
];

pub(super) fn allowed(call: &Call) -> Result<()> {
    if call.caller.acl.scope("Import") {
        Ok(())
    } else {
        Err(Refusal::forbidden_silently())
    }
}

/// `POST Import/file`: the file as a raw body.
fn upload(call: &Call) -> Result<Reply> {
    allowed(call)?;
    let contents = call.request.body.to_vec();
    let id = attachments::store(
        call.app,
        call.caller,
        "import-file.csv",
        "text/csv",
        "Import File",
        contents,
    );
    Ok(call.app.json(&json!({"attachmentId": id})))
}

/// The parameters for reading a file.
struct Format<'a> {
    attributes: Vec<Option<&'a str>>,
    defaults: Map<String, Json>,
    update_by: Vec<&'a str>,
    date: &'a str,
    decimal_mark: &'a str,
    currency: Option<&'a str>,
    creates: bool,
    updates: bool,
    skip_check: bool,
}

impl<'a> Format<'a> {
    fn of(body: &'a Map<String, Json>) -> Result<Format<'a>> {
        let text = |key: &str| {
            body.get(key)
                .and_then(Json::as_str)
                .filter(|s| !s.is_empty())
        };
        let list = |key: &str| -> Vec<&'a str> {
            body.get(key)
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(Json::as_str)
                .collect()
        };
        let Some(columns) = body.get("attributeList").and_then(Json::as_array) else {
            return Err(Refusal::bad_request("No `attributeList`."));
        };
        let attributes: Vec<Option<&str>> = columns
            .iter()
            .map(|c| c.as_str().filter(|s| !s.is_empty()))
            .collect();
        let action = text("action").unwrap_or("create");
        if !matches!(action, "create" | "createAndUpdate" | "update") {
            return Err(Refusal::bad_request("Bad `action`."));
        }
        // The columns that identify a record: by name or by position.
        let by_place = body
            .get("updateBy")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(Json::as_u64);
        let by_place =
            by_place.filter_map(|n| attributes.get(usize::try_from(n).ok()?).copied().flatten());
        let update_by = list("updateBy").into_iter().chain(by_place).collect();
        Ok(Format {
            defaults: body
                .get("defaultValues")
                .and_then(Json::as_object)
                .cloned()
                .unwrap_or_default(),
            update_by,
            date: text("dateFormat").unwrap_or("YYYY-MM-DD"),
            decimal_mark: text("decimalMark").unwrap_or("."),
            currency: text("currency"),
            creates: action != "update",
            updates: action != "create",
            skip_check: body.get("skipDuplicateChecking") == Some(&Json::Bool(true)),
            attributes,
        })
    }

    /// Returns the attributes of a record from the cells of a row.
    fn record(&self, layout: &Layout, cells: &csv::StringRecord) -> Map<String, Json> {
        let mut record = self.defaults.clone();
        for (attribute, cell) in self.attributes.iter().zip(cells) {
            let (Some(name), false) = (attribute, cell.is_empty()) else {
                continue;
            };
            let Some(attr) = layout.attr(name) else {
                continue;
            };
            record.insert((*name).to_owned(), self.value(attr.ty, cell));
            if let Some(currency) = self.currency
                && layout.attr(&format!("{name}Currency")).is_some()
            {
                record
                    .entry(format!("{name}Currency"))
                    .or_insert_with(|| json!(currency));
            }
        }
        record
    }

    fn value(&self, ty: Ty, cell: &str) -> Json {
        match ty {
            Ty::Float | Ty::Decimal | Ty::Int => {
                let plain: String = cell
                    .chars()
                    .filter(|c| c.is_ascii_digit() || *c == '-' || self.decimal_mark.contains(*c))
                    .map(|c| {
                        if self.decimal_mark.contains(c) {
                            '.'
                        } else {
                            c
                        }
                    })
                    .collect();
                json!(plain)
            }
            Ty::Bool => json!(matches!(cell.to_lowercase().as_str(), "1" | "true" | "yes")),
            Ty::Date => json!(self.day(cell).unwrap_or_else(|| cell.to_owned())),
            Ty::DateTime => {
                let (day, time) = cell.split_once(' ').unwrap_or((cell, "00:00:00"));
                json!(
                    self.day(day)
                        .map_or_else(|| cell.to_owned(), |d| format!("{d} {time}"))
                )
            }
            Ty::List => match serde_json::from_str(cell) {
                Ok(list @ Json::Array(_)) => list,
                _ => cell.split(',').map(|s| json!(s.trim())).collect(),
            },
            _ => json!(cell),
        }
    }

    /// Converts a day in the format of the file to `YYYY-MM-DD`.
    fn day(&self, cell: &str) -> Option<String> {
        let part = |token: &str| {
            let at = self.date.find(token)?;
            cell.get(at..at + token.len())?.parse::<i16>().ok()
        };
        let (month, day) = (
            i8::try_from(part("MM")?).ok()?,
            i8::try_from(part("DD")?).ok()?,
        );
        Date::new(part("YYYY")?, month, day)
            .ok()
            .map(|d| d.to_string())
    }
}

/// Returns the rows of a file, read with the parameters of its import.
pub(super) fn reader<'c>(params: &Map<String, Json>, contents: &'c [u8]) -> csv::Reader<&'c [u8]> {
    ReaderBuilder::new()
        .delimiter(byte(params, "delimiter", b','))
        .quote(byte(params, "textQualifier", b'"'))
        .has_headers(params.get("headerRow") == Some(&Json::Bool(true)))
        .flexible(true)
        .from_reader(contents.strip_prefix(b"\xef\xbb\xbf").unwrap_or(contents))
}

pub(super) fn byte(params: &Map<String, Json>, key: &str, default: u8) -> u8 {
    let text = params.get(key).and_then(Json::as_str);
    text.and_then(|s| s.bytes().next()).unwrap_or(default)
}

/// `POST Import`
fn run(call: &Call) -> Result<Reply> {
    allowed(call)?;
    let (app, caller) = (call.app, call.caller);
    let body = call.request.json_body()?;
    let text = |key: &str| {
        body.get(key)
            .and_then(Json::as_str)
            .filter(|s| !s.is_empty())
    };
    if !body.get("attributeList").is_some_and(Json::is_array) {
        return Err(Refusal::bad_request("No `attributeList`."));
    }
    let Some(file) = text("attachmentId") else {
        return Err(Refusal::bad_request("No `attachmentId`."));
    };
    let Some(entity) = text("entityType") else {
        return Err(Refusal::bad_request("No `entityType`."));
    };
    let Some(target) = app.layouts.find(entity) else {
        return Err(Refusal::bad_request("Bad `entityType`."));
    };
    caller.acl.check_scope(entity, Action::Create)?;
    let format = Format::of(&body)?;
    let contents = attachments::contents(app, file).ok_or_else(Refusal::not_found_silently)?;
    let mut reader = reader(&body, &contents);
    let mut params = body.clone();
    for key in ["attachmentId", "entityType", "attributeList"] {
        params.remove(key);
    }
    let no_default = || ("defaultFieldList".to_owned(), Json::Null);
    let later = (app.version >= Version::V10_0).then(no_default);
    let defaults = [
        ("startFromLastIndex".to_owned(), json!(false)),
        ("phoneNumberCountry".to_owned(), Json::Null),
    ];
    for (key, value) in defaults.into_iter().chain(later) {
        params.entry(key).or_insert(value);
    }
    let first_row = usize::from(body.get("headerRow") == Some(&Json::Bool(true)));
    let is_manual = body.get("manualMode") == Some(&Json::Bool(true));
    let attributes = Map::from_iter([
        ("entityType".to_owned(), json!(entity)),
        (
            "status".to_owned(),
            json!(if is_manual { "Standby" } else { "Complete" }),
        ),
        ("fileId".to_owned(), json!(file)),
        ("attributeList".to_owned(), body["attributeList"].clone()),
        ("params".to_owned(), Json::Object(params)),
        ("createdById".to_owned(), json!(caller.user_id())),
    ]);
    let id = insert_record(app, "Import", &attributes).map_err(|_| Refusal::internal())?;
    let mut entries: Vec<Imported> = Vec::new();
    let (mut last, mut failed) = (None, 0);
    // Without the columns that identify a record, nothing can be updated.
    let is_idle = is_manual || (!format.creates && format.update_by.is_empty());
    for (n, cells) in reader.records().enumerate().filter(|_| !is_idle) {
        let Ok(cells) = cells else { continue };
        last = Some(n + first_row);
        let failure = match take(app, caller, target, &format, format.record(target, &cells)) {
            Ok(Some(entry)) => {
                entries.push(entry);
                continue;
            }
            Ok(None) => None,
            Err(refusal) => Some(refusal),
        };
        let place = (n + first_row, failed + first_row);
        note_error(app, &id, entity, place, &cells, failure.as_ref());
        failed += 1;
    }
    let layout = app.layout("Import")?;
    if let (Some(slot), Some(last)) = (layout.slot("lastIndex"), last) {
        app.store.table(layout.index).update(&id, |r| {
            r.values[slot] = Value::Int(i64::try_from(last).unwrap_or_default());
            true
        });
    }
    let count = |updated: bool| {
        let of = entries
            .iter()
            .filter(|e| (e.how == How::Updated) == updated);
        of.count()
    };
    let answer = json!({
        "id": id,
        "countCreated": count(false),
        "countUpdated": count(true),
        "manualMode": is_manual,
    });
    app.extras
        .imports
        .0
        .write()
        .insert(id.as_str().into(), entries);
    Ok(app.json(&answer))
}

/// Imports one row: creates or updates a record.
fn take(
    app: &App,
    caller: &Caller,
    layout: &Layout,
    format: &Format,
    record: Map<String, Json>,
) -> Result<Option<Imported>> {
    if format.updates
        && let Some(row) = same(app, layout, format, &record)
        && caller.acl.record(&app.store, layout, &row, Action::Edit)
    {
        update::change(app, caller, layout, &row, &record)?;
        return Ok(Some(Imported {
            record: row.id.clone(),
            how: How::Updated,
        }));
    }
    if !format.creates {
        return Ok(None);
    }
    let (row, _) = create::insert(app, caller, layout, &record, true)?;
    let like = !format.skip_check
        && duplicates::find(app, caller, layout, &row, None)
            .iter()
            .any(|d| d.id != row.id);
    Ok(Some(Imported {
        record: row.id,
        how: if like { How::Duplicate } else { How::Created },
    }))
}

/// Returns the record with the same values of the key attributes as the row.
fn same(
    app: &App,
    layout: &Layout,
    format: &Format,
    record: &Map<String, Json>,
) -> Option<Arc<Row>> {
    let wanted: Vec<(usize, Value)> = format
        .update_by
        .iter()
        .map(|a| {
            Some((
                layout.slot(a)?,
                input::coerce(app, layout, layout.find(a)?, record.get(*a)?),
            ))
        })
        .collect::<Option<_>>()?;
    if wanted.is_empty() {
        return None;
    }
    let rows = app.store.table(layout.index).snapshot();
    rows.iter()
        .find(|r| !r.deleted && wanted.iter().all(|(slot, v)| r.get(*slot) == v))
        .cloned()
}

/// Records a row that was not imported; `place` is its index in the file and in the file of errors.
fn note_error(
    app: &App,
    import: &str,
    entity: &str,
    place: (usize, usize),
    cells: &csv::StringRecord,
    refusal: Option<&Refusal>,
) {
    let failure = refusal
        .and_then(|r| r.body.as_ref()?.pointer("/messageTranslation/data"))
        .map(|data| json!([{"entityType": entity, "field": data["field"], "type": data["type"]}]));
    let kind = match (refusal, &failure) {
        (None, _) => "Not-Found",
        (_, Some(_)) => "Validation",
        _ => "No-Access",
    };
    // Empty cells at the end of a row are left out.
    let mut row: Vec<&str> = cells.iter().collect();
    while row.last().is_some_and(|cell| cell.is_empty()) {
        row.pop();
    }
    let attributes = Map::from_iter([
        ("importId".to_owned(), json!(import)),
        ("entityType".to_owned(), json!(entity)),
        ("rowIndex".to_owned(), json!(place.0)),
        ("exportRowIndex".to_owned(), json!(place.1)),
        ("type".to_owned(), json!(kind)),
        (
            "validationFailures".to_owned(),
            failure.unwrap_or(Json::Null),
        ),
        ("row".to_owned(), json!(row)),
    ]);
    // The metadata may lack the entity type.
    let _ = insert_record(app, "ImportError", &attributes);
}
