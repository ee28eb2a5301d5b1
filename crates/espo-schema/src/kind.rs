//! The field types of EspoCRM 10.0.

/// Declares [`FieldKind`] with the name of each type next to its variant, so that the two stay in sync.
macro_rules! field_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The type of a field: one variant per type of a stock EspoCRM 10.0 (46, and `id`), and [`FieldKind::Other`] for
        /// those that an extension or a later version adds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum FieldKind {
            $($(#[$doc])* $variant,)*
            /// A custom type whose values are unknown: the column type in its definition is unknown.
            Other,
        }

        impl FieldKind {
            /// Every known type, by name.
            pub const ALL: &'static [FieldKind] = &[$(FieldKind::$variant,)*];

            /// Returns the kind with this name in the metadata; [`FieldKind::Other`] for an unknown one.
            #[must_use]
            pub fn from_name(name: &str) -> FieldKind {
                match name {
                    $($name => FieldKind::$variant,)*
                    _ => FieldKind::Other,
                }
            }

            /// Its name in the metadata; empty for [`FieldKind::Other`].
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(FieldKind::$variant => $name,)*
                    FieldKind::Other => "",
                }
            }
        }
    };
}

field_kinds! {
    /// Postal address: street, city, state, country, postal code.
    Address = "address",
    /// List of strings.
    Array = "array",
    /// List of integers.
    ArrayInt = "arrayInt",
    /// Several attachments.
    AttachmentMultiple = "attachmentMultiple",
    /// Auto-incremented number.
    Autoincrement = "autoincrement",
    /// Text of a barcode.
    Barcode = "barcode",
    /// Value whose type is not in the metadata.
    Base = "base",
    /// Boolean.
    Bool = "bool",
    /// List of strings, shown as checkboxes.
    Checklist = "checklist",
    /// Colour as `#rrggbb`.
    Colorpicker = "colorpicker",
    /// Amount with its currency code and its value in the base currency.
    Currency = "currency",
    /// Amount in the base currency; the sub-field of a currency field.
    CurrencyConverted = "currencyConverted",
    /// Calendar date.
    Date = "date",
    /// Point in time, UTC.
    Datetime = "datetime",
    /// Point in time, or a date for a whole day.
    DatetimeOptional = "datetimeOptional",
    /// Decimal number, sent as a string (9.3 and later).
    Decimal = "decimal",
    /// Seconds between two date-time fields, computed.
    Duration = "duration",
    /// Email addresses of the record; the primary one is the value.
    Email = "email",
    /// One string from a list.
    Enum = "enum",
    /// One number from a list.
    EnumFloat = "enumFloat",
    /// One integer from a list.
    EnumInt = "enumInt",
    /// One attachment.
    File = "file",
    /// Number.
    Float = "float",
    /// Field of a linked record, shown here.
    Foreign = "foreign",
    /// The record's ID; not in `fields`, but used as a type in `entityDefs`.
    Id = "id",
    /// One image attachment.
    Image = "image",
    /// Integer.
    Int = "int",
    /// Any array.
    JsonArray = "jsonArray",
    /// Any object.
    JsonObject = "jsonObject",
    /// One linked record.
    Link = "link",
    /// Several linked records, optionally with middle-table columns.
    LinkMultiple = "linkMultiple",
    /// One linked record that contains the key.
    LinkOne = "linkOne",
    /// One linked record of any of several entity types.
    LinkParent = "linkParent",
    /// Map of an address, without a value.
    Map = "map",
    /// Several strings from a list.
    MultiEnum = "multiEnum",
    /// Text with a prefix and a counter.
    Number = "number",
    /// Text that is never returned.
    Password = "password",
    /// Name of a person: salutation, first, last, middle.
    PersonName = "personName",
    /// Phone numbers of the record; the primary one is the value.
    Phone = "phone",
    /// Two amounts: from and to.
    RangeCurrency = "rangeCurrency",
    /// Two numbers: from and to.
    RangeFloat = "rangeFloat",
    /// Two integers: from and to.
    RangeInt = "rangeInt",
    /// Long text, Markdown.
    Text = "text",
    /// Web address.
    Url = "url",
    /// List of web addresses.
    UrlMultiple = "urlMultiple",
    /// Short string.
    Varchar = "varchar",
    /// Long text, HTML.
    Wysiwyg = "wysiwyg",
}

#[cfg(test)]
mod tests {
    use super::FieldKind;

    #[test]
    fn kinds_round_trip_through_their_names() {
        assert_eq!(FieldKind::ALL.len(), 47);
        for kind in FieldKind::ALL {
            assert_eq!(FieldKind::from_name(kind.name()), *kind);
        }
        assert_eq!(FieldKind::from_name("varchar"), FieldKind::Varchar);
        assert_eq!(FieldKind::from_name("Varchar"), FieldKind::Other);
    }
}
