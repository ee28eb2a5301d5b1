//! Checks the names of a workload against the target's metadata.

use std::ops::Range;

use espo_schema::{Attribute, EntityType, FieldKind, Schema, ValueType};

use super::{Kind, Operation, Workload, at, near, values};
use crate::data::{CsvColumns, Marker, Template};
use crate::error::{Error, Result};

/// An operation with the metadata that it needs.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) operation: Operation,
    /// Template for kinds that create or change records.
    pub(crate) template: Option<Template>,
    /// The entity type at the other end of the link.
    pub(crate) foreign: Option<String>,
    /// Attribute with the owner of the upload: `relatedType` for a file, `parentType` for attachments.
    pub(crate) upload_owner: &'static str,
    /// Field of the upload: the named one, or the entity type's first file field.
    pub(crate) upload_field: String,
}

/// How to create records of an entity type for operations that need the run's own records.
#[derive(Debug, Clone)]
pub(crate) struct Maker {
    pub(crate) template: Template,
    /// Template for the setup, with links to records of the workload's entity types, so that panels are not empty.
    pub(crate) linked: Template,
    pub(crate) marker: Marker,
}

/// A workload whose names are verified.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) operations: Vec<Resolved>,
    /// Templates for every entity type whose records the run may create.
    pub(crate) makers: std::collections::BTreeMap<String, Maker>,
    /// Probable mistakes that are not errors.
    pub(crate) warnings: Vec<String>,
}

struct Check<'a> {
    workload: &'a Workload,
    schema: &'a Schema,
}

/// Checks every name and compiles the templates.
///
/// # Errors
///
/// Returns [`Error::Usage`] with line and column of the first unknown name.
pub(crate) fn resolve(workload: &Workload, schema: &Schema) -> Result<Plan> {
    let check = Check { workload, schema };
    let mut plan = Plan {
        operations: Vec::new(),
        makers: std::collections::BTreeMap::new(),
        warnings: Vec::new(),
    };
    for operation in &workload.operations {
        let resolved = check.operation(operation)?;
        for (entity, own) in check.created_by(operation, &resolved) {
            if own || !plan.makers.contains_key(&entity) {
                let maker =
                    check.maker(&entity, own.then_some(&resolved), &operation.places.entity)?;
                plan.makers.insert(entity, maker);
            }
        }
        let listed = resolved.foreign.as_ref().unwrap_or(&operation.entity);
        if let Some(listed) = schema.entity_type(listed) {
            check.warn(operation, listed, &mut plan.warnings);
        }
        plan.operations.push(resolved);
    }
    for entity in workload.setup.keys() {
        if !plan.makers.contains_key(entity) {
            let place = workload.setup_places.get(entity).cloned().unwrap_or(0..0);
            let maker = check.maker(entity, None, &place)?;
            plan.makers.insert(entity.clone(), maker);
        }
    }
    for (name, csv) in &workload.csv {
        let entity = check.entity(name, &csv.entity_place)?;
        for (attribute, place) in csv.attributes.iter().zip(&csv.places) {
            check.writable(entity, attribute, place, true)?;
        }
        check.cells(entity, csv)?;
        if !plan.makers.contains_key(name) {
            let message = format!("no operation in this workload creates {name} records");
            return Err(check.error(&csv.entity_place, &message));
        }
    }
    Ok(plan)
}

impl<'a> Check<'a> {
    fn error(&self, span: &Range<usize>, message: &str) -> Error {
        at(
            &self.workload.origin,
            &self.workload.source,
            span.clone(),
            message,
        )
    }

    fn entity(&self, name: &str, span: &Range<usize>) -> Result<&'a EntityType> {
        self.schema.entity_type(name).ok_or_else(|| {
            let near = near(name, self.schema.entity_types.keys().map(String::as_str));
            self.error(
                span,
                &format!(
                    "the target has no entity type '{name}', or this user may not read it{near}"
                ),
            )
        })
    }

    fn operation(&self, operation: &Operation) -> Result<Resolved> {
        let mut out = Resolved {
            operation: operation.clone(),
            template: None,
            foreign: None,
            upload_owner: "parentType",
            upload_field: String::new(),
        };
        if operation.kind == Kind::Chain {
            return Ok(out);
        }
        let places = &operation.places;
        let entity = self.entity(&operation.entity, &places.entity)?;
        let mut listed = entity;
        if let Some(name) = &operation.link {
            let link = entity.links.get(name).ok_or_else(|| {
                let near = near(name, entity.links.keys().map(String::as_str));
                self.error(
                    &places.link,
                    &format!("{} has no link '{name}'{near}", entity.name),
                )
            })?;
            if matches!(operation.kind, Kind::Link | Kind::Unlink) && !link.can_link() {
                return Err(self.error(
                    &places.link,
                    &format!(
                        "the server does not support linking or unlinking through {}.{name}",
                        entity.name
                    ),
                ));
            }
            let foreign = link.entity.as_deref().ok_or_else(|| {
                self.error(
                    &places.link,
                    &format!(
                        "{}.{name} links to several entity types and cannot be used here",
                        entity.name
                    ),
                )
            })?;
            listed = self.entity(foreign, &places.link)?;
            out.foreign = Some(foreign.to_owned());
        }
        self.names(operation, listed)?;
        let set = &operation.set;
        let creates = operation.kind == Kind::Create;
        for (name, value) in set {
            let place = self.place(operation, name);
            self.writable(entity, name, place, creates)?;
            let attribute = entity.attributes.get(name);
            if let Some(why) = attribute.and_then(|a| values::mismatch(entity, a, value)) {
                return Err(self.error(place, &why));
            }
        }
        for name in operation.fields.iter().filter(|n| *n != "*") {
            self.known(entity, name, operation, "field")?;
            if entity.attributes.contains_key(name) && !entity.fields.contains_key(name) {
                self.writable(entity, name, self.place(operation, name), creates)?;
            } else if !entity.attributes_of(name).any(|a| can_write(a, creates)) {
                let message = format!("{}.{name} is read-only", entity.name);
                return Err(self.error(self.place(operation, name), &message));
            }
        }
        let csv = self.workload.csv.get(&operation.entity).cloned();
        out.template = match operation.kind {
            Kind::Create => Some(Template::create(
                self.schema,
                entity,
                &operation.fields,
                set,
                csv,
            )),
            Kind::Update | Kind::MassUpdate => Some(Template::update(
                self.schema,
                entity,
                &operation.fields,
                set,
            )),
            _ => None,
        }
        .transpose()
        .map_err(|m| self.error(&places.entity, &m))?;
        if operation.kind == Kind::Upload {
            (out.upload_owner, out.upload_field) = self.upload(operation, entity)?;
        }
        Ok(out)
    }

    /// Checks the cells of a CSV file against their attributes.
    fn cells(&self, entity: &EntityType, csv: &CsvColumns) -> Result<()> {
        for (row, cells) in csv.rows.iter().enumerate() {
            for ((name, place), cell) in csv.attributes.iter().zip(&csv.places).zip(cells) {
                let attribute = entity.attributes.get(name).filter(|_| !cell.is_empty());
                // The server converts strings to numbers and lists.
                let attribute = attribute.filter(|a| {
                    matches!(a.value, ValueType::Enum | ValueType::Text | ValueType::Date)
                });
                let value = serde_json::Value::from(cell.as_str());
                if let Some(why) = attribute.and_then(|a| values::mismatch(entity, a, &value)) {
                    let message = format!("{}, row {}: {why}", csv.file, row + 1);
                    return Err(self.error(place, &message));
                }
            }
        }
        Ok(())
    }

    /// Warns about filter options that are not in the metadata; the server accepts them and finds nothing.
    fn warn(&self, operation: &Operation, listed: &EntityType, warnings: &mut Vec<String>) {
        let mut items: Vec<&serde_json::Value> = operation.filter.iter().collect();
        while let Some(item) = items.pop() {
            if is_group(item) {
                items.extend(
                    item.get("value")
                        .and_then(|v| v.as_array())
                        .into_iter()
                        .flatten(),
                );
            }
            let name = item.get("attribute").and_then(|a| a.as_str());
            let Some(attribute) = name.and_then(|n| listed.attributes.get(n)) else {
                continue;
            };
            for option in values::unknown_options(attribute, item) {
                warnings.push(format!(
                    "{}: the filter on {}.{} has '{option}', which is not one of its options",
                    operation.name, listed.name, attribute.name
                ));
            }
        }
    }

    /// Checks select, where, order and text filters against the listed entity type.
    fn names(&self, operation: &Operation, listed: &EntityType) -> Result<()> {
        for attribute in &operation.select {
            if !listed.attributes.contains_key(attribute) {
                let near = near(attribute, listed.attributes.keys().map(String::as_str));
                let message = format!(
                    "{} has no attribute '{attribute}' to select{near}",
                    listed.name
                );
                return Err(self.error(self.place(operation, attribute), &message));
            }
        }
        if let Some(field) = &operation.order_by {
            let sortable =
                listed.fields.contains_key(field) || listed.attributes.contains_key(field);
            if !sortable {
                let near = near(field, listed.fields.keys().map(String::as_str));
                return Err(self.error(
                    self.place(operation, field),
                    &format!("{} has no field '{field}' to order by{near}", listed.name),
                ));
            }
        }
        let mut items: Vec<&serde_json::Value> = operation.filter.iter().collect();
        while let Some(item) = items.pop() {
            if let Some(nested) = item
                .get("value")
                .and_then(|v| v.as_array())
                .filter(|_| is_group(item))
            {
                items.extend(nested);
            }
            let Some(name) = item.get("attribute").and_then(|a| a.as_str()) else {
                continue;
            };
            if !listed.attributes.contains_key(name)
                && !listed.links.contains_key(name)
                && !listed.fields.contains_key(name)
            {
                let near = near(name, listed.attributes.keys().map(String::as_str));
                return Err(self.error(
                    self.place(operation, name),
                    &format!(
                        "{} has no attribute '{name}' to filter by{near}",
                        listed.name
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Returns an attribute that a create or an update may send.
    fn writable(
        &self,
        entity: &EntityType,
        name: &str,
        place: &Range<usize>,
        creates: bool,
    ) -> Result<()> {
        let message = match entity.attributes.get(name) {
            Some(attribute) if can_write(attribute, creates) => return Ok(()),
            Some(_) => format!("{}.{name} is read-only", entity.name),
            None => {
                let near = near(name, entity.attributes.keys().map(String::as_str));
                format!("{} has no attribute '{name}'{near}", entity.name)
            }
        };
        Err(self.error(place, &message))
    }

    fn known(
        &self,
        entity: &EntityType,
        name: &str,
        operation: &Operation,
        what: &str,
    ) -> Result<()> {
        if entity.attributes.contains_key(name) || entity.fields.contains_key(name) {
            return Ok(());
        }
        let near = near(
            name,
            entity
                .fields
                .keys()
                .chain(entity.attributes.keys())
                .map(String::as_str),
        );
        Err(self.error(
            self.place(operation, name),
            &format!("{} has no {what} '{name}'{near}", entity.name),
        ))
    }

    fn place<'o>(&self, operation: &'o Operation, name: &str) -> &'o Range<usize> {
        operation
            .places
            .names
            .get(name)
            .unwrap_or(&operation.places.entity)
    }

    fn upload(&self, operation: &Operation, entity: &EntityType) -> Result<(&'static str, String)> {
        let files = || {
            entity
                .fields
                .values()
                .filter(|f| matches!(f.kind, FieldKind::File | FieldKind::AttachmentMultiple))
        };
        let field = match &operation.field {
            Some(name) => files().find(|f| f.name == *name),
            None => files().next(),
        };
        match field.map(|f| (&f.kind, f.name.clone())) {
            Some((FieldKind::File, name)) => Ok(("relatedType", name)),
            Some((_, name)) => Ok(("parentType", name)),
            None => {
                let known: Vec<&str> = files().map(|f| f.name.as_str()).collect();
                let known = match known.as_slice() {
                    [] => "it has none".to_owned(),
                    some => format!("it has: {}", some.join(", ")),
                };
                let place = operation
                    .field
                    .as_ref()
                    .map_or(&operation.places.entity, |f| self.place(operation, f));
                Err(self.error(
                    place,
                    &format!("{} has no such file field ({known})", entity.name),
                ))
            }
        }
    }

    /// Returns the entity types whose records an operation may create; true if creating them is its purpose.
    fn created_by(&self, operation: &Operation, resolved: &Resolved) -> Vec<(String, bool)> {
        let own = operation.entity.clone();
        match operation.kind {
            Kind::Create => vec![(own, true)],
            Kind::Update | Kind::Delete | Kind::MassUpdate => vec![(own, false)],
            Kind::Link | Kind::Unlink => {
                let foreign = resolved.foreign.clone().map(|f| (f, false));
                [(own, false)].into_iter().chain(foreign).collect()
            }
            _ => Vec::new(),
        }
    }

    fn maker(&self, entity: &str, create: Option<&Resolved>, span: &Range<usize>) -> Result<Maker> {
        let entity = self.entity(entity, span)?;
        let marker = Marker::of(entity).ok_or_else(|| {
            let message = format!(
                "cannot create {} records: the entity type has no searchable text attribute for the run marker, which is needed to delete them after a crash",
                entity.name
            );
            self.error(span, &message)
        })?;
        let template = match create.and_then(|r| r.template.clone()) {
            Some(template) => template,
            None => {
                let csv = self.workload.csv.get(&entity.name).cloned();
                Template::create(self.schema, entity, &[], &serde_json::Map::new(), csv)
                    .map_err(|m| self.error(span, &m))?
            }
        };
        let csv = self.workload.csv.get(&entity.name).cloned();
        let known = self.workload.entities();
        let linked =
            Template::linked(self.schema, entity, &known, csv).unwrap_or_else(|_| template.clone());
        Ok(Maker {
            template,
            linked,
            marker,
        })
    }
}

fn can_write(attribute: &Attribute, creates: bool) -> bool {
    attribute.writable && (creates || !attribute.create_only)
}

fn is_group(item: &serde_json::Value) -> bool {
    matches!(
        item.get("type").and_then(|t| t.as_str()),
        Some("and" | "or")
    )
}
