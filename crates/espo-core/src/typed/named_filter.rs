//! Primary and boolean filters: named filters of an instance.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use crate::JsonObject;

macro_rules! named_filter {
    ($(#[$about:meta])* $name:ident, $(#[$about_trait:meta])* $trait:ident) => {
        $(#[$about])*
        pub struct $name<E> {
            name: Cow<'static, str>,
            marker: PhantomData<fn() -> E>,
        }

        impl<E> $name<E> {
            /// Creates the filter with this name, for filters that are not in the metadata.
            pub const fn new(name: &'static str) -> Self {
                Self::from_cow(Cow::Borrowed(name))
            }

            /// Creates the filter with a name that is known only at run time.
            pub fn named(name: impl Into<Cow<'static, str>>) -> Self {
                Self::from_cow(name.into())
            }

            const fn from_cow(name: Cow<'static, str>) -> Self {
                Self {
                    name,
                    marker: PhantomData,
                }
            }

            /// Returns the name on the wire.
            pub fn name(&self) -> &str {
                &self.name
            }
        }

        impl<E> Clone for $name<E> {
            fn clone(&self) -> Self {
                Self::from_cow(self.name.clone())
            }
        }

        impl<E> fmt::Debug for $name<E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.name).finish()
            }
        }

        $(#[$about_trait])*
        pub trait $trait<E> {
            /// The filter's name on the wire.
            fn into_name(self) -> Cow<'static, str>;
        }

        impl<E> $trait<E> for $name<E> {
            fn into_name(self) -> Cow<'static, str> {
                self.name
            }
        }

        // The compiler cannot check an entity type that is known only at run time.
        impl<T: Into<Cow<'static, str>>> $trait<JsonObject> for T {
            fn into_name(self) -> Cow<'static, str> {
                self.into()
            }
        }
    };
}

named_filter! {
    /// A primary filter of `E`, such as `opportunity::primary_filters::OPEN`. A list accepts one.
    PrimaryFilter,
    /// A value that a list of `E` accepts as its primary filter: a constant of the entity type, or any name if the
    /// entity type is known only at run time.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a primary filter of `{E}`",
        note = "use a constant such as `opportunity::primary_filters::OPEN`; for a filter that is not in the metadata, use `PrimaryFilter::new(\"…\")`"
    )]
    IsPrimaryFilter
}

named_filter! {
    /// A boolean filter of `E`, such as `opportunity::bool_filters::ONLY_MY`. A list accepts several.
    BoolFilter,
    /// A value that a list of `E` accepts as a boolean filter: a constant of the entity type, or any name if the entity
    /// type is known only at run time.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a boolean filter of `{E}`",
        note = "use a constant such as `opportunity::bool_filters::ONLY_MY`; for a filter that is not in the metadata, use `BoolFilter::new(\"…\")`"
    )]
    IsBoolFilter
}
