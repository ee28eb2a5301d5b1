//! The rows: one per field type.

use espo_build_rs_example::crm::c_everything::{
    self as f, AChecklist, AMultiEnum, AVatStatus, AnEnum, links,
};
use espo_build_rs_example::crm::{CEverything, Contact};
use espo_core::prelude::*;
use espo_core::typed::AnyId;
use serde_json::json;

use super::{Row, row};
use crate::common::{World, decimal, time};

pub(super) fn texts(world: &World) -> Vec<Row> {
    let (account, contact) = (&world.account, &world.contact);
    vec![
        row(
            "address",
            |n| n.an_address_city("Kyiv").an_address_street("S 1\nH 2"),
            json!({"anAddressCity": "Kyiv", "anAddressStreet": "S 1\nH 2"}),
        )
        .update(
            |p| p.an_address_city("Lviv"),
            json!({"anAddressCity": "Lviv", "anAddressStreet": "S 1\nH 2"}),
        )
        .clear(
            |p| p.clear(f::AN_ADDRESS_CITY),
            json!({"anAddressCity": null}),
        )
        .filter(f::AN_ADDRESS_CITY.eq("Kyiv"))
        .order(f::AN_ADDRESS_CITY.asc()),
        row(
            "barcode",
            |n| n.a_barcode("4006381333931"),
            json!({"aBarcode": "4006381333931"}),
        )
        .update(|p| p.a_barcode("1"), json!({"aBarcode": "1"}))
        .clear(|p| p.clear(f::A_BARCODE), json!({"aBarcode": null}))
        .filter(f::A_BARCODE.starts_with("4006"))
        .order(f::A_BARCODE.desc()),
        row(
            "colorpicker",
            |n| n.a_color("#a1b2c3"),
            json!({"aColor": "#a1b2c3"}),
        )
        .update(|p| p.a_color("#000000"), json!({"aColor": "#000000"}))
        .clear(|p| p.clear(f::A_COLOR), json!({"aColor": null}))
        .filter(f::A_COLOR.eq("#a1b2c3"))
        .order(f::A_COLOR.asc()),
        row(
            "email",
            |n| n.email_address("ann@example.com"),
            json!({"emailAddress": "ann@example.com"}),
        )
        .update(
            |p| p.email_address("bob@example.com"),
            json!({"emailAddress": "bob@example.com"}),
        )
        .clear(|p| p.clear(f::EMAIL_ADDRESS), json!({"emailAddress": null}))
        .filter(f::EMAIL_ADDRESS.eq("ann@example.com"))
        .order(f::EMAIL_ADDRESS.asc()),
        row(
            "phone",
            |n| n.phone_number("+493012345678"),
            json!({"phoneNumber": "+493012345678"}),
        )
        .update(
            |p| p.phone_number("+493012345679"),
            json!({"phoneNumber": "+493012345679"}),
        )
        .clear(|p| p.clear(f::PHONE_NUMBER), json!({"phoneNumber": null}))
        .filter(f::PHONE_NUMBER.eq("+493012345678"))
        .order(f::PHONE_NUMBER.asc()),
        row(
            "personName",
            |n| n.first_person_name("Ann").last_person_name("Lee"),
            json!({"firstPersonName": "Ann", "lastPersonName": "Lee", "personName": "Ann Lee"}),
        )
        .update(
            |p| p.first_person_name("Bea"),
            json!({"firstPersonName": "Bea", "personName": "Bea Lee"}),
        )
        .clear(
            |p| p.clear(f::FIRST_PERSON_NAME),
            json!({"firstPersonName": null}),
        )
        .filter(f::LAST_PERSON_NAME.eq("Lee"))
        .filter(f::PERSON_NAME.contains("Ann"))
        .order(f::PERSON_NAME.asc()),
        row(
            "text",
            |n| n.a_text("one\ntwo / \"three\" ü 💥"),
            json!({"aText": "one\ntwo / \"three\" ü 💥"}),
        )
        .update(|p| p.a_text("four"), json!({"aText": "four"}))
        .clear(|p| p.clear(f::A_TEXT), json!({"aText": null}))
        .filter(f::A_TEXT.contains("three"))
        .order(f::A_TEXT.asc()),
        row(
            "url",
            |n| n.a_url("https://example.com/a?b=c"),
            json!({"aUrl": "https://example.com/a?b=c"}),
        )
        .update(
            |p| p.a_url("https://example.com"),
            json!({"aUrl": "https://example.com"}),
        )
        .clear(|p| p.clear(f::A_URL), json!({"aUrl": null}))
        .filter(f::A_URL.ends_with("b=c"))
        .order(f::A_URL.asc()),
        row("varchar", |n| n, json!({"name": "Row"}))
            .update(|p| p.name("Other row"), json!({"name": "Other row"}))
            .filter(f::NAME.eq("Row"))
            .order(f::NAME.desc()),
        row(
            "wysiwyg",
            |n| n.a_wysiwyg("<p>text</p>"),
            json!({"aWysiwyg": "<p>text</p>"}),
        )
        .update(|p| p.a_wysiwyg("<br>"), json!({"aWysiwyg": "<br>"}))
        .clear(|p| p.clear(f::A_WYSIWYG), json!({"aWysiwyg": null}))
        .filter(f::A_WYSIWYG.like("%text%"))
        .order(f::A_WYSIWYG.asc()),
        row(
            "password",
            |n| n.a_password("Secret-123"),
            json!({"aPassword": null}),
        )
        .update(|p| p.a_password("Secret-124"), json!({"aPassword": null})),
        row(
            "foreign",
            |n| n.account_id(account),
            json!({"aForeign": "https://acme.example"}),
        )
        .clear(|p| p.clear(f::ACCOUNT_ID), json!({"aForeign": null}))
        .filter(f::A_FOREIGN.eq("https://acme.example"))
        .order(f::A_FOREIGN.asc()),
        row(
            "link",
            |n| n.account_id(account),
            json!({"accountId": account, "accountName": "Acme"}),
        )
        .clear(
            |p| p.clear(f::ACCOUNT_ID),
            json!({"accountId": null, "accountName": null}),
        )
        .filter(f::ACCOUNT_ID.eq(account))
        .filter(links::ACCOUNT.is_linked())
        .order(links::ACCOUNT.asc()),
        row(
            "linkParent",
            |n| n.parent(account),
            json!({"parentId": account, "parentType": "Account", "parentName": "Acme"}),
        )
        .update(
            |p| p.parent(contact),
            json!({"parentId": contact, "parentType": "Contact"}),
        )
        .clear(
            |p| p.clear_parent(),
            json!({"parentId": null, "parentType": null}),
        )
        .filter(f::PARENT_TYPE.eq("Account"))
        .filter(f::PARENT_ID.eq(AnyId::new(account.as_str())))
        .order(links::PARENT.asc()),
        row(
            "linkMultiple",
            |n| n.contacts_ids([contact]),
            json!({"contactsIds": [contact], "contactsNames": {contact.as_str(): "Ann Lee"}}),
        )
        .unlisted()
        .update(
            |p| p.contacts_ids(Vec::<Id<Contact>>::new()),
            json!({"contactsIds": [], "contactsNames": {}}),
        )
        .filter(links::CONTACTS.linked_with([contact])),
    ]
}

pub(super) fn numbers() -> Vec<Row> {
    vec![
        row("autoincrement", |n| n, json!({}))
            .filter_with(|id| f::COUNTER.ge(1) & f::ID.eq(id))
            .order(f::COUNTER.desc()),
        row("number", |n| n, json!({}))
            .filter_with(|id| f::A_NUMBER.starts_with("N-") & f::ID.eq(id))
            .order(f::A_NUMBER.asc()),
        row("id", |n| n, json!({}))
            .filter_with(|id| f::ID.eq(id))
            .order(f::ID.asc()),
        row("bool", |n| n.a_bool(true), json!({"aBool": true}))
            .update(|p| p.a_bool(false), json!({"aBool": false}))
            .filter(f::A_BOOL.is_true())
            .order(f::A_BOOL.asc()),
        row(
            "currency",
            |n| n.an_amount(decimal("1234.56")).an_amount_currency("USD"),
            json!({"anAmount": 1234.56, "anAmountCurrency": "USD"}),
        )
        .update(
            |p| p.an_amount(7),
            json!({"anAmount": 7, "anAmountCurrency": "USD"}),
        )
        .clear(|p| p.clear(f::AN_AMOUNT), json!({"anAmount": null}))
        .filter(f::AN_AMOUNT.gt(decimal("1234.5")))
        .filter(f::AN_AMOUNT_CURRENCY.eq("USD"))
        .order(f::AN_AMOUNT.desc()),
        row(
            "currencyConverted",
            |n| n.an_amount(20).an_amount_currency("USD"),
            json!({"anAmountConverted": 20}),
        )
        .clear(
            |p| p.clear(f::AN_AMOUNT),
            json!({"anAmountConverted": null}),
        )
        .filter(f::AN_AMOUNT_CONVERTED.eq(20))
        .order(f::AN_AMOUNT_CONVERTED.asc()),
        row(
            "decimal",
            |n| n.a_decimal(decimal("12.34")),
            json!({"aDecimal": 12.34}),
        )
        .update(|p| p.a_decimal(decimal("-0.5")), json!({"aDecimal": -0.5}))
        .clear(|p| p.clear(f::A_DECIMAL), json!({"aDecimal": null}))
        .filter(f::A_DECIMAL.lt(13) & f::A_DECIMAL.gt(decimal("12.3")))
        .order(f::A_DECIMAL.asc()),
        row(
            "enumFloat",
            |n| n.an_enum_float(1.5),
            json!({"anEnumFloat": 1.5}),
        )
        .update(|p| p.an_enum_float(1.0), json!({"anEnumFloat": 1.0}))
        .clear(|p| p.clear(f::AN_ENUM_FLOAT), json!({"anEnumFloat": null}))
        .filter(f::AN_ENUM_FLOAT.eq(1.5))
        .order(f::AN_ENUM_FLOAT.asc()),
        row("enumInt", |n| n.an_enum_int(2), json!({"anEnumInt": 2}))
            .update(|p| p.an_enum_int(3), json!({"anEnumInt": 3}))
            .clear(|p| p.clear(f::AN_ENUM_INT), json!({"anEnumInt": null}))
            .filter(f::AN_ENUM_INT.between(1, 2))
            .order(f::AN_ENUM_INT.asc()),
        row("float", |n| n.a_float(100.0), json!({"aFloat": 100.0}))
            .update(|p| p.a_float(0.1), json!({"aFloat": 0.1}))
            .clear(|p| p.clear(f::A_FLOAT), json!({"aFloat": null}))
            .filter(f::A_FLOAT.ge(100))
            .order(f::A_FLOAT.asc()),
        row("int", |n| n.an_int(-7), json!({"anInt": -7}))
            .update(|p| p.an_int(0), json!({"anInt": 0}))
            .clear(|p| p.clear(f::AN_INT), json!({"anInt": null}))
            .filter(f::AN_INT.lt(0))
            .order(f::AN_INT.asc()),
        row(
            "rangeCurrency",
            |n| n.from_a_money_range(10).to_a_money_range(decimal("20.5")),
            json!({"fromAMoneyRange": 10, "toAMoneyRange": 20.5}),
        )
        .update(|p| p.to_a_money_range(30), json!({"toAMoneyRange": 30}))
        .clear(
            |p| p.clear(f::TO_A_MONEY_RANGE),
            json!({"toAMoneyRange": null}),
        )
        .filter(f::FROM_A_MONEY_RANGE.eq(10))
        .order(f::FROM_A_MONEY_RANGE.asc()),
        row(
            "rangeFloat",
            |n| n.from_a_float_range(0.5).to_a_float_range(2.0),
            json!({"fromAFloatRange": 0.5, "toAFloatRange": 2.0}),
        )
        .update(
            |p| p.from_a_float_range(0.25),
            json!({"fromAFloatRange": 0.25}),
        )
        .clear(
            |p| p.clear(f::FROM_A_FLOAT_RANGE),
            json!({"fromAFloatRange": null}),
        )
        .filter(f::TO_A_FLOAT_RANGE.le(2))
        .order(f::TO_A_FLOAT_RANGE.asc()),
        row(
            "rangeInt",
            |n| n.from_an_int_range(1).to_an_int_range(5),
            json!({"fromAnIntRange": 1, "toAnIntRange": 5}),
        )
        .update(|p| p.from_an_int_range(2), json!({"fromAnIntRange": 2}))
        .clear(
            |p| p.clear(f::TO_AN_INT_RANGE),
            json!({"toAnIntRange": null}),
        )
        .filter(f::FROM_AN_INT_RANGE.eq(1))
        .order(f::FROM_AN_INT_RANGE.asc()),
    ]
}

pub(super) fn times() -> Vec<Row> {
    vec![
        row("date", |n| n.a_date(date(2026, 2, 28)), json!({"aDate": "2026-02-28"}))
            .update(|p| p.a_date(date(2024, 2, 29)), json!({"aDate": "2024-02-29"}))
            .clear(|p| p.clear(f::A_DATE), json!({"aDate": null}))
            .filter(f::A_DATE.between(date(2026, 2, 1), date(2026, 2, 28))).order(f::A_DATE.asc()),
        row("datetime", |n| n.a_datetime(time("2026-02-28T09:30:00Z")), json!({"aDatetime": "2026-02-28 09:30:00"}))
            .update(|p| p.a_datetime(time("2026-02-28T23:59:59Z")), json!({"aDatetime": "2026-02-28 23:59:59"}))
            .clear(|p| p.clear(f::A_DATETIME), json!({"aDatetime": null}))
            .filter(f::A_DATETIME.on(date(2026, 2, 28)).time_zone("UTC")).order(f::A_DATETIME.desc()),
        row("datetimeOptional", |n| n.an_optional(date(2026, 3, 1)), json!({"anOptionalDate": "2026-03-01"}))
            .update(|p| p.an_optional(time("2026-03-01T12:00:00Z")), json!({"anOptional": "2026-03-01 12:00:00", "anOptionalDate": null}))
            .clear(|p| p.clear_an_optional(), json!({"anOptional": null, "anOptionalDate": null}))
            .filter(f::AN_OPTIONAL_DATE.eq(date(2026, 3, 1))).order(f::AN_OPTIONAL.asc()),
        row("duration", |n| n.a_datetime(time("2026-02-28T09:30:00Z")).an_end(time("2026-02-28T10:30:00Z")).a_duration(3600), json!({"aDatetime": "2026-02-28 09:30:00", "anEnd": "2026-02-28 10:30:00", "aDuration": 3600}))
            .update(|p| p.a_duration(1800), json!({"aDuration": 1800}))
            .clear(|p| p.clear(f::A_DURATION), json!({"aDuration": null}))
            .filter(f::A_DURATION.eq(3600)).order(f::A_DURATION.asc()),
    ]
}

pub(super) fn choices_and_json(world: &World, twin: &Id<CEverything>) -> Vec<Row> {
    let (file, image) = (&world.file, &world.image);
    vec![
        row("array", |n| n.an_array(["x", "y"]), json!({"anArray": ["x", "y"]}))
            .update(|p| p.an_array(["z"]), json!({"anArray": ["z"]}))
            .clear(|p| p.clear(f::AN_ARRAY), json!({"anArray": []}))
            .filter(f::AN_ARRAY.any_of(&["y".to_owned()])),
        row("arrayInt", |n| n.an_array_int([3, 1]), json!({"anArrayInt": [3, 1]}))
            .update(|p| p.an_array_int([2]), json!({"anArrayInt": [2]})),
        row("checklist", |n| n.a_checklist([AChecklist::One, AChecklist::Three]), json!({"aChecklist": ["One", "Three"]}))
            .update(|p| p.a_checklist([AChecklist::Two]), json!({"aChecklist": ["Two"]}))
            .clear(|p| p.clear(f::A_CHECKLIST), json!({"aChecklist": []}))
            .filter(f::A_CHECKLIST.any_of(&[AChecklist::Three])),
        row("multiEnum", |n| n.a_multi_enum([AMultiEnum::Red, AMultiEnum::Blue]), json!({"aMultiEnum": ["Red", "Blue"]}))
            .update(|p| p.a_multi_enum([AMultiEnum::Green]), json!({"aMultiEnum": ["Green"]}))
            .clear(|p| p.clear(f::A_MULTI_ENUM), json!({"aMultiEnum": []}))
            .filter(f::A_MULTI_ENUM.all_of(&[AMultiEnum::Red, AMultiEnum::Blue])),
        row("urlMultiple", |n| n.urls(["https://a.example", "https://b.example"]), json!({"urls": ["https://a.example", "https://b.example"]}))
            .update(|p| p.urls(["https://c.example"]), json!({"urls": ["https://c.example"]}))
            .clear(|p| p.clear(f::URLS), json!({"urls": []}))
            .filter(f::URLS.any_of(&["https://a.example".to_owned()])),
        row("enum", |n| n.an_enum(AnEnum::InWork), json!({"anEnum": "In Work"}))
            .update(|p| p.an_enum(AnEnum::Done), json!({"anEnum": "Done"}))
            .clear(|p| p.clear(f::AN_ENUM), json!({"anEnum": null}))
            .filter(f::AN_ENUM.is_in([AnEnum::InWork, AnEnum::New])).order(f::AN_ENUM.asc()),
        row("attachmentMultiple", |n| n.files_ids([file]), json!({"filesIds": [file], "filesNames": {file.as_str(): "a.txt"}, "filesTypes": {file.as_str(): "text/plain"}}))
            .unlisted()
            .update(|p| p.files_ids(Vec::<Id<espo_build_rs_example::crm::Attachment>>::new()), json!({"filesIds": [], "filesNames": {}})),
        row("file", |n| n.a_file_id(file), json!({"aFileId": file, "aFileName": "a.txt"}))
            .clear(|p| p.clear(f::A_FILE_ID), json!({"aFileId": null, "aFileName": null}))
            .filter(f::A_FILE_ID.eq(file)).order(links::A_FILE.asc()),
        row("image", |n| n.an_image_id(image), json!({"anImageId": image, "anImageName": "a.png"}))
            .clear(|p| p.clear(f::AN_IMAGE_ID), json!({"anImageId": null}))
            .filter(f::AN_IMAGE_ID.eq(image)).order(links::AN_IMAGE.asc()),
        row("linkOne", |n| n.twin_id(twin), json!({"twinId": twin, "twinName": "Twin"}))
            .clear(|p| p.clear(f::TWIN_ID), json!({"twinId": null}))
            .filter(links::TWIN.is_linked()),
        row("jsonArray", |n| n.a_json_array(json!([1, "two", null, [{}]])), json!({"aJsonArray": [1, "two", null, [{}]]}))
            .update(|p| p.a_json_array(json!([])), json!({"aJsonArray": []}))
            .clear(|p| p.clear(f::A_JSON_ARRAY), json!({"aJsonArray": null})),
        row("jsonObject", |n| n.a_json_object(json!({"a": {"b": []}})), json!({"aJsonObject": {"a": {"b": []}}}))
            .update(|p| p.a_json_object(json!({"c": 1.5})), json!({"aJsonObject": {"c": 1.5}}))
            .clear(|p| p.clear(f::A_JSON_OBJECT), json!({"aJsonObject": null})),
        // Derived only in EspoCRM's browser client: it is neither stored nor returned.
        row("map", |n| n, json!({"aMap": null})),
        // It has no column, only code that an instance may add: a value is accepted but not returned.
        row("base", |n| n.a_base("any"), json!({"aBase": null}))
            .update(|p| p.a_base("other"), json!({"aBase": null})),
    ]
}

/// Types that an extension defines: each behaves as the type in its `fieldDefs`.
pub(super) fn custom() -> Vec<Row> {
    vec![
        row("serial", |n| n.a_serial("A-1"), json!({"aSerial": "A-1"}))
            .update(|p| p.a_serial("B-2"), json!({"aSerial": "B-2"}))
            .clear(|p| p.clear(f::A_SERIAL), json!({"aSerial": null}))
            .filter(f::A_SERIAL.starts_with("A"))
            .order(f::A_SERIAL.asc()),
        row(
            "vat",
            |n| {
                n.a_vat("DE1")
                    .a_vat_is_valid(true)
                    .a_vat_status(AVatStatus::Valid)
            },
            json!({"aVat": "DE1", "aVatIsValid": true, "aVatStatus": "Valid"}),
        )
        .update(
            |p| {
                p.a_vat_checked_on(date(2026, 3, 4))
                    .a_vat_status(AVatStatus::Invalid)
            },
            json!({"aVatCheckedOn": "2026-03-04", "aVatStatus": "Invalid"}),
        )
        .clear(
            |p| p.clear(f::A_VAT).clear(f::A_VAT_CHECKED_ON),
            json!({"aVat": null, "aVatCheckedOn": null}),
        )
        .filter(f::A_VAT.eq("DE1"))
        .filter(f::A_VAT_IS_VALID.is_true() & f::A_VAT_STATUS.eq(AVatStatus::Valid))
        .order(f::A_VAT_STATUS.asc()),
        // The data layer does not know it: a value is accepted but not returned.
        row("gauge", |n| n, json!({"aGauge": null})),
        row(
            "tagList",
            |n| n.tags(json!(["a", 1])),
            json!({"tags": ["a", 1]}),
        )
        .update(|p| p.tags(json!([])), json!({"tags": []}))
        .clear(|p| p.clear(f::TAGS), json!({"tags": null})),
        row(
            "weight",
            |n| n.a_weight(1.5).a_weight_unit("kg"),
            json!({"aWeight": 1.5, "aWeightUnit": "kg"}),
        )
        .update(
            |p| p.a_weight(0.25),
            json!({"aWeight": 0.25, "aWeightUnit": "kg"}),
        )
        .clear(
            |p| p.clear(f::A_WEIGHT).clear(f::A_WEIGHT_UNIT),
            json!({"aWeight": null, "aWeightUnit": null}),
        )
        .filter(f::A_WEIGHT.gt(1) & f::A_WEIGHT_UNIT.eq("kg"))
        .order(f::A_WEIGHT.desc()),
        row(
            "moment",
            |n| n.a_moment(time("2026-02-28T09:30:00Z")),
            json!({"aMoment": "2026-02-28 09:30:00"}),
        )
        .update(
            |p| p.a_moment(time("2027-01-01T00:00:00Z")),
            json!({"aMoment": "2027-01-01 00:00:00"}),
        )
        .clear(|p| p.clear(f::A_MOMENT), json!({"aMoment": null}))
        .filter(f::A_MOMENT.on(date(2026, 2, 28)).time_zone("UTC"))
        .order(f::A_MOMENT.asc()),
    ]
}
