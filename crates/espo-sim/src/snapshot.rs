//! Saves a server's records to a file, and loads them.
//!
//! The file is JSON that refers to entity types, attributes and links by name, so that it can be read, edited, and
//! loaded with metadata that has changed since: names that the metadata no longer has are ignored.

use std::collections::BTreeMap;
use std::path::Path;

use espo_schema::FieldKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::Error;
use crate::app::App;
use crate::layout::{Layout, LinkKind, Source};
use crate::store::Row;
use crate::users::Users;
use crate::value::{Id, Value};

/// Version of the format; files of other versions are rejected.
const FORMAT: u32 = 1;

/// Two linked IDs, with the columns of the middle table.
type SavedPair = (String, String, Map<String, Json>);

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    format: u32,
    users: Users,
    /// Entity type → rows, oldest first.
    records: BTreeMap<String, Vec<Map<String, Json>>>,
    /// `Entity.link` → pairs of IDs with the columns of the middle table.
    relations: BTreeMap<String, Vec<SavedPair>>,
    /// Followers: entity type, record, users.
    followers: Vec<(String, String, Vec<String>)>,
    /// Starred records: entity type, record, user.
    stars: Vec<(String, String, String)>,
}

/// Writes the complete state of a server.
pub(crate) fn save(app: &App, users: &Users, path: &Path) -> Result<(), Error> {
    let fail = |what: String| Error::Snapshot {
        path: path.display().to_string(),
        what,
    };
    let mut records = BTreeMap::new();
    let mut relations = BTreeMap::new();
    for layout in &app.layouts.entities {
        let rows = app.store.table(layout.index).snapshot();
        let rows: Vec<Map<String, Json>> = rows
            .iter()
            .map(|row| {
                let mut map = Map::new();
                for attr in &layout.attrs {
                    let Source::Slot(slot) = attr.source else {
                        continue;
                    };
                    let value = row.get(slot);
                    if !value.is_null() {
                        map.insert(attr.name.clone(), value.to_json());
                    }
                }
                map.insert("id".to_owned(), Json::from(row.id.as_str()));
                if row.deleted {
                    map.insert("deleted".to_owned(), Json::Bool(true));
                } else {
                    map.remove("deleted");
                }
                map
            })
            .collect();
        if !rows.is_empty() {
            records.insert(layout.name.clone(), rows);
        }
        for link in layout.links.values() {
            let LinkKind::Many {
                relation,
                forward: true,
            } = link.kind
            else {
                continue;
            };
            let columns = &app.layouts.relations[relation].columns;
            let mut pairs: Vec<SavedPair> = app
                .store
                .relation(relation)
                .all()
                .into_iter()
                .map(|(id, pair)| {
                    let values = columns
                        .iter()
                        .zip(pair.columns.iter())
                        .map(|(c, v)| (c.name.clone(), v.to_json()))
                        .collect();
                    (id.to_string(), pair.id.to_string(), values)
                })
                .collect();
            if !pairs.is_empty() {
                pairs.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
                relations.insert(format!("{}.{}", layout.name, link.name), pairs);
            }
        }
    }
    let mut followers: Vec<_> = app
        .followers
        .read()
        .iter()
        .map(|((e, id), users)| {
            (
                e.clone(),
                id.to_string(),
                users.iter().map(Id::to_string).collect(),
            )
        })
        .collect();
    followers.sort();
    let mut stars: Vec<_> = app
        .stars
        .read()
        .iter()
        .map(|(e, id, u)| (e.clone(), id.to_string(), u.to_string()))
        .collect();
    stars.sort();
    let file = File {
        format: FORMAT,
        users: users.clone(),
        records,
        relations,
        followers,
        stars,
    };
    let text = serde_json::to_string(&file).map_err(|e| fail(e.to_string()))?;
    std::fs::write(path, text).map_err(|e| fail(e.to_string()))
}

/// Reads the users in a snapshot.
pub(crate) fn users(path: &Path) -> Result<Users, Error> {
    read(path).map(|f| f.users)
}

fn read(path: &Path) -> Result<File, Error> {
    let fail = |what: String| Error::Snapshot {
        path: path.display().to_string(),
        what,
    };
    let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
    let file: File = serde_json::from_str(&text).map_err(|e| fail(e.to_string()))?;
    if file.format != FORMAT {
        return Err(fail(format!(
            "unsupported format {}: expected {FORMAT}",
            file.format
        )));
    }
    Ok(file)
}

/// Counters continue after the highest existing number.
fn go_on_counting(app: &App, layout: &Layout) {
    let table = app.store.table(layout.index);
    for field in app.layouts.entity(layout).fields.values() {
        let counted = matches!(field.kind, FieldKind::Autoincrement | FieldKind::Number);
        let Some(slot) = layout.slot(&field.name).filter(|_| counted) else {
            continue;
        };
        let number = |row: &Row| match row.get(slot) {
            Value::Int(n) => *n,
            Value::Text(s) => s
                .trim_start_matches(|c: char| !c.is_ascii_digit())
                .parse()
                .unwrap_or(0),
            _ => 0,
        };
        table.count_from(
            slot,
            table
                .snapshot()
                .iter()
                .map(|r| number(r))
                .max()
                .unwrap_or(0),
        );
    }
}

/// Loads the complete state of a snapshot into a server.
pub(crate) fn load(app: &App, path: &Path) -> Result<(), Error> {
    let file = read(path)?;
    for (entity, rows) in &file.records {
        let Some(layout) = app.layouts.find(entity) else {
            continue;
        };
        for map in rows {
            let Some(id) = map.get("id").and_then(Json::as_str) else {
                continue;
            };
            let mut row = Row {
                id: id.into(),
                deleted: false,
                values: vec![Value::Null; layout.slots].into(),
            };
            row.deleted = map.get("deleted") == Some(&Json::Bool(true));
            for attr in &layout.attrs {
                if let (Source::Slot(slot), Some(v)) = (&attr.source, map.get(&attr.name)) {
                    row.values[*slot] = Value::from_json(v);
                }
            }
            app.store.table(layout.index).insert(row);
        }
        go_on_counting(app, layout);
    }
    for (name, pairs) in &file.relations {
        let link = name
            .split_once('.')
            .and_then(|(e, l)| app.layouts.find(e)?.links.get(l));
        let Some(LinkKind::Many { relation, forward }) = link.map(|l| l.kind) else {
            continue;
        };
        for (a, b, columns) in pairs {
            let values = app.layouts.relations[relation]
                .columns
                .iter()
                .map(|c| {
                    columns
                        .get(&c.name)
                        .map_or_else(|| c.default.clone(), Value::from_json)
                })
                .collect();
            app.store.relation(relation).link(a, forward, b, values);
        }
    }
    let mut followers = app.followers.write();
    for (entity, id, users) in file.followers {
        followers.insert(
            (entity, id.as_str().into()),
            users.iter().map(|u| u.as_str().into()).collect(),
        );
    }
    drop(followers);
    let mut stars = app.stars.write();
    for (entity, id, user) in file.stars {
        stars.insert((entity, id.as_str().into(), user.as_str().into()));
    }
    Ok(())
}
