//! Items as lines.

use quote::ToTokens;
use syn::{
    Attribute, Fields, ImplItem, Item, ItemEnum, ItemImpl, ItemStruct, ItemTrait, TraitItem,
    Visibility, parse_quote,
};

pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(i) => &i.attrs,
        Item::Enum(i) => &i.attrs,
        Item::Fn(i) => &i.attrs,
        Item::Macro(i) => &i.attrs,
        Item::Mod(i) => &i.attrs,
        Item::Static(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Trait(i) => &i.attrs,
        Item::Type(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        _ => &[],
    }
}

/// Name and visibility of an item that has both.
pub(crate) fn name(item: &Item) -> Option<(String, &Visibility)> {
    let (ident, vis) = match item {
        Item::Const(i) => (&i.ident, &i.vis),
        Item::Enum(i) => (&i.ident, &i.vis),
        Item::Fn(i) => (&i.sig.ident, &i.vis),
        Item::Static(i) => (&i.ident, &i.vis),
        Item::Struct(i) => (&i.ident, &i.vis),
        Item::Trait(i) => (&i.ident, &i.vis),
        Item::Type(i) => (&i.ident, &i.vis),
        _ => return None,
    };
    Some((ident.to_string(), vis))
}

/// Items for tests or generated code are not part of the API.
pub(crate) fn is_hidden(attributes: &[Attribute]) -> bool {
    is_test(attributes)
        || attributes
            .iter()
            .any(|a| a.path().is_ident("doc") && tokens(&a.meta).contains("hidden"))
}

pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| {
        let meta = tokens(&a.meta);
        a.path().is_ident("cfg") && (meta.contains("test") || meta.contains("doctest"))
    })
}

/// The condition of an item, in front of its line.
pub(crate) fn cfg(attributes: &[Attribute]) -> String {
    attributes
        .iter()
        .filter(|a| a.path().is_ident("cfg"))
        .map(|a| format!("#[{}] ", tokens(&a.meta)))
        .collect()
}

/// The lines of an item and its parts.
pub(crate) fn lines(item: &Item, path: &str) -> Vec<String> {
    let cfg = cfg(attributes(item));
    match item {
        Item::Struct(item) => struct_lines(item, path, &cfg),
        Item::Enum(item) => enum_lines(item, path, &cfg),
        Item::Trait(item) => trait_lines(item, path, &cfg),
        Item::Fn(item) => {
            let mut item = item.clone();
            item.attrs.clear();
            item.block = parse_quote!({});
            let text = printed(Item::Fn(item));
            let (start, rest) = text.split_once("fn ").unwrap_or(("", &text));
            let rest = rest.trim_end_matches(" {}");
            let arguments = rest.find(['(', '<']).map_or("", |at| &rest[at..]);
            vec![format!("{cfg}{start}fn {path}{arguments}")]
        }
        Item::Const(item) => vec![format!("{cfg}pub const {path}: {}", tokens(&*item.ty))],
        Item::Static(item) => vec![format!("{cfg}pub static {path}: {}", tokens(&*item.ty))],
        Item::Type(item) => vec![format!(
            "{cfg}pub type {path}{} = {}",
            tokens(&item.generics),
            tokens(&*item.ty)
        )],
        _ => Vec::new(),
    }
}

fn notes(attributes: &[Attribute]) -> String {
    let has = |name: &str| attributes.iter().any(|a| a.path().is_ident(name));
    let mut text = String::new();
    for name in ["non_exhaustive", "must_use", "deprecated"] {
        if has(name) {
            text += &format!("#[{name}] ");
        }
    }
    text
}

fn derives(attributes: &[Attribute], path: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("derive")) {
        let _ = attribute.parse_nested_meta(|meta| {
            lines.push(format!("{path}: impl {}", tokens(&meta.path)));
            Ok(())
        });
    }
    lines
}

fn struct_lines(item: &ItemStruct, path: &str, cfg: &str) -> Vec<String> {
    let is_public = |vis: &Visibility| matches!(vis, Visibility::Public(_));
    let private = item.fields.iter().any(|field| !is_public(&field.vis));
    let shape = match (&item.fields, private) {
        (Fields::Unit, _) => "",
        (_, true) => " { private }",
        (_, false) => " { public }",
    };
    let mut lines = derives(&item.attrs, path);
    let (generics, bounds) = (tokens(&item.generics), tokens(&item.generics.where_clause));
    lines.push(format!(
        "{cfg}{}pub struct {path}{generics}{shape}{bounds}",
        notes(&item.attrs)
    ));
    for (index, field) in item.fields.iter().enumerate() {
        if is_public(&field.vis) && !is_hidden(&field.attrs) {
            let name = field
                .ident
                .as_ref()
                .map_or(index.to_string(), ToString::to_string);
            lines.push(format!("{path}: pub {name}: {}", tokens(&field.ty)));
        }
    }
    lines
}

fn enum_lines(item: &ItemEnum, path: &str, cfg: &str) -> Vec<String> {
    let mut lines = derives(&item.attrs, path);
    lines.push(format!(
        "{cfg}{}pub enum {path}{}",
        notes(&item.attrs),
        tokens(&item.generics)
    ));
    for variant in &item.variants {
        let mut shown = variant.clone();
        shown.attrs.clear();
        shown
            .fields
            .iter_mut()
            .for_each(|field| field.attrs.clear());
        lines.push(format!(
            "{path}: {}variant {}",
            notes(&variant.attrs),
            tokens(&shown)
        ));
    }
    lines
}

fn trait_lines(item: &ItemTrait, path: &str, cfg: &str) -> Vec<String> {
    let mut bare = item.clone();
    bare.attrs.clear();
    bare.items.clear();
    let text = printed(Item::Trait(bare));
    let bounds = text
        .split_once(&item.ident.to_string())
        .map_or("", |(_, rest)| rest);
    let bounds = bounds.trim_end_matches(" {}");
    let mut lines = vec![format!("{cfg}pub trait {path}{bounds}")];
    for inner in &item.items {
        let (attributes, text) = match inner {
            TraitItem::Fn(method) => {
                let provided = if method.default.is_some() {
                    " { provided }"
                } else {
                    ""
                };
                (&method.attrs, format!("{}{provided}", tokens(&method.sig)))
            }
            TraitItem::Type(type_) => {
                let mut bare = type_.clone();
                bare.attrs.clear();
                (&type_.attrs, tokens(&bare))
            }
            TraitItem::Const(constant) => {
                let provided = if constant.default.is_some() {
                    " { provided }"
                } else {
                    ""
                };
                let (name, of) = (&constant.ident, tokens(&constant.ty));
                (&constant.attrs, format!("const {name}: {of}{provided}"))
            }
            _ => continue,
        };
        if !is_hidden(attributes) {
            lines.push(format!("{path}: {text}"));
        }
    }
    lines
}

/// The lines of an `impl` block: its public methods and constants, or the trait.
pub(crate) fn impl_lines(block: &ItemImpl, path: &str) -> Vec<String> {
    if is_hidden(&block.attrs) {
        return Vec::new();
    }
    let cfg = cfg(&block.attrs);
    let generics = tokens(&block.generics);
    let of = tokens(&*block.self_ty);
    let bounds = tokens(&block.generics.where_clause);
    if let Some((trait_, _)) = &block.trait_ {
        return vec![format!(
            "{path}: {cfg}impl{generics} {} for {of}{bounds}",
            tokens(trait_)
        )];
    }
    let mut lines = Vec::new();
    for item in &block.items {
        let (vis, attributes, text) = match item {
            ImplItem::Fn(method) => (&method.vis, &method.attrs, tokens(&method.sig)),
            ImplItem::Const(constant) => {
                let text = format!("const {}: {}", constant.ident, tokens(&constant.ty));
                (&constant.vis, &constant.attrs, text)
            }
            _ => continue,
        };
        if matches!(vis, Visibility::Public(_)) && !is_hidden(attributes) {
            let whose = match generics.is_empty() && bounds.is_empty() {
                true => String::new(),
                false => format!("impl{generics} {of}{bounds} "),
            };
            let cfg = format!("{cfg}{}", self::cfg(attributes));
            lines.push(format!(
                "{path}: {whose}{cfg}{}pub {text}",
                notes(attributes)
            ));
        }
    }
    lines
}

fn printed(item: Item) -> String {
    let file = syn::File {
        shebang: None,
        frontmatter: None,
        attrs: Vec::new(),
        items: vec![item],
    };
    tidy(&prettyplease::unparse(&file))
}

/// Tokens with the spaces of ordinary Rust.
fn tokens(of: &impl ToTokens) -> String {
    let text = of.to_token_stream().to_string();
    let mut out = text;
    for (from, to) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        ("& ", "&"),
        (" :", ":"),
        (" ;", ";"),
        ("[ ", "["),
        (" ]", "]"),
        ("->", "-> "),
        (" ! ", "! "),
        ("? ", "?"),
        ("* ", "*"),
        ("' ", "'"),
    ] {
        out = out.replace(from, to);
    }
    tidy(&out)
}

/// One line, without trailing commas.
fn tidy(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .replace(",)", ")")
        .replace(",>", ">")
        .replace("( ", "(")
        .replace(", )", ")")
}
