//! The Rust type and the kind of the attributes of each field type.
//!
//! The kind decides which conditions, orders and changes compile, so the table is checked by the compiler.

use espo_build_rs_example::crm::c_everything::{
    self as f, AChecklist, AMultiEnum, AVatStatus, AnEnum,
};
use espo_build_rs_example::crm::{Account, Attachment, CEverything, Contact};
use espo_core::prelude::*;
use espo_core::typed::{
    AnyId, EmailAddressRow, Field, MediaTypes, Names, PhoneNumberRow, access, kind,
};
use serde_json::Value;

macro_rules! table {
    ($($field_type:literal: $field:ident: $type:ty, $constant:ident: $kind:ty $(, $access:ident)?;)*) => {
        /// Each row compiles only with the types of the generated code.
        fn check(record: &CEverything) -> Vec<&'static str> {
            $(
                let _: &Option<$type> = &record.$field;
                let _: Field<CEverything, $kind $(, access::$access)?> = f::$constant;
            )*
            vec![$($field_type),*]
        }
    };
}

table! {
    "address": an_address_city: String, AN_ADDRESS_CITY: kind::Text;
    "array": an_array: Vec<String>, AN_ARRAY: kind::Items<String>;
    "arrayInt": an_array_int: Vec<i64>, AN_ARRAY_INT: kind::Opaque<Vec<i64>>;
    "attachmentMultiple": files_ids: Vec<Id<Attachment>>, FILES_IDS: kind::Set<Vec<Id<Attachment>>>;
    "attachmentMultiple": files_types: MediaTypes<Attachment>, FILES_TYPES: kind::Opaque<MediaTypes<Attachment>>, ReadOnly;
    "autoincrement": counter: i64, COUNTER: kind::Int, ReadOnly;
    "barcode": a_barcode: String, A_BARCODE: kind::Text;
    "base": a_base: Value, A_BASE: kind::Unlisted<kind::Opaque<Value>>;
    "bool": a_bool: bool, A_BOOL: kind::Bool, NonNull;
    "checklist": a_checklist: Vec<AChecklist>, A_CHECKLIST: kind::Items<AChecklist>;
    "colorpicker": a_color: String, A_COLOR: kind::Text;
    "currency": an_amount: Decimal, AN_AMOUNT: kind::Money;
    "currency": an_amount_currency: String, AN_AMOUNT_CURRENCY: kind::Text, NonNull;
    "currencyConverted": an_amount_converted: Decimal, AN_AMOUNT_CONVERTED: kind::Converted<kind::Money>, ReadOnly;
    "date": a_date: Date, A_DATE: kind::Date;
    "datetime": a_datetime: Timestamp, A_DATETIME: kind::DateTime;
    "datetimeOptional": an_optional: Timestamp, AN_OPTIONAL: kind::DateTime, PartOfField;
    "datetimeOptional": an_optional_date: Date, AN_OPTIONAL_DATE: kind::Date, PartOfField;
    "decimal": a_decimal: Decimal, A_DECIMAL: kind::Money;
    "duration": a_duration: i64, A_DURATION: kind::Int;
    "email": email_address: String, EMAIL_ADDRESS: kind::Unranked<kind::Text>;
    "email": email_address_data: Vec<EmailAddressRow>, EMAIL_ADDRESS_DATA: kind::Unlisted<kind::Set<Vec<EmailAddressRow>>>;
    "email": email_address_is_opted_out: bool, EMAIL_ADDRESS_IS_OPTED_OUT: kind::Flag, NonNull;
    "enum": an_enum: AnEnum, AN_ENUM: kind::Enum<AnEnum>;
    "enumFloat": an_enum_float: f64, AN_ENUM_FLOAT: kind::Float;
    "enumInt": an_enum_int: i64, AN_ENUM_INT: kind::Int;
    "file": a_file_id: Id<Attachment>, A_FILE_ID: kind::Ref<Attachment>;
    "file": a_file_name: String, A_FILE_NAME: kind::RefName, ReadOnly;
    "float": a_float: f64, A_FLOAT: kind::Float;
    "foreign": a_foreign: String, A_FOREIGN: kind::Text, ReadOnly;
    "image": an_image_id: Id<Attachment>, AN_IMAGE_ID: kind::Ref<Attachment>;
    "int": an_int: i64, AN_INT: kind::Int;
    "jsonArray": a_json_array: Value, A_JSON_ARRAY: kind::Opaque<Value>;
    "jsonObject": a_json_object: Value, A_JSON_OBJECT: kind::Opaque<Value>;
    "link": account_id: Id<Account>, ACCOUNT_ID: kind::Ref<Account>;
    "link": account_name: String, ACCOUNT_NAME: kind::RefName, ReadOnly;
    "linkMultiple": contacts_ids: Vec<Id<Contact>>, CONTACTS_IDS: kind::Set<Vec<Id<Contact>>>;
    "linkMultiple": contacts_names: Names<Contact>, CONTACTS_NAMES: kind::Opaque<Names<Contact>>, ReadOnly;
    "linkOne": twin_id: Id<CEverything>, TWIN_ID: kind::Unordered<kind::Id<CEverything>>;
    "linkParent": parent_id: AnyId, PARENT_ID: kind::Unordered<kind::AnyId>, PartOfField;
    "linkParent": parent_type: String, PARENT_TYPE: kind::TypeName, PartOfField;
    "map": an_address_map: Value, AN_ADDRESS_MAP: kind::Unlisted<kind::Opaque<Value>>, ReadOnly;
    "multiEnum": a_multi_enum: Vec<AMultiEnum>, A_MULTI_ENUM: kind::Items<AMultiEnum>;
    "number": a_number: String, A_NUMBER: kind::Text, ReadOnly;
    "personName": person_name: String, PERSON_NAME: kind::Pattern<kind::Text>, ReadOnly;
    "personName": first_person_name: String, FIRST_PERSON_NAME: kind::Text;
    "phone": phone_number: String, PHONE_NUMBER: kind::Unranked<kind::Text>;
    "phone": phone_number_data: Vec<PhoneNumberRow>, PHONE_NUMBER_DATA: kind::Unlisted<kind::Set<Vec<PhoneNumberRow>>>;
    "rangeCurrency": from_a_money_range: Decimal, FROM_A_MONEY_RANGE: kind::Money;
    "rangeFloat": to_a_float_range: f64, TO_A_FLOAT_RANGE: kind::Float;
    "rangeInt": from_an_int_range: i64, FROM_AN_INT_RANGE: kind::Int;
    "text": a_text: String, A_TEXT: kind::Text;
    "url": a_url: String, A_URL: kind::Text;
    "urlMultiple": urls: Vec<String>, URLS: kind::Items<String>;
    "varchar": name: String, NAME: kind::Text, NonNull;
    "wysiwyg": a_wysiwyg: String, A_WYSIWYG: kind::Text;
    // Custom types: as the type in their `fieldDefs`.
    "moment": a_moment: Timestamp, A_MOMENT: kind::DateTime;
    "serial": a_serial: String, A_SERIAL: kind::Text;
    "tagList": tags: Value, TAGS: kind::Opaque<Value>;
    "vat": a_vat: String, A_VAT: kind::Text;
    "vat": a_vat_is_valid: bool, A_VAT_IS_VALID: kind::Bool, NonNull;
    "vat": a_vat_status: AVatStatus, A_VAT_STATUS: kind::Enum<AVatStatus>;
    "vat": a_vat_checked_on: Date, A_VAT_CHECKED_ON: kind::Date;
    "weight": a_weight: f64, A_WEIGHT: kind::Float;
    "weight": a_weight_unit: String, A_WEIGHT_UNIT: kind::Text;
}

#[test]
fn attributes_of_every_field_type_have_the_types_of_their_values() {
    let schema = crate::common::schema();
    let checked = check(&CEverything::with_id(Id::new("1")));
    for field_type in schema.field_types.keys().map(String::as_str) {
        // Passwords are only written, and the data layer does not know gauges: neither is in a record.
        let is_in_records = !matches!(field_type, "password" | "gauge");
        assert_eq!(checked.contains(&field_type), is_in_records, "{field_type}");
    }
}
