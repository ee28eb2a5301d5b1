//! The resolved model of an EspoCRM instance, used by the rest of the workspace.
//!
//! Everything here is plain data with public fields. [`crate::Schema::load`] fills it; nothing changes it afterwards.
//! Maps keep the order of the metadata, because the server validates fields in that order. Callers that need
//! another order sort it themselves (the generator sorts by name).

use std::fmt;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::kind::FieldKind;

mod attribute;
mod field;
mod link;
mod record;

pub use attribute::{Attribute, AttributeRole, AttributeSource, ValueType};
pub use field::{Field, Options, OptionsSource, Pattern};
pub use link::{Cardinality, Column, Link, LinkType};
pub use record::{RecordDefs, Relationship};

/// The metadata of one EspoCRM instance, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// Every key of `entityDefs`, in the order of the metadata.
    pub entity_types: IndexMap<String, EntityType>,
    /// Every key of `fields`, in the order of the metadata.
    pub field_types: IndexMap<String, FieldType>,
    /// Scopes that are not entity types (`Stream`, `Activities`, …).
    pub other_scopes: IndexMap<String, Scope>,
    /// The merged metadata tree with every section that was given, completed as the server completes it: what
    /// `GET Metadata` would return to an administrator.
    pub raw: Value,
    /// Problems in the metadata, and how they were handled.
    pub diagnostics: Vec<Diagnostic>,
    /// SHA-256 of [`Schema::raw`] in lower-case hex, independent of the order of object keys.
    pub content_hash: String,
}

/// One entity type (`Account`, `CProject`).
#[derive(Debug, Clone, PartialEq)]
pub struct EntityType {
    /// The name as used in URLs and in `entityType` values.
    pub name: String,
    /// The version of EspoCRM that added it, as far as the built-in metadata shows; see [`Schema::stock_since`](crate::Schema::stock_since).
    pub since: Option<&'static str>,
    /// `scopes.{name}`; all switches are off if the metadata has no such scope.
    pub scope: Scope,
    /// `entityDefs.{name}.collection`.
    pub collection: Collection,
    /// Records have `versionNumber`, and updates honour `X-Version-Number`.
    pub optimistic_concurrency_control: bool,
    /// Records are deleted permanently, and there is no `deleted` attribute.
    pub no_deleted_attribute: bool,
    /// Records have `deleteId` (a column that makes unique indexes possible with soft deletes).
    pub delete_id: bool,
    /// Fields in the order of the metadata, sub-fields of composite fields included.
    pub fields: IndexMap<String, Field>,
    /// Links in the order of the metadata, then those that fields create ([`Link::implicit`]).
    pub links: IndexMap<String, Link>,
    /// Names of the primary filters in the metadata. An instance lists only the filters of its menus; it also accepts
    /// `followed`, `starred` and `all`.
    pub primary_filters: Vec<String>,
    /// Names of the boolean filters in the metadata.
    pub bool_filters: Vec<String>,
    /// The names in [`EntityType::primary_filters`] that are only in the `selectDefs` of a directory. `GET Metadata`
    /// never returns that section, so they cannot be compared with an export.
    pub unlisted_primary_filters: Vec<String>,
    /// The names in [`EntityType::bool_filters`] that are only in the `selectDefs` of a directory.
    pub unlisted_bool_filters: Vec<String>,
    /// `recordDefs.{name}`; empty in the export of a user without administrator rights.
    pub record: RecordDefs,
    /// Every key that a record of this type can have on the wire: first `id`, then the keys of fields in their order,
    /// of links without a field, and of the scope.
    pub attributes: IndexMap<String, Attribute>,
    /// `entityDefs.{name}` as merged, without `fields` and `links`.
    pub raw: Map<String, Value>,
}

/// `scopes.{name}`: the features of a scope.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    /// An entity type with its own table.
    pub entity: bool,
    /// A business object: webhooks, mass actions, OpenAPI and stream tools apply to these.
    pub object: bool,
    /// `Crm`, `Custom`, an extension's name; `None` for the core.
    pub module: Option<String>,
    /// Template of a custom entity type: `Base`, `BasePlus`, `Person`, `Company`, `Event`, `CategoryTree`.
    pub type_: Option<String>,
    /// `true`, `false` or `"boolean"`.
    pub acl: Option<Value>,
    /// Records can be followed: `isFollowed`, `followersIds`, `followersNames`, `streamUpdatedAt`.
    pub stream: bool,
    /// Records can be starred: `isStarred`.
    pub stars: bool,
    /// Records can be locked (EspoCRM 10.0): `isLocked`, actions `lock` and `unlock`.
    pub lockable: bool,
    /// Records move through the stages of pipelines (EspoCRM 10.0), and the status field follows the stage.
    pub pipelines: bool,
    /// Switched off by an administrator (or legacy).
    pub disabled: bool,
    /// Created by an administrator on this instance.
    pub is_custom: bool,
    /// The enum field that is the status (kanban, stream notes).
    pub status_field: Option<String>,
    /// The link to the category tree (`folder`, `category`, `categories`).
    pub category_field: Option<String>,
    /// Fields that the duplicate check compares on create.
    pub duplicate_check_fields: Vec<String>,
    /// `scopes.{name}` as merged.
    pub raw: Map<String, Value>,
}

/// `entityDefs.{name}.collection`: how lists behave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Collection {
    /// Field that a list is ordered by if the request contains no order.
    pub order_by: Option<String>,
    /// Direction of the default order.
    pub order: Option<Order>,
    /// Fields (or `link.field`) that a text filter searches.
    pub text_filter_fields: Vec<String>,
    /// The text filter uses a full-text index.
    pub full_text_search: bool,
    /// Totals are not counted: `total` is −1 (more rows) or −2 (no more).
    pub count_disabled: bool,
}

/// Direction of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `asc`
    Asc,
    /// `desc`
    Desc,
}

/// `fields.{type}`: the mapping of a field type to attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldType {
    /// The type's name (`varchar`).
    pub name: String,
    /// The known type whose values fields of this type have: the type itself, or for a custom one the type that its
    /// definition describes.
    pub kind: FieldKind,
    /// Whether the type comes from an extension or from the instance.
    pub is_custom: bool,
    /// Fields of this type have no attribute with their name (`skipOrmDefs`); their sub-fields may have attributes.
    pub skips_attribute: bool,
    /// The server creates the attributes of this type in code, so only the listed parts are known.
    pub has_converter: bool,
    /// Fields of this type cannot be written, regardless of their definitions.
    pub read_only: bool,
    /// Whether parts are put before or after the field's name.
    pub naming: Naming,
    /// Parts that contain data. `""` is the field itself. `None` if the metadata does not list any.
    pub actual_parts: Option<Vec<String>>,
    /// Parts that are derived by the server.
    pub not_actual_parts: Vec<String>,
    /// Definitions of the sub-fields that a field of this type adds, by part.
    pub sub_fields: IndexMap<String, Map<String, Value>>,
    /// `fieldDefs`: defaults for definitions of fields of this type (`type` is the type of the column).
    pub field_defs: Map<String, Value>,
    /// `linkDefs`: the link that a field of this type creates.
    pub link_defs: Option<Map<String, Value>>,
    /// Default value of fields that do not define one.
    pub default: Option<Value>,
    /// Validations that run if the field enables them.
    pub validation_list: Vec<String>,
    /// Validations that always run.
    pub mandatory_validation_list: Vec<String>,
    /// `fields.{type}` as merged.
    pub raw: Map<String, Value>,
}

/// How the name of a part is joined to the name of its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// `billingAddress` + `city` → `billingAddressCity` (`"suffix"` or `"postfix"`, the default).
    #[default]
    Suffix,
    /// `name` + `first` → `firstName`.
    Prefix,
}

/// A problem in the metadata, and how it was handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The severity.
    pub level: Level,
    /// The location as a dotted path (`entityDefs.Account.links.deals`).
    pub path: String,
    /// A description of the finding and its effect.
    pub message: String,
}

/// The severity of a [`Diagnostic`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Expected in customised metadata; nothing is lost.
    Note,
    /// Probably a mistake in the metadata; a definition was ignored or has a less specific type.
    Warning,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
        })
    }
}

impl Diagnostic {
    pub(crate) fn note(path: impl Into<String>, message: impl Into<String>) -> Self {
        let (path, message) = (path.into(), message.into());
        Self {
            level: Level::Note,
            path,
            message,
        }
    }

    pub(crate) fn warning(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::note(path, message)
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl Schema {
    /// Returns the entity type with that name (exact spelling).
    #[must_use]
    pub fn entity_type(&self, name: &str) -> Option<&EntityType> {
        self.entity_types.get(name)
    }

    /// Returns a field of an entity type.
    #[must_use]
    pub fn field(&self, entity: &str, field: &str) -> Option<&Field> {
        self.entity_type(entity)?.fields.get(field)
    }

    /// Returns a link of an entity type.
    #[must_use]
    pub fn link(&self, entity: &str, link: &str) -> Option<&Link> {
        self.entity_type(entity)?.links.get(link)
    }

    /// Returns the target entity type of a link, if the metadata has it.
    #[must_use]
    pub fn link_target(&self, entity: &str, link: &str) -> Option<&EntityType> {
        self.entity_type(self.link(entity, link)?.entity.as_deref()?)
    }

    /// Returns the reverse link at the target.
    #[must_use]
    pub fn reverse_link(&self, entity: &str, link: &str) -> Option<&Link> {
        let l = self.link(entity, link)?;
        self.link(l.entity.as_deref()?, l.foreign.as_deref()?)
    }

    /// Returns the scope with that name, whether or not it is an entity type.
    #[must_use]
    pub fn scope(&self, name: &str) -> Option<&Scope> {
        self.entity_type(name)
            .map(|e| &e.scope)
            .or_else(|| self.other_scopes.get(name))
    }
}

impl EntityType {
    /// Returns the attributes of a field, in the field's order. Empty for an unknown field.
    pub fn attributes_of<'a>(&'a self, field: &str) -> impl Iterator<Item = &'a Attribute> + 'a {
        let names = self
            .fields
            .get(field)
            .map(|f| f.attributes.as_slice())
            .unwrap_or_default();
        names.iter().filter_map(|name| self.attributes.get(name))
    }
}
