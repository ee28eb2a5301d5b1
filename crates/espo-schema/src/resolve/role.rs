//! The roles of attributes in their fields, and where their values come from.

use crate::kind::FieldKind as K;
use crate::model::{AttributeRole as Role, Field, Link};

pub(super) fn part_role(kind: K, part: &str) -> Role {
    match (kind, part) {
        (K::Link | K::LinkOne | K::LinkParent | K::File | K::Image, "id") => Role::Id,
        (K::Link | K::LinkOne | K::LinkParent | K::File | K::Image, "name") => Role::Name,
        (K::LinkParent, "type") => Role::ParentType,
        (K::LinkMultiple | K::AttachmentMultiple, "ids") => Role::Ids,
        (K::LinkMultiple | K::AttachmentMultiple, "names") => Role::Names,
        (K::LinkMultiple, "columns") => Role::Columns,
        (K::AttachmentMultiple, "types") => Role::Types,
        (K::Currency, "currency") => Role::Currency,
        (K::Currency, "converted") => Role::Converted,
        (K::DatetimeOptional, "date") => Role::Date,
        (K::Email | K::Phone, "data") => Role::Data,
        (K::Email | K::Phone, "isOptedOut") => Role::IsOptedOut,
        (K::Email | K::Phone, "isInvalid") => Role::IsInvalid,
        (K::PersonName, "") => Role::PersonName,
        (K::PersonName, _) => Role::PersonNamePart,
        (K::Address, "street" | "city" | "state" | "country" | "postalCode") => Role::AddressPart,
        (K::RangeInt | K::RangeFloat | K::RangeCurrency, "from" | "to") => Role::RangePart,
        (_, "") => Role::Value,
        _ => Role::Other,
    }
}

pub(super) fn is_stored(field: &Field, role: Role) -> bool {
    match role {
        Role::Name | Role::Ids | Role::Names | Role::Columns | Role::Types | Role::Data => false,
        Role::Converted | Role::PersonName | Role::IsOptedOut | Role::IsInvalid => false,
        // The meaning of such a part is defined only in the extension's code.
        Role::Other => false,
        _ => !field.not_storable && !matches!(field.kind, K::LinkOne | K::Foreign | K::Map),
    }
}

/// Joined from another table by the record's own query.
pub(super) fn is_joined(field: &Field, role: Role, link: Option<&Link>) -> bool {
    match field.kind {
        K::Foreign => true,
        K::LinkOne => link.is_some(),
        K::Link | K::File | K::Image => role == Role::Name && link.is_some_and(|l| !l.no_join),
        _ => false,
    }
}
