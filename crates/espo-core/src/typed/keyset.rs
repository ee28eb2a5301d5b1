//! Paging by key: each page begins after the last record of the previous one, even if that record has moved.

use std::borrow::Cow;
use std::collections::HashMap;

use futures_util::stream;
use serde_json::Value;

use super::decode::{Decode, Page};
use super::list::{BoxStream, ListRequest};
use super::paging::{Repeats, SAME_PAGE};
use crate::search::{Order, WhereItem};
use crate::{DecodeFault, Error, Response};

/// Where a page begins.
enum Position {
    /// Records whose attribute is null, after an ID.
    Null(Option<String>),
    /// Records whose attribute is set, from the first one.
    Set,
    /// Records after this value and ID.
    After(Value, String),
    /// No more records.
    End,
}

/// All pages in the order of `attribute`, then ID.
pub(super) fn pages<E: Send + 'static, R: Decode>(
    request: ListRequest<E, R>,
    attribute: Cow<'static, str>,
    order: Order,
) -> BoxStream<Page<R>> {
    // An ID is never null; nulls come first in ascending order, and last in descending order.
    let start = if attribute == "id" || order == Order::Desc {
        Position::Set
    } else {
        Position::Null(None)
    };
    let state = Keyset {
        request,
        attribute,
        order,
        position: start,
        repeats: Repeats::default(),
    };
    Box::pin(stream::try_unfold(state, Keyset::next))
}

struct Keyset<E, R> {
    request: ListRequest<E, R>,
    attribute: Cow<'static, str>,
    order: Order,
    position: Position,
    /// The last records of full pages.
    repeats: Repeats,
}

impl<E: Send + 'static, R: Decode> Keyset<E, R> {
    async fn next(mut self) -> Result<Option<(Page<R>, Self)>, Error> {
        loop {
            if matches!(self.position, Position::End) {
                return Ok(None);
            }
            let (page, response) = self.request.keyed_page(self.condition()).await?;
            let rows = page.rows();
            let full = rows >= self.request.page_size();
            let last = if rows == 0 {
                None
            } else {
                Some(self.last_key(&response)?)
            };
            if let Some((id, _)) = &last
                && full
                && self.repeats.has_seen(id)
            {
                return Err(Error::decode(&response, DecodeFault::new(SAME_PAGE)));
            }
            let was_null = matches!(self.position, Position::Null(_));
            self.position = match (last, full) {
                (Some((id, _)), true) if was_null => Position::Null(Some(id)),
                (_, false) if was_null && self.order == Order::Asc => Position::Set,
                (_, _) if was_null => Position::End,
                (Some((id, value)), true) => Position::After(value, id),
                _ if self.order == Order::Desc && self.attribute != "id" => Position::Null(None),
                _ => Position::End,
            };
            if rows > 0 {
                return Ok(Some((page, self)));
            }
        }
    }

    /// After `value` in the order of the list. The server orders equal records by ID, in the same direction.
    fn beyond(
        &self,
        attribute: impl Into<Cow<'static, str>>,
        value: impl Into<Value>,
    ) -> WhereItem {
        match self.order {
            Order::Asc => WhereItem::greater_than(attribute, value),
            Order::Desc => WhereItem::less_than(attribute, value),
        }
    }

    fn condition(&self) -> Option<WhereItem> {
        let attribute = self.attribute.clone();
        match &self.position {
            Position::Set if attribute == "id" => None,
            Position::Set | Position::End => Some(WhereItem::is_not_null(attribute)),
            Position::Null(None) => Some(WhereItem::is_null(attribute)),
            Position::Null(Some(id)) => Some(WhereItem::and([
                WhereItem::is_null(attribute),
                self.beyond("id", id.as_str()),
            ])),
            Position::After(_, id) if attribute == "id" => Some(self.beyond("id", id.as_str())),
            Position::After(value, id) => Some(WhereItem::or([
                self.beyond(attribute.clone(), value.clone()),
                WhereItem::and([
                    WhereItem::equals(attribute, value.clone()),
                    self.beyond("id", id.as_str()),
                ]),
            ])),
        }
    }

    /// Returns the ID and the ordering attribute of the last row. They are read from the body of the response, because
    /// a projection may not contain them.
    fn last_key(&self, response: &Response) -> Result<(String, Value), Error> {
        #[derive(serde::Deserialize)]
        struct Rows<'a> {
            #[serde(borrow)]
            list: Vec<&'a serde_json::value::RawValue>,
        }
        let missing = |what: &str| {
            Error::decode(
                response,
                DecodeFault::new(format!("the last row has no `{what}`")),
            )
        };
        let rows: Rows<'_> = serde_json::from_str(response.text()?).map_err(|_| missing("id"))?;
        let last = rows.list.last().ok_or_else(|| missing("id"))?;
        // serde_json may reject another attribute; the decoding of the page reports that.
        let last: HashMap<String, &serde_json::value::RawValue> =
            serde_json::from_str(last.get()).map_err(|_| missing("id"))?;
        let value = |name: &str| -> Result<Value, Error> {
            let text = last.get(name).ok_or_else(|| missing(name))?.get();
            serde_json::from_str(text).map_err(|_| missing(name))
        };
        match value("id")? {
            Value::String(id) => Ok((id, value(&self.attribute)?)),
            _ => Err(missing("id")),
        }
    }
}
