//! The constants of an entity type: its attributes, and the filters that the instance knows by name.

use super::code::{Code, literal};
use crate::doc;
use crate::model::{Attr, Entity, NamedFilter};
use crate::names::{constant, ident};

/// A constant for each attribute of a record.
pub(crate) fn constants(code: &mut Code, entity: &Entity<'_>) {
    code.blank();
    let owner = ident(&entity.rust);
    for attribute in &entity.attributes {
        let (name, wire) = (constant(&attribute.rust), &attribute.schema.name);
        let (kind, access) = (&attribute.type_.kind, access(entity, attribute));
        code.docs(doc::code(wire));
        code.assignment(
            &format!("pub const {name}: Field<{owner}, {kind}{access}>"),
            &format!("Field::new({})", literal(wire)),
        );
    }
}

fn access(entity: &Entity<'_>, attribute: &Attr<'_>) -> &'static str {
    if entity.is_part_of_field(&attribute.schema.name) && attribute.schema.writable {
        ", access::PartOfField"
    } else if attribute.schema.create_only {
        ", access::CreateOnly"
    } else if attribute.schema.writable {
        ""
    } else {
        ", access::ReadOnly"
    }
}

/// The filters that the metadata shows by name.
pub(crate) fn filters(code: &mut Code, entity: &Entity<'_>) {
    let owner = ident(&entity.rust);
    let groups = [
        (
            "primary_filters",
            "primary filters",
            "PrimaryFilter",
            &entity.primary_filters,
        ),
        (
            "bool_filters",
            "boolean filters",
            "BoolFilter",
            &entity.bool_filters,
        ),
    ];
    for (module, title, type_, filters) in groups {
        if filters.is_empty() {
            continue;
        }
        code.blank();
        code.docs(format!(
            "The {title} of [`{}`] that the metadata shows.",
            entity.rust
        ));
        code.block(format_args!("pub mod {module} {{"), |code| {
            code.line("use super::*;");
            code.blank();
            for NamedFilter { rust, wire } in filters {
                code.docs(doc::code(wire));
                code.assignment(
                    &format!("pub const {}: {type_}<{owner}>", constant(rust)),
                    &format!("{type_}::new({})", literal(wire)),
                );
            }
        });
    }
}
