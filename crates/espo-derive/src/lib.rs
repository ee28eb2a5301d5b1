//! `#[derive(Projection)]`: a user-defined struct with a subset of an entity type's attributes.
//!
//! Use it through the prelude of the generated crate or of `espo-core`. It is documented there, at
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
/// - Each field is an attribute of the record struct with the same name, or with the name set by `#[espo(attribute =
///   "…")]`, in the spelling of Rust or of the server. If it does not exist, the compiler reports an error with similar
///   names.
/// - Its type is the attribute's type, or `Option` of it. Without `Option`, a record in which the attribute is absent
///   or null cannot be decoded, and the error contains the attribute's name.
/// - `#[espo(entity = …, crate = …)]` sets the path of `espo_core` if it is neither a dependency nor in scope through a
///   prelude.
#[proc_macro_derive(Projection, attributes(espo))]
pub fn projection(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    projection::derive(&input)
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
