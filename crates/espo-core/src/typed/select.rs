//! Selection of attributes.

use std::borrow::Cow;

use super::field::Field;
use super::kind::Listed;

/// Attributes to request.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an attribute of `{E}`",
    note = "use constants of the listed entity type, alone, in an array or in a tuple: `account::NAME` for an `Account`"
)]
pub trait Select<E> {
    /// Their names on the wire.
    fn names(self) -> Vec<Cow<'static, str>>;
}

impl<E, K: Listed, A> Select<E> for Field<E, K, A> {
    fn names(self) -> Vec<Cow<'static, str>> {
        vec![Cow::Borrowed(self.name())]
    }
}

impl<E, K: Listed, A, const N: usize> Select<E> for [Field<E, K, A>; N] {
    fn names(self) -> Vec<Cow<'static, str>> {
        self.iter()
            .map(|field| Cow::Borrowed(field.name()))
            .collect()
    }
}

macro_rules! select_tuples {
    ($($name:ident)+) => {
        impl<Entity, $($name: Select<Entity>),+> Select<Entity> for ($($name,)+) {
            fn names(self) -> Vec<Cow<'static, str>> {
                #[allow(non_snake_case)]
                let ($($name,)+) = self;
                let mut names = Vec::new();
                $(names.extend($name.names());)+
                names
            }
        }
    };
}

select_tuples!(A);
select_tuples!(A B);
select_tuples!(A B C);
select_tuples!(A B C D);
select_tuples!(A B C D F);
select_tuples!(A B C D F G);
select_tuples!(A B C D F G H);
select_tuples!(A B C D F G H I);
select_tuples!(A B C D F G H I J);
select_tuples!(A B C D F G H I J K);
select_tuples!(A B C D F G H I J K L);
select_tuples!(A B C D F G H I J K L M);
