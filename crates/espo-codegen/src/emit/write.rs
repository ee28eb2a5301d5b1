//! The create and update types of an entity type.

use std::borrow::Cow;

use super::code::{Code, literal};
use crate::doc;
use crate::model::{Entity, Setter, Target};
use crate::names::ident;

/// The type behind create and update, with its setters.
pub(crate) fn write(code: &mut Code, entity: &Entity<'_>) {
    let (owner, rust) = (ident(&entity.rust), &entity.rust);
    let write = format!("{rust}Write");
    code.blank();
    code.docs(format!("What a create of [`{rust}`] sends."));
    code.line(format_args!("pub type {rust}New = {write}<Create>;"));
    code.docs(format!(
        "What an update of [`{rust}`] sends: what is neither set nor cleared is left alone."
    ));
    code.line(format_args!("pub type {rust}Patch = {write}<Update>;"));
    code.line(format_args!("espo_core::write_type!({owner}, {write});"));
    code.blank();
    code.block(format_args!("impl NewRecord for {rust}New {{"), |code| {
        code.line(format_args!("type Entity = {owner};"));
    });
    let (create_only, both): (Vec<_>, Vec<_>) =
        entity.setters.iter().partition(|setter| setter.create_only);
    code.blank();
    code.block(format_args!("impl {write}<Create> {{"), |code| {
        constructor(code, entity);
        create_only.into_iter().for_each(|s| setter(code, s));
    });
    if !both.is_empty() {
        code.blank();
        code.block(format_args!("impl<M> {write}<M> {{"), |code| {
            both.into_iter().for_each(|s| setter(code, s));
        });
    }
    if entity.required.is_empty() {
        code.blank();
        code.block(
            format_args!("impl Default for {write}<Create> {{"),
            |code| {
                code.block("fn default() -> Self {", |code| code.line("Self::new()"));
            },
        );
    }
}

/// `new` takes what the server requires.
fn constructor(code: &mut Code, entity: &Entity<'_>) {
    let names = entity.required.iter().map(|setter| ident(&setter.rust));
    let names: Vec<_> = names.collect();
    let arguments: Vec<String> = names
        .iter()
        .zip(&entity.required)
        .map(|(name, setter)| format!("{name}: {}", argument(setter)))
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    code.docs(if names.is_empty() {
        "A record to create."
    } else {
        "A record to create, with what the server requires."
    });
    code.call("pub fn new(", &arguments, ") -> Self {");
    let calls: String = names
        .iter()
        .map(|name| format!(".{name}({name})"))
        .collect();
    code.indented(|code| code.line(format_args!("Self(Attributes::new()){calls}")));
    code.line("}");
}

fn argument<'a>(setter: &'a Setter<'_>) -> Cow<'a, str> {
    match &setter.target {
        Target::Attribute(_, type_) => Cow::Borrowed(&type_.argument),
        Target::DateOrTime(_) => Cow::Borrowed("impl Into<DateOrTime>"),
        Target::Parent(parent) => Cow::Owned(format!("impl Into<{}>", ident(&parent.type_name))),
    }
}

fn setter(code: &mut Code, setter: &Setter<'_>) {
    let argument = format!("value: {}", argument(setter));
    code.blank();
    match &setter.target {
        Target::Attribute(wire, type_) => {
            code.docs(format!("Sets {}.", doc::code(wire)));
            function(code, &setter.rust, &["self", &argument], |code| {
                let (wire, convert) = (literal(wire), &type_.convert);
                code.call("self.with(", &[&wire, convert], ")");
            });
        }
        Target::DateOrTime(field) => {
            let shown = doc::code(field.time);
            let (time, date) = (literal(field.time), literal(field.date));
            code.docs(format!("Sets {shown} to a whole day or a point in time."));
            function(code, &setter.rust, &["mut self", &argument], |code| {
                code.call(
                    "self.0.put_date_or_time(",
                    &[&time, &date, "value.into()"],
                    ");",
                );
                code.line("self");
            });
            clear(code, setter, &shown, [&time, &date]);
        }
        Target::Parent(parent) => {
            let shown = doc::code(parent.wire);
            let (type_, id) = (literal(parent.type_attribute), literal(parent.id_attribute));
            code.docs(format!("Sets {shown} to a record."));
            function(code, &setter.rust, &["mut self", &argument], |code| {
                code.call("self.0.put_parent(", &[&type_, &id, "&value.into()"], ");");
                code.line("self");
            });
            clear(code, setter, &shown, [&type_, &id]);
        }
    }
}

/// What sets both attributes of a field to null.
fn clear(code: &mut Code, setter: &Setter<'_>, shown: &str, attributes: [&str; 2]) {
    let name = format!("clear_{}", setter.rust.trim_end_matches('_'));
    code.blank();
    code.docs(format!("Sets {shown} to null."));
    function(code, &name, &["mut self"], |code| {
        for attribute in attributes {
            code.line(format_args!("self.0.put_null({attribute});"));
        }
        code.line("self");
    });
}

fn function(code: &mut Code, name: &str, arguments: &[&str], body: impl FnOnce(&mut Code)) {
    code.call(
        &format!("pub fn {}(", ident(name)),
        arguments,
        ") -> Self {",
    );
    code.indented(body);
    code.line("}");
}
