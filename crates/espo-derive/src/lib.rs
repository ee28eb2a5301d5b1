//! `#[derive(Projection)]`: a struct of one's own with some attributes of an entity type.
//!
//! Use it through the prelude of the generated crate, or of `espo-core`; its docs are there, at
//! `espo_core::typed::Projection`.

mod projection;

/// Makes a struct with named fields a projection of an entity type.
///
/// ```ignore
/// use espo_typed::prelude::*;
///
/// #[derive(Projection)]
/// #[espo(entity = Account)]
/// struct Card {
///     id: Id<Account>,
///     name: String,
///     billing_address_city: Option<String>,
///     #[espo(attribute = "assignedUserName")]
///     owner: Option<String>,
/// }
///
/// let cards: Vec<Card> = crm.list::<Account>().project::<Card>().collect().await?;
/// ```
///
/// - Each field is an attribute of the record struct of the same name, or of the name that
///   `#[espo(attribute = "…")]` gives, as Rust or the server writes it. One that does not exist is an error of the
///   compiler, which names those that are alike.
/// - Its type is the attribute's own, or `Option` of it. A list for which the attribute is absent or null has no value
///   for the former: that record does not decode, and the error names the attribute.
/// - `#[espo(entity = …, crate = …)]` gives the path of `espo_core` where it is neither a dependency nor in scope
///   through a prelude.
#[proc_macro_derive(Projection, attributes(espo))]
pub fn projection(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    projection::derive(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
