use serde_json::Value;

use super::value;
use crate::JsonObject;
use crate::error::Error;
use crate::search::{SearchParams, WhereItem};
use crate::typed::{Filter, IntoId, ListRequest, texts};

/// The records of `E` that a mass action, an export or a similar call applies to.
///
/// The server treats an empty selection as every record. This type does not: an empty list of IDs or filters is an
/// error before anything is sent, and [`Selection::everything`] selects all records.
#[derive(Debug)]
pub struct Selection<E> {
    choice: Choice,
    marker: std::marker::PhantomData<fn() -> E>,
}

#[derive(Clone, Debug, PartialEq)]
enum Choice {
    Ids(Vec<String>),
    Search(Box<SearchParams>),
}

impl<E> Clone for Selection<E> {
    fn clone(&self) -> Self {
        Self::new(self.choice.clone())
    }
}

impl<E> PartialEq for Selection<E> {
    fn eq(&self, other: &Self) -> bool {
        self.choice == other.choice
    }
}

impl<E> Selection<E> {
    fn new(choice: Choice) -> Self {
        Self {
            choice,
            marker: std::marker::PhantomData,
        }
    }

    /// Selects the records with these IDs.
    pub fn ids(ids: impl IntoIterator<Item = impl IntoId<E>>) -> Self {
        Self::new(Choice::Ids(texts(ids)))
    }

    /// Selects the records that match all of the filters. An empty list of filters is rejected like an empty list of
    /// IDs.
    pub fn matching(filters: impl IntoIterator<Item = Filter<E>>) -> Self {
        let mut params = SearchParams::new();
        params.where_ = filters.into_iter().map(Filter::into_item).collect();
        Self::new(Choice::Search(Box::new(params)))
    }

    /// Selects the records that a list finds: its filters, primary and boolean filters, and text. A list without any
    /// of these is rejected.
    pub fn list<R>(mut list: ListRequest<E, R>) -> Self {
        Self::new(Choice::Search(Box::new(list.params_mut().clone())))
    }

    /// Returns a selection of every record of the entity type that the user can access.
    pub fn everything() -> Self {
        // A condition on the ID, so that the selection is explicit for the server.
        Self::matching([Filter::new(WhereItem::is_not_null("id"))])
    }

    /// The keys of the selection in a request body: `ids`, or `where` and `searchParams`.
    pub(super) fn to_json(&self) -> Result<JsonObject, Error> {
        let mut out = JsonObject::new();
        match &self.choice {
            Choice::Ids(ids) if ids.is_empty() => return Err(nothing()),
            Choice::Ids(ids) => {
                out.insert("ids".to_owned(), Value::from(ids.clone()));
            }
            Choice::Search(params) => {
                let narrowed = !params.where_.is_empty()
                    || params.primary_filter.is_some()
                    || !params.bool_filter_list.is_empty()
                    || params.text_filter.is_some();
                if !narrowed {
                    return Err(nothing());
                }
                out.insert("where".to_owned(), value(&params.where_)?);
                out.insert("searchParams".to_owned(), value(params)?);
            }
        }
        Ok(out)
    }
}

fn nothing() -> Error {
    Error::build(
        "the selection is empty, which the server treats as every record; \
         use `Selection::everything()` to select all records",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_selections_are_rejected() {
        let none: [&str; 0] = [];
        for empty in [
            Selection::<JsonObject>::ids(none),
            Selection::matching([]),
            Selection::new(Choice::Search(Box::new(SearchParams::new().max_size(5)))),
        ] {
            let error = empty.to_json().unwrap_err();
            assert!(error.to_string().contains("everything"), "{error}");
        }
        let all = Selection::<JsonObject>::everything().to_json().unwrap();
        assert_eq!(all["where"][0]["type"], "isNotNull");
        assert_eq!(all["searchParams"]["where"], all["where"]);
        let ids = Selection::<JsonObject>::ids(["a", "b"]).to_json().unwrap();
        assert_eq!(serde_json::to_string(&ids).unwrap(), r#"{"ids":["a","b"]}"#);
    }
}
