//! Generates the implementation of `Projection` for a struct.
//!
//! The macro cannot see the metadata. It emits accesses to the fields of the entity's record struct instead, so that
//! the compiler checks names and types and reports errors with its own suggestions at the user's tokens.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Error, Fields, LitStr, Path, Type};

/// The options of `#[espo(…)]` on the struct.
struct Options {
    entity: Path,
    espo_core: Path,
}

/// One field of the struct.
struct Field<'a> {
    own: &'a Ident,
    /// The field of the record struct; the compiler reports an unknown field at its span.
    of_record: Ident,
    type_: &'a Type,
}

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream, Error> {
    let options = options(input)?;
    let fields = fields(input)?;
    if !input.generics.params.is_empty() {
        return Err(Error::new(
            input.generics.span(),
            "a projection cannot have type parameters",
        ));
    }
    let Options { entity, espo_core } = &options;
    let name = &input.ident;
    let takes = fields.iter().enumerate().map(|(index, field)| {
        let (local, of_record, type_) = (
            format_ident!("field_{index}"),
            &field.of_record,
            field.type_,
        );
        let access = quote_spanned!(of_record.span()=> &mut record.#of_record);
        quote!(let #local = reader.take(|record| #access).project::<#type_>(reader);)
    });
    let values = fields.iter().enumerate().map(|(index, field)| {
        let (local, own) = (format_ident!("field_{index}"), field.own);
        quote!(#own: #local?)
    });
    // The record type has a constant `true` for each attribute that is not in lists; this trait supplies the other
    // names.
    let marks: Vec<Ident> = fields.iter().map(|field| mark(&field.of_record)).collect();
    let unique: BTreeSet<&Ident> = marks.iter().collect();
    let unique = unique.into_iter();
    let listed = quote! {
        const LISTED: bool = {
            #[allow(dead_code)]
            trait Unmarked {
                #(const #unique: bool = false;)*
            }
            impl<T: ?Sized> Unmarked for T {}
            !(#(<#entity>::#marks)||*)
        };
    };
    Ok(quote! {
        const _: () = {
        #listed

        #[automatically_derived]
        impl #espo_core::typed::Projection for #name {
            type Of = #entity;
            type Lists = #espo_core::typed::projection::InLists<LISTED>;

            fn select() -> ::std::vec::Vec<&'static str> {
                static NAMES: ::std::sync::OnceLock<::std::vec::Vec<&'static str>> = ::std::sync::OnceLock::new();
                NAMES.get_or_init(#espo_core::typed::projection::names::<Self>).clone()
            }

            fn from_record(
                reader: &mut #espo_core::typed::projection::Reader<'_, #entity>,
            ) -> ::std::option::Option<Self> {
                #(#takes)*
                ::std::option::Option::Some(Self { #(#values,)* })
            }
        }

        #[automatically_derived]
        impl #espo_core::typed::Decode for #name {
            const DECODES: &'static str = <#entity as #espo_core::typed::Decode>::DECODES;

            fn default_select() -> ::std::option::Option<::std::vec::Vec<&'static str>> {
                ::std::option::Option::Some(<Self as #espo_core::typed::Projection>::select())
            }

            fn decode_record(text: &str) -> ::std::result::Result<Self, #espo_core::typed::DecodeError> {
                #espo_core::typed::projection::decode_record(text)
            }

            fn decode_value(
                value: #espo_core::serde_json::Value,
            ) -> ::std::result::Result<Self, #espo_core::typed::DecodeError> {
                #espo_core::typed::projection::decode_value(value)
            }

            fn decode_page(
                text: &str,
            ) -> ::std::result::Result<#espo_core::typed::Page<Self>, #espo_core::typed::DecodeError> {
                #espo_core::typed::projection::decode_page(text)
            }
        }
        };
    })
}

fn mark(field: &Ident) -> Ident {
    let name = field.to_string();
    let name = name.trim_start_matches("r#").to_uppercase();
    format_ident!("UNLISTED_{name}", span = field.span())
}

fn options(input: &DeriveInput) -> Result<Options, Error> {
    let (mut entity, mut espo_core) = (None, None);
    for attribute in espo(&input.attrs) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("entity") {
                entity = Some(meta.value()?.parse()?);
                Ok(())
            } else if meta.path.is_ident("crate") {
                espo_core = Some(meta.value()?.parse()?);
                Ok(())
            } else {
                Err(meta.error("expected `entity = …` or `crate = …`"))
            }
        })?;
    }
    let entity = entity.ok_or_else(|| {
        Error::new(
            Span::call_site(),
            "missing entity type: add `#[espo(entity = Account)]` with the entity type of the struct",
        )
    })?;
    Ok(Options {
        entity,
        espo_core: espo_core.unwrap_or_else(|| format_ident!("espo_core").into()),
    })
}

fn fields(input: &DeriveInput) -> Result<Vec<Field<'_>>, Error> {
    let wanted = "expected a struct with named fields, one for each attribute";
    let Data::Struct(data) = &input.data else {
        return Err(Error::new(input.ident.span(), wanted));
    };
    let Fields::Named(named) = &data.fields else {
        return Err(Error::new(input.ident.span(), wanted));
    };
    if named.named.is_empty() {
        return Err(Error::new(input.ident.span(), wanted));
    }
    let mut fields = Vec::with_capacity(named.named.len());
    for field in &named.named {
        let Some(own) = &field.ident else { continue };
        let mut of_record = own.clone();
        for attribute in espo(&field.attrs) {
            attribute.parse_nested_meta(|meta| {
                if !meta.path.is_ident("attribute") {
                    return Err(meta.error("expected `attribute = \"…\"`"));
                }
                of_record = rust_name(&meta.value()?.parse()?)?;
                Ok(())
            })?;
        }
        fields.push(Field {
            own,
            of_record,
            type_: &field.ty,
        });
    }
    Ok(fields)
}

fn espo(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("espo"))
}

/// The field of a record struct for the name of an attribute, in the spelling of Rust or of the wire.
fn rust_name(name: &LitStr) -> Result<Ident, Error> {
    let text = snake(&name.value());
    if let Ok(ident) = syn::parse_str::<Ident>(&text) {
        return Ok(Ident::new(&ident.to_string(), name.span()));
    }
    // A keyword: the record struct has it as a raw identifier.
    match syn::parse_str::<Ident>(&format!("r#{text}")) {
        Ok(_) => Ok(Ident::new_raw(&text, name.span())),
        Err(_) => Err(Error::new(
            name.span(),
            "invalid field name: use the name of a field of the record struct",
        )),
    }
}

/// `billingAddressCity` → `billing_address_city`; names in snake case stay unchanged.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut previous_lower = false;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let next_lower = chars.peek().is_some_and(|next| next.is_lowercase());
        if c.is_uppercase()
            && (previous_lower || next_lower && !snake.is_empty() && !snake.ends_with('_'))
        {
            snake.push('_');
        }
        previous_lower = c.is_lowercase() || c.is_numeric();
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::{derive, snake};
    use quote::quote;

    #[test]
    fn wire_names_are_converted_to_record_fields() {
        for (wire, rust) in [
            ("billingAddressCity", "billing_address_city"),
            ("billing_address_city", "billing_address_city"),
            ("address2Line", "address2_line"),
            ("cRegion", "c_region"),
            ("someURLPart", "some_url_part"),
            ("type", "type"),
        ] {
            assert_eq!(snake(wire), rust, "{wire}");
        }
    }

    #[test]
    fn invalid_projections_are_rejected_with_a_reason() {
        let cases = [
            (
                quote!(
                    struct A {
                        id: String,
                    }
                ),
                "missing entity type",
            ),
            (
                quote!(
                    #[espo(entity = Account)]
                    struct A(String);
                ),
                "named fields",
            ),
            (
                quote!(
                    #[espo(entity = Account)]
                    enum A {
                        B,
                    }
                ),
                "named fields",
            ),
            (
                quote!(
                    #[espo(entity = Account)]
                    struct A {}
                ),
                "named fields",
            ),
            (
                quote!(
                    #[espo(entity = Account)]
                    struct A<T> {
                        id: T,
                    }
                ),
                "cannot have type parameters",
            ),
            (
                quote!(
                    #[espo(entity = Account, what = 1)]
                    struct A {
                        id: String,
                    }
                ),
                "expected `entity",
            ),
            (
                quote!(
                    #[espo(entity = Account)]
                    struct A {
                        #[espo(rename = "x")]
                        id: String,
                    }
                ),
                "expected `attribute",
            ),
            (
                quote!(
                    #[espo(entity = Account)]
                    struct A {
                        #[espo(attribute = "a b")]
                        id: String,
                    }
                ),
                "invalid field name",
            ),
        ];
        for (input, expected) in cases {
            let text = input.to_string();
            let error = derive(&syn::parse2(input).expect("a type"))
                .expect_err(&text)
                .to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
