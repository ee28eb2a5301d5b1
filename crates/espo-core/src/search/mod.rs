//! Untyped search parameters of a list request: attributes, filters, order and page.
//!
//! Typed filters build the same [`WhereItem`]s. Use this module for parameters that the typed layer does not cover.
//!
//! ```
//! use espo_core::search::{Order, SearchParams, WhereItem};
//!
//! let open = SearchParams::new()
//!     .select(["id", "name"])
//!     .filter(WhereItem::is_in("stage", ["Prospecting", "Qualification"]))
//!     .filter(WhereItem::current_quarter("closeDate"))
//!     .order_by("closeDate", Order::Desc)
//!     .max_size(50);
//! assert!(open.to_json().contains(r#""type":"in""#));
//! ```

mod encode;
mod where_item;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

pub(crate) use encode::{ESCAPED, push as push_parameter};
pub use encode::{EncodeError, SearchEncoding};
pub use where_item::{Operand, WhereItem};

/// A name on the wire: borrowed if it is a constant, owned otherwise.
pub type Name = Cow<'static, str>;

/// The largest page size that the server allows by default (`recordListMaxSizeLimit`). It returns 403 for a larger one.
pub const DEFAULT_MAX_SIZE_LIMIT: u32 = 200;

/// Direction of an ordering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Ascending; the server's default if only `orderBy` is sent.
    #[default]
    Asc,
    /// Descending.
    Desc,
}

impl Order {
    /// Returns `asc` or `desc`, as on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asc => "asc",
            Self::Desc => "desc",
        }
    }
}

/// The search parameters of a list, a related list or a mass action.
///
/// Parameters that are not set are not sent. Names follow the server's rules: `select` and filters use **attribute**
/// names (`accountId`), `order_by` uses **field** names (`account`), link filters use **link** names (`teams`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct SearchParams {
    /// Attributes to return. With `None` the server chooses, which on a related list can mean only IDs. The server
    /// silently ignores unknown names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<Vec<Name>>,
    /// Conditions, all of which must be met.
    #[serde(rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub where_: Vec<WhereItem>,
    /// Field to order by. The server appends the ID as a tie-breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_by: Option<Name>,
    /// Direction; without `order_by` it applies to the entity type's default order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Number of records to skip.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Page size, at most [`DEFAULT_MAX_SIZE_LIMIT`]; zero requests only the total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u32>,
    /// One named filter of the entity type, such as `open`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_filter: Option<Name>,
    /// Boolean filters such as `onlyMy`; several are combined with OR.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bool_filter_list: Vec<Name>,
    /// Text search over the entity type's text fields; `*` is a wildcard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_filter: Option<String>,
}

impl SearchParams {
    /// Creates empty parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requests only these attributes (the server always adds `id`).
    #[must_use]
    pub fn select<I>(mut self, attributes: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<Name>,
    {
        self.select = Some(attributes.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a condition; all conditions must be met.
    #[must_use]
    pub fn filter(mut self, item: WhereItem) -> Self {
        self.where_.push(item);
        self
    }

    /// Orders by a field, replacing an earlier order.
    #[must_use]
    pub fn order_by(mut self, field: impl Into<Name>, order: Order) -> Self {
        self.order_by = Some(field.into());
        self.order = Some(order);
        self
    }

    /// Skips this number of records.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Limits the page to this number of records.
    #[must_use]
    pub fn max_size(mut self, max_size: u32) -> Self {
        self.max_size = Some(max_size);
        self
    }

    /// Applies a primary filter; the server rejects an unknown name with 400.
    #[must_use]
    pub fn primary_filter(mut self, name: impl Into<Name>) -> Self {
        self.primary_filter = Some(name.into());
        self
    }

    /// Adds a boolean filter; the server rejects an unknown name with 400.
    #[must_use]
    pub fn bool_filter(mut self, name: impl Into<Name>) -> Self {
        self.bool_filter_list.push(name.into());
        self
    }

    /// Searches the entity type's text fields.
    #[must_use]
    pub fn text_filter(mut self, text: impl Into<String>) -> Self {
        self.text_filter = Some(text.into());
        self
    }

    /// Returns the value of the query parameter `searchParams`, before percent-encoding.
    pub fn to_json(&self) -> String {
        // Only strings, numbers, lists and maps with string keys: the serialiser cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}
