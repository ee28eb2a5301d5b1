//! Parts of templates: identifiers, docs and types.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::names::{self, is_invisible};
use crate::types::{Kind, Target, Type};

/// A planned name as an identifier, raw if it is a keyword.
pub(super) fn ident(name: &str) -> Ident {
    if names::is_keyword(name) {
        Ident::new_raw(name, Span::call_site())
    } else {
        Ident::new(name, Span::call_site())
    }
}

/// The name of the constant for a planned name.
pub(super) fn constant(name: &str) -> Ident {
    ident(&names::constant(name))
}

/// A planned name with a suffix, such as `AccountNew`.
pub(super) fn suffixed(name: &str, suffix: &str) -> Ident {
    ident(&format!("{name}{suffix}"))
}

/// A doc comment of one or several lines; the text may contain any characters.
pub(super) fn docs(text: impl AsRef<str>) -> TokenStream {
    let lines = text.as_ref().lines().map(|line| {
        let line = line.replace(|c: char| c.is_control() || is_invisible(c), " ");
        format!(" {}", line.trim_end())
    });
    quote!(#(#[doc = #lines])*)
}

/// The type itself, without `Option`.
pub(super) fn type_(of: &Type) -> TokenStream {
    match of {
        Type::Text => quote!(String),
        Type::Bool => quote!(bool),
        Type::Int => quote!(i64),
        Type::Float => quote!(f64),
        Type::Decimal => quote!(Decimal),
        Type::Date => quote!(Date),
        Type::Timestamp => quote!(Timestamp),
        Type::Json => quote!(Value),
        Type::Id(None) => quote!(AnyId),
        Type::Id(Some(target)) => {
            let target = ident(target);
            quote!(Id<#target>)
        }
        Type::Enum(name) => {
            let name = ident(name);
            quote!(#name)
        }
        Type::List(item) => {
            let item = type_(item);
            quote!(Vec<#item>)
        }
        Type::Names(target) => {
            let target = entity(target);
            quote!(Names<#target>)
        }
        Type::MediaTypes(target) => {
            let target = entity(target);
            quote!(MediaTypes<#target>)
        }
        Type::Columns(target, name) => {
            let (target, name) = (entity(target), ident(name));
            quote!(Columns<#target, #name>)
        }
        Type::Row(name) => {
            let name = ident(name);
            quote!(#name)
        }
        // The check of the overrides ensures that this is a type.
        Type::Own(path) => path.parse().unwrap_or_default(),
    }
}

/// The parameter type of a setter.
pub(super) fn argument(of: &Type) -> TokenStream {
    let own = type_(of);
    match of {
        Type::Text | Type::Decimal | Type::Json | Type::Id(_) | Type::Own(_) => {
            quote!(impl Into<#own>)
        }
        Type::List(item) => {
            let item = argument(item);
            quote!(impl IntoIterator<Item = #item>)
        }
        Type::Columns(target, name) => {
            let (target, name) = (entity(target), ident(name));
            quote!(impl IntoIterator<Item = (Id<#target>, #name)>)
        }
        _ => own,
    }
}

/// The value of a setter's argument `value`.
pub(super) fn convert(of: &Type) -> TokenStream {
    let own = type_(of);
    match of {
        Type::Text | Type::Decimal | Type::Json | Type::Id(_) | Type::Own(_) => {
            quote!(value.into())
        }
        Type::List(item) => match **item {
            Type::Text | Type::Id(_) => {
                quote!(value.into_iter().map(Into::into).collect::<#own>())
            }
            _ => quote!(value.into_iter().collect::<#own>()),
        },
        Type::Columns(..) => quote!(value.into_iter().collect::<#own>()),
        _ => quote!(value),
    }
}

/// The kind of an attribute of this type.
pub(super) fn kind(of: &Kind, value: &Type) -> TokenStream {
    match of {
        Kind::Plain(name) => {
            let name = ident(name);
            quote!(kind::#name)
        }
        Kind::Id(target) => {
            let target = ident(target);
            quote!(kind::Id<#target>)
        }
        Kind::Ref(target) => {
            let target = ident(target);
            quote!(kind::Ref<#target>)
        }
        Kind::Enum(name) => {
            let name = ident(name);
            quote!(kind::Enum<#name>)
        }
        Kind::Items(item) => {
            let item = type_(item);
            quote!(kind::Items<#item>)
        }
        Kind::Opaque => {
            let value = type_(value);
            quote!(kind::Opaque<#value>)
        }
        Kind::Unordered(kind_) => {
            let kind = kind(kind_, value);
            quote!(kind::Unordered<#kind>)
        }
        Kind::Set => {
            let value = type_(value);
            quote!(kind::Set<#value>)
        }
        Kind::Wrapped(wrapper, kind_) => {
            let (wrapper, kind) = (ident(wrapper), kind(kind_, value));
            quote!(kind::#wrapper<#kind>)
        }
        Kind::Own(kind_) => {
            let (kind, value) = (kind(kind_, value), type_(value));
            quote!(kind::Own<#value, #kind>)
        }
    }
}

fn entity(target: &Target) -> TokenStream {
    match target {
        Some(target) => {
            let target = ident(target);
            quote!(#target)
        }
        None => quote!(JsonObject),
    }
}

#[cfg(test)]
mod tests {
    use super::docs;

    #[test]
    fn docs_escape_special_characters() {
        let lines = docs("one\ntwo\r\u{202e}three */ \" {").to_string();
        assert_eq!(
            lines,
            "# [doc = \" one\"] # [doc = \" two  three */ \\\" {\"]"
        );
    }
}
