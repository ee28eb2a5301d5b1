//! The links of an entity type: constants, and accessors on a record's reference.

use espo_schema::Cardinality;

use super::code::{Code, literal};
use crate::doc;
use crate::model::{Entity, LinkItem};
use crate::names::{constant, ident};
use crate::types::link_kind;

/// The constants and the reference type with its accessors.
pub(crate) fn links(code: &mut Code, entity: &Entity<'_>) {
    let owner = ident(&entity.rust);
    let reference = format!("{}Ref", entity.rust);
    if !entity.links.is_empty() {
        code.blank();
        code.docs(format!(
            "The links of [`{}`], for filters and orders.",
            entity.rust
        ));
        code.block("pub mod links {", |code| {
            code.line("use super::*;");
            code.blank();
            for link in &entity.links {
                code.docs(doc::code(&link.schema.name));
                code.assignment(
                    &format!(
                        "pub const {}: Link<{}>",
                        constant(&link.constant),
                        link_type(entity, link)
                    ),
                    &format!("Link::new({})", literal(&link.schema.name)),
                );
            }
        });
    }
    code.blank();
    code.docs(format!(
        "A [`{}`] by its id: what can be done with it, and its links.",
        entity.rust
    ));
    code.line("#[derive(Clone, Debug)]");
    code.line(format_args!("pub struct {reference}(RecordRef<{owner}>);"));
    code.line(format_args!(
        "espo_core::reference_type!({owner}, {reference});"
    ));
    let accessors = entity
        .links
        .iter()
        .filter(|link| link.schema.cardinality != Cardinality::Parent);
    if accessors.clone().next().is_none() {
        return;
    }
    code.blank();
    code.block(format_args!("impl {reference} {{"), |code| {
        for link in accessors {
            let (name, constant) = (ident(&link.accessor), constant(&link.constant));
            code.blank();
            code.docs(doc::link(link.schema, link.target.as_deref()));
            let type_ = link_type(entity, link);
            code.block(
                format_args!("pub fn {name}(&self) -> Related<{type_}> {{"),
                |code| {
                    code.line(format_args!("self.0.related(links::{constant})"));
                },
            );
        }
    });
}

fn link_type(entity: &Entity<'_>, link: &LinkItem<'_>) -> String {
    let owner = ident(&entity.rust);
    let target = link.target.as_deref().map_or("JsonObject".into(), ident);
    let field = entity.schema.fields.get(&link.schema.name);
    let kind = link_kind(
        link.schema,
        field.is_some_and(|field| !field.order_disabled && !field.not_storable),
    );
    format!("{owner}, {target}, {kind}")
}
