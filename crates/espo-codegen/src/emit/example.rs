//! The example at the top of each module: a filtered list and a create.

use proc_macro2::TokenStream;
use quote::quote;

use super::print;
use super::tokens::{constant, ident, suffixed};
use crate::model::{Attr, Entity, Setter, Target};
use crate::names;
use crate::types::{Kind, Type};

/// A placeholder for the crate that contains the modules.
const HEAD: &str = "```ignore\n# use crate_name::prelude::*;\n";

/// Makes the examples of generated files compile as examples of a crate.
pub(crate) fn compiled(text: &str, crate_name: &str) -> String {
    let head = |head: &str| -> String {
        let lines = head.lines().map(|line| format!("//! {line}\n"));
        lines.collect()
    };
    let name = crate_name.replace('-', "_");
    let compiled = HEAD
        .replace("ignore", "no_run")
        .replace("crate_name", &name);
    text.replacen(&head(HEAD), &head(&compiled), 1)
}

/// The text of the example, for docs.
pub(super) fn example(entity: &Entity<'_>) -> String {
    let (name, new) = (ident(&entity.rust), suffixed(&entity.rust, "New"));
    let filter = filter(entity).map(|condition| quote!(.filter(#condition)));
    let create = arguments(entity).map(|arguments| {
        quote! {
            let created = crm.create(#new::new(#arguments)).await?;
            println!("{}", created.id);
        }
    });
    let code = print::item(quote! {
        async fn example(crm: Client) -> Result<(), Error> {
            let page = crm.list::<#name>() #filter .max_size(20).await?;
            println!("{:?}", page.total);
            #create
            Ok(())
        }
    });
    let mut text = String::from(HEAD);
    for line in code.lines() {
        match line.strip_prefix("    ") {
            Some("Ok(())") => text += "# Ok(())\n",
            Some(line) => text += &format!("{line}\n"),
            None => text += &format!("# {line}\n"),
        }
    }
    text + "```"
}

/// A condition on the attribute that is most likely of interest to readers.
fn filter(entity: &Entity<'_>) -> Option<TokenStream> {
    let module = ident(&entity.module);
    let find = |wanted: &dyn Fn(&Attr<'_>) -> bool| entity.attributes.iter().find(|a| wanted(a));
    let is_enum = |a: &Attr<'_>| {
        matches!(a.type_.kind, Kind::Enum(_)) && option(entity, &a.type_.value).is_some()
    };
    let is_text = |a: &Attr<'_>| a.type_.kind == Kind::Plain("Text");
    let named = |a: &Attr<'_>| a.rust == "name" && is_text(a);
    if let Some(attribute) = find(&is_enum) {
        let constant = constant(&attribute.rust);
        let option = option(entity, &attribute.type_.value)?;
        return Some(quote!(#module::#constant.eq(#option)));
    }
    let attribute = find(&named).or_else(|| find(&is_text))?;
    let constant = constant(&attribute.rust);
    Some(quote!(#module::#constant.starts_with("A")))
}

/// The first option of an enum that is not empty.
fn option(entity: &Entity<'_>, of: &Type) -> Option<TokenStream> {
    let Type::Enum(name) = of else {
        return None;
    };
    let own = entity.enums.get(name).map(|own| own.options);
    let options = own.or_else(|| entity.shared.get(name).map(|shared| shared.options))?;
    let first = options.iter().find(|option| !option.is_empty())?;
    let plan = names::variant_plan(options.iter().map(String::as_str));
    let (module, name, variant) = (ident(&entity.module), ident(name), ident(&plan[first]));
    Some(quote!(#module::#name::#variant))
}

/// The arguments of `new`; `None` if one of the required values has no simple example.
fn arguments(entity: &Entity<'_>) -> Option<TokenStream> {
    match entity.required.as_slice() {
        [] => Some(TokenStream::new()),
        [setter] => value(entity, setter, false),
        setters => {
            let required = suffixed(&entity.rust, "Required");
            let fields = setters.iter().map(|setter| {
                let (name, value) = (ident(&setter.rust), value(entity, setter, true)?);
                Some(quote!(#name: #value))
            });
            let fields: Vec<TokenStream> = fields.collect::<Option<_>>()?;
            Some(quote!(#required { #(#fields),* }))
        }
    }
}

/// A value for a setter. With `is_exact`, it has exactly the type of the struct's field.
fn value(entity: &Entity<'_>, setter: &Setter<'_>, is_exact: bool) -> Option<TokenStream> {
    let of = match &setter.target {
        Target::Attribute(_, type_) => &type_.value,
        Target::DateOrTime(_) => return Some(quote!(date(2030, 1, 31).into())),
        Target::Parent(parent) => {
            let (target, _) = parent.targets.first()?;
            let plan = names::entity_plan(parent.targets.iter().map(|(wire, _)| *wire), &["Other"]);
            let (module, name) = (ident(&entity.module), ident(&parent.type_name));
            let variant = ident(&plan[*target]);
            return Some(quote!(#module::#name::#variant(Id::new("…"))));
        }
    };
    Some(match (of, is_exact) {
        (Type::Text, false) => quote!("…"),
        (Type::Text, true) => quote!("…".into()),
        (Type::Bool, _) => quote!(true),
        (Type::Int, _) => quote!(1),
        (Type::Float, _) => quote!(1.0),
        (Type::Decimal, false) => quote!(100),
        (Type::Decimal, true) => quote!(100.into()),
        (Type::Date, _) => quote!(date(2030, 1, 31)),
        (Type::Timestamp, _) => quote!(Timestamp::now()),
        (Type::Id(Some(_)), true) => quote!(Id::new("…")),
        (Type::Id(Some(target)), false) => {
            let target = ident(target);
            quote!(Id::<#target>::new("…"))
        }
        (Type::Enum(_), _) => option(entity, of)?,
        (Type::List(item), true) => match &**item {
            Type::Text => quote!(vec!["…".into()]),
            Type::Id(Some(_)) => quote!(vec![Id::new("…")]),
            item @ Type::Enum(_) => {
                let option = option(entity, item)?;
                quote!(vec![#option])
            }
            _ => return None,
        },
        (Type::List(item), false) => match &**item {
            Type::Text => quote!(["…"]),
            item @ Type::Enum(_) => {
                let option = option(entity, item)?;
                quote!([#option])
            }
            _ => return None,
        },
        _ => return None,
    })
}
