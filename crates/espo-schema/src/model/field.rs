//! Fields and their allowed values.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::kind::FieldKind;

/// One field definition, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The field's name.
    pub name: String,
    /// The version of EspoCRM that added it, as far as the built-in metadata shows; see [`Schema::stock_since`](crate::Schema::stock_since).
    pub since: Option<&'static str>,
    /// The type as written (`varchar`, or one that an extension adds).
    pub type_: String,
    /// The corresponding known type. For a custom type, it is the known type whose values the field has
    /// ([`FieldType::kind`](super::FieldType::kind)); a type without a definition is varchar, as on the server.
    pub kind: FieldKind,
    /// The type is not built in: an extension or the instance defines it, or it has no definition.
    pub has_custom_type: bool,
    /// Must have a value on create, and on an update that sends it.
    pub required: bool,
    /// A create may omit the field although it is required, because the server fills it in. This applies to counters,
    /// and to the pipeline and the stage of an entity type with pipelines.
    pub filled_by_server: bool,
    /// Input is dropped silently.
    pub read_only: bool,
    /// Input is accepted on create and dropped on update.
    pub read_only_after_create: bool,
    /// Has no column (from the field or from its type's `fieldDefs`).
    pub not_storable: bool,
    /// Neither returned nor accepted.
    pub disabled: bool,
    /// Accepted, but never returned to any user (`entityAcl`).
    pub internal: bool,
    /// Hidden in the UI, but available in the API.
    pub utility: bool,
    /// Changes are noted in the stream.
    pub audited: bool,
    /// The column does not allow null (from the field or from its type's `fieldDefs`).
    pub not_null: bool,
    /// The field's default, or else the default of its type. The server ignores a string that starts with
    /// `javascript:`, which only the browser evaluates.
    pub default: Option<Value>,
    /// Maximum length in characters, as in the metadata. The server's default of 255 for varchar and enum is not
    /// filled in.
    pub max_length: Option<u64>,
    /// Length of the column in characters, if the field or its type defines one (`len`). The server checks
    /// [`Field::max_length`] and fails with a database error on a longer value.
    pub column_length: Option<u64>,
    /// Minimum value (a number, or a string for decimals).
    pub min: Option<Value>,
    /// Maximum value.
    pub max: Option<Value>,
    /// Maximum number of items.
    pub max_count: Option<u64>,
    /// Maximum length of one item, in characters.
    pub max_item_length: Option<u64>,
    /// The values that an enum-like field allows.
    pub options: Options,
    /// The source of [`Field::options`].
    pub options_source: OptionsSource,
    /// Values outside the options are allowed as well.
    pub allow_custom_options: bool,
    /// The regular expression that a value must match.
    pub pattern: Option<Pattern>,
    /// A currency amount is stored as a decimal and sent as a string.
    pub decimal: bool,
    /// Type of the column, if it differs (`bigint` removes the 32-bit limit of an int).
    pub db_type: Option<String>,
    /// Foreign field: the link to the other record.
    pub link: Option<String>,
    /// Foreign field: the field at the link's target.
    pub foreign_field: Option<String>,
    /// Middle-table column behind a filter-only field.
    pub column: Option<String>,
    /// Link-multiple: middle-table column → attribute of the linked record.
    pub columns: IndexMap<String, String>,
    /// Target of a link field for which there is no link with the same name.
    pub entity: Option<String>,
    /// Allowed targets of a parent field; empty if any entity type is allowed.
    pub entity_list: Vec<String>,
    /// Allowed `type` values of phone numbers.
    pub type_list: Vec<String>,
    /// Link-multiple field that a read does not load.
    pub no_load: bool,
    /// `orderBy` with this field is rejected (from the field or from its type's `fieldDefs`).
    pub order_disabled: bool,
    /// The field can be used in `orderBy`: its type can be ordered, it has a column or a custom order, and ordering is not
    /// switched off.
    pub orderable: bool,
    /// The value is not directly accessible.
    pub direct_access_disabled: bool,
    /// Validated on an update even if the update does not send it.
    pub force_validation: bool,
    /// Operators of a field that computes its own filter (keys of `where`, such as `=`, `LIKE`, `IN`).
    pub where_operators: Vec<String>,
    /// Parent field if this is a part of a composite one (`billingAddress` for `billingAddressCity`).
    pub composite_of: Option<String>,
    /// The name of this part (`city`); set together with [`Field::composite_of`].
    pub composite_part: Option<String>,
    /// Names of all attributes of the field: the actual ones, then the derived ones.
    pub attributes: Vec<String>,
    /// Attributes that contain the data.
    pub actual_attributes: Vec<String>,
    /// Attributes that the server derives.
    pub not_actual_attributes: Vec<String>,
    /// Created by an administrator on this instance.
    pub is_custom: bool,
    /// The definition as merged.
    pub raw: Map<String, Value>,
}

impl Field {
    /// Returns the maximum length in characters that can be stored: the smaller of [`Field::max_length`] and
    /// [`Field::column_length`].
    #[must_use]
    pub fn length_limit(&self) -> Option<u64> {
        match (self.max_length, self.column_length) {
            (Some(checked), Some(column)) => Some(checked.min(column)),
            (checked, column) => checked.or(column),
        }
    }

    /// Returns whether a create must include the field: it is required, can be written, and the server fills in
    /// neither a default nor a computed value.
    #[must_use]
    pub fn required_on_create(&self) -> bool {
        let has_default = match &self.default {
            None | Some(Value::Null) => false,
            Some(Value::String(text)) => !text.is_empty() && !text.starts_with("javascript:"),
            Some(Value::Array(list)) => !list.is_empty(),
            Some(_) => true,
        };
        self.required && !has_default && !self.filled_by_server && !self.read_only && !self.disabled
    }
}

/// The values that an enum-like field allows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Options {
    /// There is no list; any value is allowed.
    #[default]
    Any,
    /// Only these values are allowed, in this order. `""` means null. An empty list allows no value.
    Listed(Vec<String>),
}

impl Options {
    /// Returns the listed values; `None` if any value is allowed.
    #[must_use]
    pub fn listed(&self) -> Option<&[String]> {
        match self {
            Options::Any => None,
            Options::Listed(list) => Some(list),
        }
    }

    /// Returns whether the value is allowed.
    #[must_use]
    pub fn allows(&self, value: &str) -> bool {
        self.listed()
            .is_none_or(|list| list.iter().any(|o| o == value))
    }
}

/// The source of a field's options.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OptionsSource {
    /// The definition has no options.
    #[default]
    None,
    /// `options` of the definition itself.
    Own,
    /// `optionsReference`: the options of another field.
    Reference {
        /// Entity type of that field.
        entity: String,
        /// That field.
        field: String,
    },
    /// `optionsPath`: a path in the metadata.
    Path(String),
}

/// A regular expression that a value must match as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// As in the metadata: an expression, or `$name` of a shared one.
    pub source: String,
    /// The expression without delimiters or anchors; `None` if a `$name` is unknown.
    pub regex: Option<String>,
}
