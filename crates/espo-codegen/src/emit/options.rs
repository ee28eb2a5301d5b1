//! The enums of an entity type: options of fields, polymorphic parents, and the columns of links.

use std::collections::BTreeSet;

use super::code::{Code, literal};
use crate::doc;
use crate::model::Entity;
use crate::names::{self, ident};

/// An enum for each field with options.
pub(crate) fn enums(code: &mut Code, entity: &Entity<'_>) {
    for (name, enumeration) in &entity.enums {
        let plan = names::variant_plan(enumeration.options.iter().map(String::as_str));
        let head = format!("pub enum {} {{", ident(name));
        in_macro(
            code,
            "enumeration",
            &format!("{}.", enumeration.of),
            &head,
            |code| {
                let mut seen = BTreeSet::new();
                // An option that is listed twice is one option.
                for option in enumeration
                    .options
                    .iter()
                    .filter(|o| seen.insert(o.as_str()))
                {
                    code.line(format_args!(
                        "{} = {},",
                        ident(&plan[option]),
                        literal(option)
                    ));
                }
            },
        );
    }
}

/// An enum for each polymorphic parent.
pub(crate) fn parents(code: &mut Code, entity: &Entity<'_>) {
    for parent in &entity.parents {
        let about = format!("{} of [`{}`].", doc::code(parent.wire), entity.rust);
        let targets = parent.targets.iter();
        let plan = names::entity_plan(targets.map(|(wire, _)| *wire), &["Other"]);
        let head = format!("pub enum {} {{", ident(&parent.type_name));
        in_macro(code, "parent", &about, &head, |code| {
            for (target, rust) in &parent.targets {
                let (variant, entity) = (ident(&plan[*target]), ident(rust));
                code.line(format_args!("{variant}({entity}) = {},", literal(target)));
            }
        });
    }
}

/// A struct for the columns of each link that has some.
pub(crate) fn columns(code: &mut Code, entity: &Entity<'_>) {
    for columns in &entity.columns {
        let about = format!(
            "The columns that {} has for each linked record.",
            doc::code(columns.attribute)
        );
        let head = format!("pub struct {} {{", ident(&columns.type_name));
        in_macro(code, "columns", &about, &head, |code| {
            for (rust, wire, type_) in &columns.columns {
                code.line(format_args!(
                    "{}: {type_} = {},",
                    ident(rust),
                    literal(wire)
                ));
            }
        });
    }
}

/// A call of one of `espo-core`'s macros that define a type.
fn in_macro(code: &mut Code, name: &str, about: &str, head: &str, body: impl FnOnce(&mut Code)) {
    code.blank();
    code.block(format_args!("espo_core::{name}! {{"), |code| {
        code.docs(about);
        code.block(head, body);
    });
}
