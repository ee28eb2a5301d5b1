//! Sample records, generated from the metadata and a seed.

use espo_schema::FieldKind;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::json;

use crate::Error;
use crate::app::App;
use crate::clock::format_datetime;
use crate::layout::{Layout, Source};
use crate::store::Row;
use crate::value::{Id, Value};

const WORDS: &[&str] = &[
    "Amber", "Birch", "Cedar", "Delta", "Ember", "Falcon", "Granite", "Harbor", "Indigo",
    "Juniper", "Keystone", "Lumen", "Meadow", "Nimbus", "Orchid", "Pioneer", "Quartz", "Ridge",
    "Summit", "Tundra", "Umber", "Vertex", "Willow", "Yonder",
];

/// Adds `count` records of an entity type. Equal seeds give equal records.
pub(crate) fn fill(app: &App, entity_type: &str, count: usize, seed: u64) -> Result<(), Error> {
    let layout = app.layouts.find(entity_type).ok_or_else(|| {
        Error::Declaration(format!(
            "cannot create records of `{entity_type}`: the metadata has no such entity type"
        ))
    })?;
    // Each entity type has a separate sequence, so that adding one does not change the others.
    let salt = entity_type
        .bytes()
        .fold(0u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b)));
    let mut random = Pcg64Mcg::seed_from_u64(seed ^ salt);
    let owner = app.layouts.find("User").and_then(|u| {
        app.store
            .table(u.index)
            .snapshot()
            .iter()
            .next()
            .map(|r| r.id.clone())
    });
    let table = app.store.table(layout.index);
    for n in 0..count {
        let mut row = Row {
            id: Id::from(app.ids.next(&app.clock)),
            deleted: false,
            values: vec![Value::Null; layout.slots].into(),
        };
        for ix in 0..layout.attrs.len() {
            if let Source::Slot(slot) = layout.attrs[ix].source {
                row.values[slot] = value(app, layout, ix, n, &mut random, owner.as_ref());
            }
        }
        if let Some(created) = layout.slot("createdAt").map(|s| row.values[s].clone()) {
            for slot in ["modifiedAt", "streamUpdatedAt"]
                .iter()
                .filter_map(|a| layout.slot(a))
            {
                row.values[slot] = created.clone();
            }
        }
        table.insert(row);
    }
    Ok(())
}

fn value(
    app: &App,
    layout: &Layout,
    ix: usize,
    n: usize,
    random: &mut Pcg64Mcg,
    owner: Option<&Id>,
) -> Value {
    let attr = &layout.attrs[ix];
    let entity = app.layouts.entity(layout);
    let mut word = || WORDS[random.random_range(0..WORDS.len())];
    match attr.name.as_str() {
        // The same moment as the record's first date, which an earlier slot has already computed.
        "modifiedAt" | "streamUpdatedAt" => return Value::Null,
        "createdAt" => {
            // Creation times differ by a minute, so that the default order is defined.
            let back = jiff::SignedDuration::from_mins(i64::try_from(n).unwrap_or(0));
            return Value::text(format_datetime(
                app.clock.now().checked_sub(back).unwrap_or(app.clock.now()),
            ));
        }
        "createdById" => return owner.map_or(Value::Null, |o| Value::Text(o.clone())),
        "versionNumber" => return Value::Int(1),
        "name" => return Value::text(format!("{} {} {n}", word(), word())),
        "firstName" | "lastName" => return Value::text(word()),
        "emailAddress" => return Value::text(format!("record{n}@example.com")),
        "emailAddressData" => {
            let address = format!("record{n}@example.com");
            return Value::json(
                json!([{"emailAddress": address, "lower": address, "primary": true, "optOut": false, "invalid": false}]),
            );
        }
        "emailAddressIsOptedOut" | "emailAddressIsInvalid" => return Value::Bool(false),
        "id" | "deleted" => return Value::Null,
        _ => {}
    }
    let Some(field) = attr.field.as_deref().and_then(|f| entity.fields.get(f)) else {
        return Value::Null;
    };
    match field.kind {
        FieldKind::Enum => match field.options.listed() {
            Some(options) if !options.is_empty() => {
                let option = &options[random.random_range(0..options.len())];
                if option.is_empty() {
                    Value::Null
                } else {
                    Value::text(option.as_str())
                }
            }
            _ if attr.name.ends_with("Currency") => {
                Value::text(app.config.read().default_currency.as_str())
            }
            _ => Value::Null,
        },
        FieldKind::Bool => Value::Bool(field.raw.get("default") == Some(&json!(true))),
        FieldKind::Int => match (&field.min, &field.max) {
            (_, Some(max)) => {
                Value::Int(random.random_range(0..=max.as_i64().unwrap_or(100).max(0)))
            }
            _ => Value::Int(random.random_range(0..1000)),
        },
        FieldKind::Float => Value::Float(f64::from(random.random_range(0..100_000)) / 100.0),
        FieldKind::Currency if attr.name == field.name && !field.decimal => {
            Value::Float(f64::from(random.random_range(100..10_000_000)) / 100.0)
        }
        FieldKind::Date => Value::text(format!(
            "20{:02}-{:02}-{:02}",
            random.random_range(24..30),
            random.random_range(1..=12),
            random.random_range(1..=28)
        )),
        FieldKind::Varchar if attr.name.ends_with("City") => Value::text(word()),
        FieldKind::Url => Value::text(format!("https://record{n}.example.com")),
        _ => Value::Null,
    }
}
