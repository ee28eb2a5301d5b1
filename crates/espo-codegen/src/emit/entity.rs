//! The record struct of an entity type and what it implements.

use espo_schema::AttributeRole;

use super::code::{Code, literal};
use super::{BANNER, constants, links, options, write};
use crate::doc;
use crate::model::{Attr, Entity};
use crate::names::ident;

/// The module of one entity type.
pub(crate) fn module(entity: &Entity<'_>) -> String {
    // About what stock entity types come to.
    let mut code = Code::new(BANNER, 2048 + entity.attributes.len() * 640);
    code.line(format_args!(
        "//! Entity type {}.",
        doc::code(&entity.schema.name)
    ));
    code.line("use espo_core::typed::generated::*;");
    if !entity.uses.is_empty() {
        let names: Vec<_> = entity.uses.iter().map(|name| ident(name)).collect();
        code.names("use super::", names.iter().map(AsRef::as_ref));
    }
    record(&mut code, entity);
    record_impl(&mut code, entity);
    accessors(&mut code, entity);
    entity_impl(&mut code, entity);
    constants::constants(&mut code, entity);
    constants::filters(&mut code, entity);
    options::enums(&mut code, entity);
    options::parents(&mut code, entity);
    options::columns(&mut code, entity);
    write::write(&mut code, entity);
    links::links(&mut code, entity);
    code.into_text()
}

fn record(code: &mut Code, entity: &Entity<'_>) {
    code.blank();
    code.docs(doc::entity(entity.schema));
    code.line("#[derive(Clone, Default)]");
    code.line("#[non_exhaustive]");
    code.block(format_args!("pub struct {} {{", ident(&entity.rust)), |code| {
        for attribute in &entity.attributes {
            code.docs(doc::attribute(attribute));
            let (name, type_) = (ident(&attribute.rust), &attribute.type_.value);
            code.line(format_args!("pub {name}: Option<{type_}>,"));
        }
        code.docs("What the record holds beside these: which were in the answer, and attributes unknown here.");
        code.line("pub meta: RecordMeta,");
    });
    code.line(format_args!(
        "espo_core::record_type!({});",
        ident(&entity.rust)
    ));
}

fn record_impl(code: &mut Code, entity: &Entity<'_>) {
    code.blank();
    code.block(
        format_args!("impl Record for {} {{", ident(&entity.rust)),
        |code| {
            let wire = literal(&entity.schema.name);
            code.line(format_args!("const RECORD_OF: &'static str = {wire};"));
            code.between(
                "const ATTRIBUTES: &'static [Attribute] = &[",
                "];",
                |code| {
                    for attribute in &entity.attributes {
                        let listed = if attribute.schema.in_list {
                            "listed"
                        } else {
                            "unlisted"
                        };
                        let (name, type_) = (
                            literal(&attribute.schema.name),
                            literal(field_type(attribute)),
                        );
                        code.line(format_args!("Attribute::{listed}({name}, {type_}),"));
                    }
                },
            );
            by_index(
                code,
                entity,
                "fn slot(&mut self, index: usize) -> Slot<'_> {",
                "slot(&mut self.",
            );
            by_index(
                code,
                entity,
                "fn value(&self, index: usize) -> Option<&dyn ToJson> {",
                "value(&self.",
            );
            code.blank();
            code.block("fn meta(&self) -> &RecordMeta {", |code| {
                code.line("&self.meta")
            });
            code.blank();
            code.block("fn meta_mut(&mut self) -> &mut RecordMeta {", |code| {
                code.line("&mut self.meta");
            });
        },
    );
}

/// A function from an attribute's index to its place.
fn by_index(code: &mut Code, entity: &Entity<'_>, head: &str, place: &str) {
    let last = entity.attributes.len().saturating_sub(1);
    code.blank();
    code.block(head, |code| {
        code.block("match index {", |code| {
            for (index, attribute) in entity.attributes.iter().enumerate() {
                let name = ident(&attribute.rust);
                // The last arm takes every other index as well, so that no arm can panic.
                if index == last {
                    code.line(format_args!("_ => {place}{name}),"));
                } else {
                    code.line(format_args!("{index} => {place}{name}),"));
                }
            }
        });
    });
}

fn field_type<'s>(attribute: &Attr<'s>) -> &'s str {
    match (attribute.field, attribute.schema.role) {
        (Some(field), _) => &field.type_,
        (None, AttributeRole::RecordId) => "id",
        (None, _) => "",
    }
}

/// Accessors of what two attributes hold together.
fn accessors(code: &mut Code, entity: &Entity<'_>) {
    if entity.parents.is_empty() && entity.dates_or_times.is_empty() {
        return;
    }
    code.blank();
    code.block(format_args!("impl {} {{", ident(&entity.rust)), |code| {
        for parent in &entity.parents {
            let (method, type_) = (ident(&parent.rust), ident(&parent.type_name));
            let entity_type = ident(entity.attribute(parent.type_attribute));
            let id = ident(entity.attribute(parent.id_attribute));
            code.blank();
            code.docs(format!("The record that {} leads to.", doc::code(parent.wire)));
            code.block(format_args!("pub fn {method}(&self) -> Option<{type_}> {{"), |code| {
                code.line(format_args!(
                    "Some({type_}::from_parts(self.{entity_type}.as_deref()?, self.{id}.as_ref()?.as_str()))"
                ));
            });
        }
        for field in &entity.dates_or_times {
            let method = ident(&field.rust);
            let time = ident(entity.attribute(field.time));
            let date = ident(entity.attribute(field.date));
            code.blank();
            code.docs(format!(
                "{}, which is a whole day or a point in time.",
                doc::code(field.time)
            ));
            code.block(
                format_args!("pub fn {method}(&self) -> Option<DateOrTime> {{"),
                |code| code.line(format_args!("DateOrTime::from_parts(self.{time}, self.{date})")),
            );
        }
    });
}

fn entity_impl(code: &mut Code, entity: &Entity<'_>) {
    let name = ident(&entity.rust);
    code.blank();
    code.block(format_args!("impl Entity for {name} {{"), |code| {
        let wire = literal(&entity.schema.name);
        code.line(format_args!("const ENTITY_TYPE: &'static str = {wire};"));
        for (item, suffix) in [("New", "New"), ("Patch", "Patch"), ("Ref", "Ref")] {
            code.line(format_args!("type {item} = {}{suffix};", entity.rust));
        }
        code.blank();
        code.block("fn id(&self) -> Option<&Id<Self>> {", |code| {
            code.line(format_args!(
                "self.{}.as_ref()",
                ident(entity.attribute("id"))
            ));
        });
    });
    if entity.schema.scope.stream {
        code.blank();
        code.line(format_args!("impl HasStream for {name} {{}}"));
    }
}
