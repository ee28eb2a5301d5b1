//! One operation of a workload file.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;

use super::file::{self, OperationFile};
use super::model::{Kind, Operation};
use super::source::{Source, name, positive};
use super::{filters, near};
use crate::error::Result;

/// Maximum page size of the server.
const MAX_PAGE: u32 = 200;
/// Maximum size of an upload. The server has its own, configurable limit; larger values are probably mistakes.
const MAX_UPLOAD: u64 = 64 << 20;

/// Returns the keys that an operation of a kind may have, in addition to kind, entity, name and weight.
fn allowed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::List => &["select", "where", "order_by", "order", "max_size", "pages"],
        Kind::Search => &["select", "text", "order_by", "order", "max_size"],
        Kind::Read | Kind::Delete | Kind::Download | Kind::Chain => &[],
        Kind::Stream => &["max_size", "pages"],
        Kind::Create | Kind::Update => &["fields", "set"],
        Kind::Related => &[
            "link", "select", "where", "order_by", "order", "max_size", "pages",
        ],
        Kind::Link | Kind::Unlink => &["link"],
        Kind::MassUpdate => &["fields", "set", "batch"],
        Kind::Upload => &["field", "size"],
    }
}

/// Converts one operation of a file: first its keys, then its values.
pub(super) fn operation(
    source: &Source<'_>,
    span: Range<usize>,
    file: OperationFile,
    chain: Option<&str>,
) -> Result<Operation> {
    let kind = kind(source, &file)?;
    check_keys(source, kind, &file)?;
    let Some(entity) = &file.entity else {
        return Err(source.error(span, format!("kind '{}' needs an entity", kind.as_str())));
    };
    let mut out = Operation::new(kind, entity.get_ref().clone(), String::new());
    out.places.entity = entity.span();
    if let Some(link) = &file.link {
        out.link = Some(link.get_ref().clone());
        out.places.link = link.span();
    } else if matches!(kind, Kind::Related | Kind::Link | Kind::Unlink) {
        return Err(source.error(span, format!("kind '{}' needs a link", kind.as_str())));
    }
    out.name = match (&file.name, chain) {
        (Some(given), _) => name(source, given)?,
        (None, None) => default_name(&out),
        (None, Some(chain)) => format!("{chain}/{}", default_name(&out)),
    };
    names(&file, &mut out);
    numbers(source, &file, &mut out)?;
    texts(source, file, &mut out)?;
    Ok(out)
}

fn kind(source: &Source<'_>, file: &OperationFile) -> Result<Kind> {
    let wanted = file.kind.get_ref();
    if let Some(kind) = Kind::REQUESTS.into_iter().find(|k| k.as_str() == wanted) {
        return Ok(kind);
    }
    let known: Vec<&str> = Kind::REQUESTS.iter().map(|k| k.as_str()).collect();
    let near = near(wanted, known.iter().copied());
    let message = format!(
        "unknown kind '{wanted}'{near} (known: {})",
        known.join(", ")
    );
    Err(source.error(file.kind.span(), message))
}

/// Rejects keys that do not apply to the kind.
fn check_keys(source: &Source<'_>, kind: Kind, file: &OperationFile) -> Result<()> {
    let given: [(&str, Option<Range<usize>>); 13] = [
        ("select", file.select.as_ref().map(Spanned::span)),
        ("where", file.filter.as_ref().map(Spanned::span)),
        ("order_by", file.order_by.as_ref().map(Spanned::span)),
        ("order", file.order.as_ref().map(Spanned::span)),
        ("max_size", file.max_size.as_ref().map(Spanned::span)),
        ("pages", file.pages.as_ref().map(Spanned::span)),
        ("link", file.link.as_ref().map(Spanned::span)),
        ("text", file.text.as_ref().map(Spanned::span)),
        ("fields", file.fields.as_ref().map(Spanned::span)),
        ("set", file.set.as_ref().map(Spanned::span)),
        ("batch", file.batch.as_ref().map(Spanned::span)),
        ("size", file.size.as_ref().map(Spanned::span)),
        ("field", file.field.as_ref().map(Spanned::span)),
    ];
    for (key, at) in given {
        if let Some(at) = at.filter(|_| !allowed(kind).contains(&key)) {
            return Err(source.error(
                at,
                format!("'{key}' does not apply to kind '{}'", kind.as_str()),
            ));
        }
    }
    Ok(())
}

/// Collects the names of attributes and fields, with their locations for messages.
fn names(file: &OperationFile, out: &mut Operation) {
    let plain = |list: &Option<Spanned<Vec<Spanned<String>>>>| {
        let list = list.iter().flat_map(|l| l.get_ref());
        list.map(|item| item.get_ref().clone()).collect::<Vec<_>>()
    };
    (out.select, out.fields) = (plain(&file.select), plain(&file.fields));
    out.order_by = file.order_by.as_ref().map(|o| o.get_ref().clone());
    out.field = file.field.as_ref().map(|f| f.get_ref().clone());
    let lists = [&file.select, &file.fields].into_iter().flatten();
    let items = lists.flat_map(|list| list.get_ref());
    let single = [&file.order_by, &file.field].into_iter().flatten();
    for item in items.chain(single) {
        out.places.names.insert(item.get_ref().clone(), item.span());
    }
}

fn numbers(source: &Source<'_>, file: &OperationFile, out: &mut Operation) -> Result<()> {
    if let Some(max_size) = &file.max_size {
        out.max_size = *max_size.get_ref();
        if !(1..=MAX_PAGE).contains(&out.max_size) {
            return Err(source.error(
                max_size.span(),
                "a page has 1 to 200 records; the server rejects more",
            ));
        }
    }
    if let Some(pages) = &file.pages {
        out.pages = positive(source, pages.clone())?;
    }
    if let Some(batch) = &file.batch {
        out.batch = positive(source, batch.clone())?;
    }
    if let Some(size) = &file.size {
        out.size = file::size(size).map_err(|m| source.error(size.span(), m))?;
        if !(1..=MAX_UPLOAD).contains(&out.size) {
            return Err(source.error(size.span(), "invalid size: expected 1 to 64MiB"));
        }
    }
    Ok(())
}

/// Converts order, search terms, filters and fixed values.
fn texts(source: &Source<'_>, file: OperationFile, out: &mut Operation) -> Result<()> {
    if let Some(order) = file.order {
        out.order = match order.get_ref().as_str() {
            "asc" => Some("asc"),
            "desc" => Some("desc"),
            _ => return Err(source.error(order.span(), "order must be \"asc\" or \"desc\"")),
        };
    }
    if let Some(text) = file.text {
        if text.get_ref().is_empty() || text.get_ref().iter().any(|t| t.trim().is_empty()) {
            return Err(source.error(text.span(), "search terms must not be empty"));
        }
        out.text = text.into_inner();
    }
    for item in file.filter.into_iter().flat_map(Spanned::into_inner) {
        let at = item.span();
        let item = json(toml::Value::Table(item.into_inner()));
        let names = filters::check(&item).map_err(|m| source.error(at.clone(), m))?;
        for name in names {
            out.places.names.insert(name, at.clone());
        }
        out.filter.push(item);
    }
    if let Some(set) = file.set {
        let at = set.span();
        if let Value::Object(map) = json(toml::Value::Table(set.into_inner())) {
            for key in map.keys() {
                out.places.names.insert(key.clone(), at.clone());
            }
            out.set = map;
        }
    }
    Ok(())
}

fn default_name(operation: &Operation) -> String {
    let mut name = format!("{}:{}", operation.kind.as_str(), operation.entity);
    if let Some(link) = &operation.link {
        name.push('/');
        name.push_str(link);
    }
    name
}

/// Converts TOML to the JSON that is sent; dates become strings.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(s) => s.into(),
        toml::Value::Integer(i) => i.into(),
        toml::Value::Float(f) => f.into(),
        toml::Value::Boolean(b) => b.into(),
        toml::Value::Datetime(d) => d.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(k, v)| (k, json(v))).collect())
        }
    }
}
