//! Settings of the server for reads and writes of records.

use indexmap::IndexMap;
use serde_json::{Map, Value};

/// `recordDefs.{name}`: how the server handles reads and writes of records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecordDefs {
    /// Attributes that list rows always contain, regardless of `select`.
    pub mandatory_attributes: Vec<String>,
    /// Updates are checked for duplicates, like creates.
    pub update_duplicate_check: bool,
    /// Lists ignore `select`.
    pub force_select_all_attributes: bool,
    /// Settings of single links, by link.
    pub relationships: IndexMap<String, Relationship>,
    /// `recordDefs.{name}` as merged.
    pub raw: Map<String, Value>,
}

/// `recordDefs.{name}.relationships.{link}`: settings of one link.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Relationship {
    /// Records can be related by search parameters (`massRelate`).
    pub mass_link: bool,
    /// Only records without another owner can be linked.
    pub link_only_not_linked: bool,
    /// Totals of the related list are not counted.
    pub count_disabled: bool,
    /// Attributes that rows of the related list always contain, regardless of `select`.
    pub mandatory_attributes: Vec<String>,
    /// The definition as merged.
    pub raw: Map<String, Value>,
}
