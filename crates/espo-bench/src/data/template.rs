//! Templates: the attributes that a write sends.

use std::sync::Arc;

use espo_schema::{Attribute, AttributeRole, EntityType, FieldKind, Schema, ValueType};
use rand::seq::IndexedRandom as _;
use serde_json::{Map, Value};

use super::csv_columns::CsvColumns;
use super::value::{Recipe, Sources};
use super::words;

/// Maximum length of a marker: prefix (24), run (8), worker and number, with spaces.
const MARKER_ROOM: u64 = 60;

/// The attribute of an entity type that contains the run's marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) attribute: String,
    /// Whether words may follow the marker.
    words: bool,
}

impl Marker {
    /// Selects `lastName` of people, else `name`, else the first searchable text attribute with enough room.
    pub(crate) fn of(entity: &EntityType) -> Option<Self> {
        let fits = |attribute: &&Attribute| {
            let field = attribute.field.as_ref().and_then(|f| entity.fields.get(f));
            attribute.writable
                && attribute.stored
                && attribute.filterable
                && !attribute.write_only
                && attribute.value == ValueType::Text
                && field.is_some_and(|f| {
                    matches!(f.kind, FieldKind::Varchar | FieldKind::Text)
                        && f.max_length.is_none_or(|m| m >= MARKER_ROOM)
                        && f.pattern
                            .as_ref()
                            .is_none_or(|p| p.source == "$noBadCharacters")
                })
        };
        let named = ["lastName", "name"]
            .into_iter()
            .filter_map(|n| entity.attributes.get(n));
        let found = named.chain(entity.attributes.values()).find(fits)?;
        Some(Self {
            attribute: found.name.clone(),
            words: found.name != "lastName",
        })
    }
}

/// The reason why a template cannot be compiled.
pub(crate) type Need = String;

#[derive(Debug, Clone)]
struct Entry {
    attribute: String,
    recipe: Recipe,
    required: bool,
    /// A parent's ID comes with its type.
    with: Option<(String, Value)>,
}

/// A compiled create or update.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) entity: String,
    entries: Vec<Entry>,
    set: Map<String, Value>,
    csv: Option<Arc<CsvColumns>>,
}

impl Template {
    /// Compiles a create with the required attributes and the requested fields.
    ///
    /// `fields` are names of existing fields or attributes; `["*"]` means every field for which a value can be
    /// generated.
    pub(crate) fn create(
        schema: &Schema,
        entity: &EntityType,
        fields: &[String],
        set: &Map<String, Value>,
        csv: Option<Arc<CsvColumns>>,
    ) -> Result<Self, Need> {
        let marker = Marker::of(entity);
        let mut out = Self {
            entity: entity.name.clone(),
            entries: Vec::new(),
            set: set.clone(),
            csv,
        };
        let given = |out: &Self, attribute: &str| {
            out.set.contains_key(attribute)
                || out.entries.iter().any(|e| e.attribute == attribute)
                || out
                    .csv
                    .as_ref()
                    .is_some_and(|c| c.attributes.iter().any(|a| a == attribute))
                || marker.as_ref().is_some_and(|m| m.attribute == attribute)
        };
        for field in entity
            .fields
            .values()
            .filter(|f| f.required && !f.read_only && !f.disabled)
        {
            for attribute in values_of(entity, &field.name) {
                if given(&out, &attribute.name) {
                    continue;
                }
                let entry = entry(schema, entity, attribute, true).ok_or_else(|| {
                    format!(
                        "cannot generate a value for the required '{}' of {}; set one with set = {{ {} = … }}",
                        attribute.name, entity.name, attribute.name
                    )
                })?;
                out.entries.push(entry);
            }
        }
        let all = fields.len() == 1 && fields[0] == "*";
        let wanted: Vec<&str> = if all {
            entity
                .fields
                .values()
                .filter(|f| !f.read_only && !f.disabled && !f.not_storable && !f.utility)
                .map(|f| f.name.as_str())
                .collect()
        } else {
            fields.iter().map(String::as_str).collect()
        };
        for name in wanted {
            for attribute in attributes_named(entity, name) {
                if given(&out, &attribute.name) || !attribute.writable {
                    continue;
                }
                match entry(schema, entity, attribute, false) {
                    Some(entry) => out.entries.push(entry),
                    None if all => {}
                    None => return Err(no_value(entity, attribute)),
                }
            }
        }
        Ok(out)
    }

    /// Compiles a create with links to records of these entity types, where the target has some.
    pub(crate) fn linked(
        schema: &Schema,
        entity: &EntityType,
        targets: &[&str],
        csv: Option<Arc<CsvColumns>>,
    ) -> Result<Self, Need> {
        let mut out = Self::create(schema, entity, &[], &Map::new(), csv)?;
        for attribute in entity.attributes.values() {
            let is_link = match &attribute.value {
                ValueType::Id { target } => target
                    .as_deref()
                    .is_some_and(|t| t != entity.name && targets.contains(&t)),
                // Activity panels show the activities of their parent record.
                ValueType::ParentId { entity_list } => entity_list
                    .iter()
                    .find(|e| schema.entity_type(e).is_some())
                    .is_some_and(|first| targets.contains(&first.as_str())),
                _ => false,
            };
            let given = out.entries.iter().any(|e| e.attribute == attribute.name);
            if is_link && !given && attribute.writable && attribute.stored {
                out.entries.extend(entry(schema, entity, attribute, false));
            }
        }
        Ok(out)
    }

    /// Compiles an update of the requested fields, or of one plain text or enum field by default.
    pub(crate) fn update(
        schema: &Schema,
        entity: &EntityType,
        fields: &[String],
        set: &Map<String, Value>,
    ) -> Result<Self, Need> {
        let mut out = Self {
            entity: entity.name.clone(),
            entries: Vec::new(),
            set: set.clone(),
            csv: None,
        };
        if fields.is_empty() && set.is_empty() {
            let marker = Marker::of(entity);
            let plain = |a: &&Attribute| {
                a.writable
                    && a.stored
                    && !a.create_only
                    && a.role == AttributeRole::Value
                    && marker.as_ref().is_none_or(|m| m.attribute != a.name)
                    && matches!(
                        a.value,
                        ValueType::Text | ValueType::Enum | ValueType::Int | ValueType::Bool
                    )
            };
            let description = entity.attributes.get("description").filter(plain);
            let found = description
                .into_iter()
                .chain(entity.attributes.values().filter(plain))
                .find_map(|a| entry(schema, entity, a, true));
            let Some(found) = found else {
                return Err(format!(
                    "cannot generate values for any attribute of {}; specify fields or set values",
                    entity.name
                ));
            };
            out.entries.push(found);
            return Ok(out);
        }
        for name in fields {
            for attribute in attributes_named(entity, name) {
                if attribute.writable
                    && !attribute.create_only
                    && !set.contains_key(&attribute.name)
                {
                    let entry = entry(schema, entity, attribute, true)
                        .ok_or_else(|| no_value(entity, attribute))?;
                    out.entries.push(entry);
                }
            }
        }
        if out.entries.is_empty() && set.is_empty() {
            return Err(format!(
                "none of the fields of {} can be written in an update",
                entity.name
            ));
        }
        Ok(out)
    }

    /// Renders the body. `marker` and `text` are the values for the marker's attribute.
    ///
    /// # Errors
    ///
    /// Returns the name of a required entity type without records on the target.
    pub(crate) fn render(
        &self,
        rng: &mut impl rand::Rng,
        unique: &str,
        sources: &dyn Sources,
    ) -> Result<Map<String, Value>, Need> {
        let mut body = Map::new();
        if let Some(csv) = &self.csv
            && let Some(row) = csv.rows.choose(rng)
        {
            for (attribute, cell) in csv
                .attributes
                .iter()
                .zip(row)
                .filter(|(_, cell)| !cell.is_empty())
            {
                body.insert(attribute.clone(), cell.as_str().into());
            }
        }
        for entry in &self.entries {
            match entry.recipe.make(rng, unique, sources) {
                Some(value) => {
                    if let Some((attribute, kind)) = &entry.with {
                        body.insert(attribute.clone(), kind.clone());
                    }
                    body.insert(entry.attribute.clone(), value);
                }
                None if entry.required => {
                    return Err(format!(
                        "{}.{} needs an existing record of another type, and the target has none",
                        self.entity, entry.attribute
                    ));
                }
                None => {}
            }
        }
        for (attribute, value) in &self.set {
            body.insert(attribute.clone(), value.clone());
        }
        Ok(body)
    }

    /// Returns the entity types whose records the values refer to.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|e| match &e.recipe {
            Recipe::Id { target } | Recipe::IdList { target } => Some(target.as_str()),
            _ => None,
        })
    }
}

impl Marker {
    /// Returns the marker, followed by random words if there is room.
    pub(crate) fn text(&self, rng: &mut impl rand::Rng, marker: &str) -> String {
        if self.words {
            format!("{marker} {}", words::company(rng))
        } else {
            marker.to_owned()
        }
    }
}

fn no_value(entity: &EntityType, attribute: &Attribute) -> Need {
    format!(
        "cannot generate a value for '{}' of {}; set one with set = {{ {} = … }}",
        attribute.name, entity.name, attribute.name
    )
}

/// Returns the attributes with a field's value: not the currency code, the all-day date or the parts that the server
/// derives.
fn values_of<'a>(entity: &'a EntityType, field: &str) -> impl Iterator<Item = &'a Attribute> {
    entity.attributes_of(field).filter(|a| {
        a.writable
            && matches!(
                a.role,
                AttributeRole::Value | AttributeRole::Id | AttributeRole::Ids | AttributeRole::PersonNamePart | AttributeRole::RangePart
            )
            // A last name satisfies a required person name; the salutation's options can forbid values.
            && (a.role != AttributeRole::PersonNamePart || a.name.starts_with("last"))
    })
}

/// Returns the attributes that a workload means by a name: the attribute with that name, or the values of the field.
fn attributes_named<'a>(entity: &'a EntityType, name: &str) -> Vec<&'a Attribute> {
    match entity.attributes.get(name).filter(|a| a.writable) {
        Some(attribute) => vec![attribute],
        None => {
            let address = |a: &&Attribute| a.role == AttributeRole::AddressPart && a.writable;
            values_of(entity, name)
                .chain(entity.attributes_of(name).filter(address))
                .collect()
        }
    }
}

fn entry(
    schema: &Schema,
    entity: &EntityType,
    attribute: &Attribute,
    required: bool,
) -> Option<Entry> {
    if let ValueType::ParentId { entity_list } = &attribute.value {
        let kind = entity_list
            .iter()
            .find(|e| schema.entity_type(e).is_some())?;
        let type_attribute = format!("{}Type", attribute.name.strip_suffix("Id")?);
        let recipe = Recipe::Id {
            target: kind.clone(),
        };
        let with = Some((type_attribute, Value::from(kind.as_str())));
        return Some(Entry {
            attribute: attribute.name.clone(),
            recipe,
            required,
            with,
        });
    }
    if attribute.role == AttributeRole::Currency {
        // Only the instance knows its currencies; an amount without a code gets the default currency.
        return None;
    }
    let field = attribute.field.as_ref().and_then(|f| entity.fields.get(f));
    let recipe = Recipe::of(attribute, field)?;
    Some(Entry {
        attribute: attribute.name.clone(),
        recipe,
        required,
        with: None,
    })
}
