//! The labels of entity types, fields and options, for programs that display records to users.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;
use serde_json::Value;

use super::print::Printer;
use super::tokens::ident;
use crate::model::{Entity, Model};
use crate::names;

/// A tree of labels: scope, category, name, label.
type Tree<'s> = BTreeMap<&'s str, &'s Value>;

/// The module of the labels, one static for each language; `None` if the metadata contains none.
pub(crate) fn labels_module(model: &Model<'_>, i18n: &Value) -> Option<String> {
    let tables: Vec<(&str, TokenStream)> = languages(i18n)
        .into_iter()
        .filter_map(|(language, tree)| Some((language, table(model, language, &tree)?)))
        .collect();
    if tables.is_empty() {
        return None;
    }
    let about = "Labels of entity types, fields and options, by language.";
    let statics = tables.iter().map(|(language, _)| constant(language));
    let mut printer = Printer::new(Some(about), tables.len() * model.entities.len() * 2048);
    printer.add(quote! {
        /// All languages.
        pub static ALL: &[&espo_core::typed::Labels] = &[#(&#statics),*];
    });
    for (_, table) in tables {
        printer.add(table);
    }
    Some(printer.into_text())
}

/// The instance's own language is the tree itself; others are in it under their names, such as `de_DE`.
fn languages(i18n: &Value) -> BTreeMap<&str, Tree<'_>> {
    let mut languages: BTreeMap<&str, Tree<'_>> = BTreeMap::new();
    for (key, value) in i18n.as_object().into_iter().flatten() {
        if is_language(key) {
            let scopes = value.as_object().into_iter().flatten();
            let tree = scopes.map(|(scope, labels)| (scope.as_str(), labels));
            languages.insert(key, tree.collect());
        } else {
            languages.entry("default").or_default().insert(key, value);
        }
    }
    languages
}

/// Whether a key names a language, as EspoCRM does: two or three letters, and a country.
fn is_language(key: &str) -> bool {
    key.split_once('_').is_some_and(|(language, country)| {
        (2..=3).contains(&language.len())
            && language.bytes().all(|byte| byte.is_ascii_lowercase())
            && country.len() == 2
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
    })
}

fn constant(language: &str) -> proc_macro2::Ident {
    ident(&names::constant(&names::snake(language)))
}

fn table(model: &Model<'_>, language: &str, tree: &Tree<'_>) -> Option<TokenStream> {
    let (mut entities, mut fields, mut options) =
        (TokenStream::new(), TokenStream::new(), TokenStream::new());
    for entity in &model.entities {
        let wire = &entity.schema.name;
        let name = |category: &str| label(tree, "Global", category, wire);
        if let (Some(one), Some(many)) = (name("scopeNames"), name("scopeNamesPlural")) {
            entities.extend(quote!(entity #wire #one #many;));
        }
        for (name, label) in fields_of(tree, entity) {
            fields.extend(quote!(field #wire #name #label;));
        }
        for ((name, option), label) in options_of(tree, entity) {
            options.extend(quote!(option #wire #name #option #label;));
        }
    }
    if entities.is_empty() && fields.is_empty() && options.is_empty() {
        return None;
    }
    let name = constant(language);
    Some(quote! {
        espo_core::labels! {
            #name = #language;
            #entities
            #fields
            #options
        }
    })
}

/// The labels of fields, and of attributes with other names.
fn fields_of<'s>(tree: &Tree<'s>, entity: &Entity<'s>) -> BTreeMap<&'s str, &'s str> {
    let own = |name: &str| {
        label(tree, &entity.schema.name, "fields", name)
            .or_else(|| label(tree, "Global", "fields", name))
    };
    let mut labels = BTreeMap::new();
    for name in entity.schema.fields.keys() {
        if let Some(label) = own(name) {
            labels.insert(name.as_str(), label);
        }
    }
    for attribute in &entity.attributes {
        let of_field = || own(attribute.schema.field.as_deref()?);
        let name = attribute.schema.name.as_str();
        if let Some(label) = own(name).or_else(of_field) {
            labels.insert(name, label);
        }
    }
    labels
}

/// The labels of options, by field and option, from where the user interface takes them.
fn options_of<'s>(tree: &Tree<'s>, entity: &Entity<'s>) -> BTreeMap<(&'s str, &'s str), &'s str> {
    let mut labels = BTreeMap::new();
    for (name, field) in &entity.schema.fields {
        let text = |key: &str| field.raw.get(key).and_then(Value::as_str);
        let reference = || text("optionsReference")?.split_once('.');
        let found = if let Some(path) = text("translation") {
            let mut keys = path.split('.');
            let scope = keys.next().and_then(|scope| tree.get(scope).copied());
            scope.and_then(|scope| keys.try_fold(scope, |value, key| value.get(key)))
        } else {
            let (scope, field) = reference().unwrap_or((&entity.schema.name, name));
            let of = |scope: &str| tree.get(scope)?.get("options")?.get(field);
            of(scope).or_else(|| of("Global"))
        };
        for (option, label) in found.and_then(Value::as_object).into_iter().flatten() {
            if let Some(label) = label.as_str() {
                labels.insert((name.as_str(), option.as_str()), label);
            }
        }
    }
    labels
}

fn label<'s>(tree: &Tree<'s>, scope: &str, category: &str, name: &str) -> Option<&'s str> {
    let label = tree.get(scope)?.get(category)?.get(name)?.as_str()?;
    (!label.is_empty()).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::is_language;

    #[test]
    fn languages_are_distinguished_from_entity_types() {
        assert!(
            ["en_US", "de_DE", "zh_CN", "fil_PH"]
                .iter()
                .all(|key| is_language(key))
        );
        assert!(
            !["Account", "C_US", "en", "en_us", "EN_US", ""]
                .iter()
                .any(|key| is_language(key))
        );
    }
}
