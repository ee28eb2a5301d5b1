//! Round trips of a field of each type in EspoCRM: created, read, listed, filtered, ordered, updated, set to null.

use std::collections::BTreeSet;

use espo_build_rs_example::crm::c_everything::{
    self as f, AChecklist, AMultiEnum, AnEnum, ContactsColumns, Parent, links,
};
use espo_build_rs_example::crm::{CEverything, CEverythingNew, CEverythingPatch, Contact};
use espo_core::prelude::*;
use espo_core::typed::{EmailAddressRow, OrderBy, PhoneNumberRow};
use serde_json::{Value, json};

use crate::common::{World, decimal, schema, time, world};

/// A record with all fields set, and its expected values.
trait Everything {
    fn full(&self) -> CEverythingNew;
    fn assert_full(&self, r: &CEverything, what: &str);
}

impl Everything for World {
    /// Everything set.
    fn full(&self) -> CEverythingNew {
        let email = EmailAddressRow {
            email_address: "ann@example.com".into(),
            primary: true,
            ..Default::default()
        };
        let phone = PhoneNumberRow {
            phone_number: "+493012345678".into(),
            kind: Some("Office".into()),
            primary: true,
            ..Default::default()
        };
        CEverythingNew::new("Full")
            .a_barcode("4006381333931")
            .a_bool(true)
            .a_checklist([AChecklist::One, AChecklist::Three])
            .a_color("#a1b2c3")
            .a_date(date(2026, 2, 28))
            .a_datetime(time("2026-02-28T09:30:00Z"))
            .an_end(time("2026-02-28T10:30:00Z"))
            .a_decimal(decimal("12.3400"))
            .a_file_id(&self.file)
            .a_float(100.0)
            .a_json_array(json!([1, "two", null]))
            .a_json_object(json!({"a": {"b": []}}))
            .a_multi_enum([AMultiEnum::Red, AMultiEnum::Blue])
            .a_text("line one\nline two / \"quoted\" ü 💥")
            .a_url("https://example.com/a?b=c")
            .a_wysiwyg("<p>text</p>")
            .account_id(&self.account)
            .an_address_city("Kyiv")
            .an_address_country("Ukraine")
            .an_address_postal_code("01001")
            .an_address_state("Kyiv")
            .an_address_street("Street 1\nHouse 2")
            .an_amount(decimal("1234.56"))
            .an_amount_currency("USD")
            .an_array(["x", "y"])
            .an_array_int([3, 1, 2])
            .an_enum(AnEnum::InWork)
            .an_enum_float(1.5)
            .an_enum_int(2)
            .an_image_id(&self.image)
            .an_int(-7)
            .an_optional(date(2026, 3, 1))
            .contacts_ids([&self.contact])
            .contacts_columns([(self.contact.clone(), ContactsColumns::new().role("Buyer"))])
            .email_address_data([email])
            .files_ids([&self.file])
            .first_person_name("Ann")
            .last_person_name("Lee")
            .from_a_float_range(0.5)
            .to_a_float_range(2.0)
            .from_a_money_range(decimal("10"))
            .from_a_money_range_currency("USD")
            .to_a_money_range(decimal("20.5"))
            .to_a_money_range_currency("USD")
            .from_an_int_range(1)
            .to_an_int_range(5)
            .parent(&self.account)
            .phone_number_data([phone])
            .a_password("Secret-123")
            .urls(["https://a.example", "https://b.example"])
    }

    /// Checks the values of a record with all fields set, regardless of the call that returned it.
    fn assert_full(&self, r: &CEverything, what: &str) {
        assert_eq!(r.name.as_deref(), Some("Full"), "{what}");
        assert_eq!(r.a_barcode.as_deref(), Some("4006381333931"), "{what}");
        assert_eq!(r.a_bool, Some(true), "{what}");
        assert_eq!(
            r.a_checklist,
            Some(vec![AChecklist::One, AChecklist::Three]),
            "{what}"
        );
        assert_eq!(r.a_color.as_deref(), Some("#a1b2c3"), "{what}");
        assert_eq!(r.a_date, Some(date(2026, 2, 28)), "{what}");
        assert_eq!(r.a_datetime, Some(time("2026-02-28T09:30:00Z")), "{what}");
        assert_eq!(
            r.a_decimal.map(|d| d.normalize()),
            Some(decimal("12.34")),
            "{what}"
        );
        assert_eq!(r.a_file_id.as_ref(), Some(&self.file), "{what}");
        assert_eq!(r.a_float, Some(100.0), "{what}");
        assert_eq!(r.a_json_array, Some(json!([1, "two", null])), "{what}");
        assert_eq!(r.a_json_object, Some(json!({"a": {"b": []}})), "{what}");
        assert_eq!(
            r.a_multi_enum,
            Some(vec![AMultiEnum::Red, AMultiEnum::Blue]),
            "{what}"
        );
        assert_eq!(
            r.a_text.as_deref(),
            Some("line one\nline two / \"quoted\" ü 💥"),
            "{what}"
        );
        assert_eq!(
            r.a_url.as_deref(),
            Some("https://example.com/a?b=c"),
            "{what}"
        );
        assert_eq!(r.a_wysiwyg.as_deref(), Some("<p>text</p>"), "{what}");
        assert_eq!(r.account_id.as_ref(), Some(&self.account), "{what}");
        assert_eq!(
            r.an_address_street.as_deref(),
            Some("Street 1\nHouse 2"),
            "{what}"
        );
        assert_eq!(r.an_address_postal_code.as_deref(), Some("01001"), "{what}");
        assert_eq!(r.an_amount, Some(decimal("1234.56")), "{what}");
        assert_eq!(r.an_amount_currency.as_deref(), Some("USD"), "{what}");
        assert_eq!(
            r.an_array,
            Some(vec!["x".to_owned(), "y".to_owned()]),
            "{what}"
        );
        assert_eq!(r.an_array_int, Some(vec![3, 1, 2]), "{what}");
        assert_eq!(r.an_enum, Some(AnEnum::InWork), "{what}");
        assert_eq!(
            (r.an_enum_float, r.an_enum_int),
            (Some(1.5), Some(2)),
            "{what}"
        );
        assert_eq!(r.an_image_id.as_ref(), Some(&self.image), "{what}");
        assert_eq!(r.an_int, Some(-7), "{what}");
        assert_eq!(
            r.an_optional(),
            Some(DateOrTime::Date(date(2026, 3, 1))),
            "{what}"
        );
        assert_eq!(
            r.email_address.as_deref(),
            Some("ann@example.com"),
            "{what}"
        );
        assert_eq!(
            (r.from_a_float_range, r.to_a_float_range),
            (Some(0.5), Some(2.0)),
            "{what}"
        );
        assert_eq!(
            (r.from_a_money_range, r.to_a_money_range),
            (Some(decimal("10")), Some(decimal("20.5"))),
            "{what}"
        );
        assert_eq!(
            (r.from_an_int_range, r.to_an_int_range),
            (Some(1), Some(5)),
            "{what}"
        );
        assert_eq!(
            r.parent(),
            Some(Parent::Account(self.account.clone())),
            "{what}"
        );
        assert_eq!(r.phone_number.as_deref(), Some("+493012345678"), "{what}");
        assert_eq!(
            r.urls,
            Some(vec![
                "https://a.example".to_owned(),
                "https://b.example".to_owned()
            ]),
            "{what}"
        );
        assert_eq!(
            (
                r.first_person_name.as_deref(),
                r.last_person_name.as_deref()
            ),
            (Some("Ann"), Some("Lee")),
            "{what}"
        );
    }
}

/// One filter or more for each type that can be filtered by; each matches the full record and not the empty one.
fn filters(world: &World) -> Vec<Filter<CEverything>> {
    vec![
        f::NAME.starts_with("Fu"),
        f::A_BARCODE.eq("4006381333931"),
        f::A_BOOL.is_true(),
        f::A_CHECKLIST.any_of(&[AChecklist::Three]),
        f::A_COLOR.eq("#a1b2c3"),
        f::A_DATE.between(date(2026, 2, 1), date(2026, 2, 28)),
        f::A_DATETIME.on(date(2026, 2, 28)).time_zone("UTC"),
        f::A_DATETIME.gt(time("2026-02-28T09:00:00Z")),
        f::A_FLOAT.ge(100),
        f::A_MULTI_ENUM.all_of(&[AMultiEnum::Red, AMultiEnum::Blue]),
        f::A_TEXT.contains("quoted"),
        f::A_URL.ends_with("b=c"),
        f::A_WYSIWYG.like("%text%"),
        f::ACCOUNT_ID.eq(&world.account),
        f::AN_ADDRESS_CITY.is_in(["Kyiv", "Lviv"]),
        f::AN_ARRAY.any_of(&["y".to_owned()]),
        f::AN_ENUM.eq(AnEnum::InWork),
        f::AN_ENUM_INT.between(1, 2),
        f::AN_INT.lt(0),
        f::FROM_A_FLOAT_RANGE.is_not_null(),
        f::TO_AN_INT_RANGE.eq(5),
        f::PARENT_TYPE.eq("Account"),
        f::EMAIL_ADDRESS.eq("ann@example.com"),
        f::URLS.any_of(&["https://a.example".to_owned()]),
        links::ACCOUNT.is_linked(),
        links::CONTACTS.linked_with([&world.contact]),
        f::A_BARCODE.is_not_null() & (f::AN_INT.eq(-7) | f::AN_INT.eq(7)),
    ]
}

/// One order for each type that can be ordered by.
fn orders() -> Vec<OrderBy<CEverything>> {
    vec![
        f::NAME.asc(),
        f::A_BARCODE.desc(),
        f::A_BOOL.asc(),
        f::A_DATE.desc(),
        f::A_DATETIME.asc(),
        f::A_FLOAT.desc(),
        f::AN_ENUM.asc(),
        f::AN_ENUM_INT.desc(),
        f::AN_INT.asc(),
        f::A_URL.asc(),
        f::CREATED_AT.desc(),
        links::ACCOUNT.asc(),
        links::PARENT.asc(),
    ]
}

async fn round_trip(php_json: bool) {
    let world = world(php_json).await;
    let created = world.crm.create(world.full()).await.expect("created");
    let id = created.id.clone();
    world.assert_full(&created, "the response to the create");

    let read = world.crm.read::<CEverything>(&id).await.expect("read");
    world.assert_full(&read, "a read");
    assert_eq!(read.account_name.as_deref(), Some("Acme"));
    assert_eq!(read.contacts_ids, Some(vec![world.contact.clone()]));
    let columns = read.contacts_columns.as_ref().expect("columns");
    assert_eq!(columns[&world.contact].role.as_deref(), Some("Buyer"));
    assert_eq!(
        read.contacts_names.as_ref().expect("names")[&world.contact],
        "Ann Lee"
    );
    assert_eq!(read.files_ids, Some(vec![world.file.clone()]));
    assert_eq!(
        read.email_address_data.as_ref().expect("rows")[0].email_address,
        "ann@example.com"
    );
    assert_eq!(
        read.phone_number_data.as_ref().expect("rows")[0]
            .kind
            .as_deref(),
        Some("Office")
    );
    assert_eq!(read.a_foreign.as_deref(), Some("https://acme.example"));
    assert!(read.created_at.is_some() && read.a_number.is_some() && read.counter.is_some());
    assert!(
        !read.is_present("aPassword"),
        "passwords are never returned"
    );
    // A record serialises as it was received, including unknown attributes.
    let again = espo_core::typed::Decode::decode_value(read.to_json().into());
    assert_eq!(again, Ok(read.clone()));

    let listed = world
        .crm
        .list::<CEverything>()
        .strict()
        .await
        .expect("a list");
    world.assert_full(&listed.records[0], "a list row");

    let blank = world
        .crm
        .create(CEverythingNew::new("Blank"))
        .await
        .expect("created");
    let blank_id = blank.id.clone();
    for filter in filters(&world) {
        let shown = format!("{filter:?}");
        assert_eq!(
            world.ids(filter).await,
            BTreeSet::from([id.to_string()]),
            "{shown}"
        );
    }
    for order in orders() {
        let shown = format!("{order:?}");
        let page = world
            .crm
            .list::<CEverything>()
            .order_by(order)
            .strict()
            .await;
        assert_eq!(
            page.unwrap_or_else(|e| panic!("{shown}: {e}"))
                .records
                .len(),
            2,
            "{shown}"
        );
    }

    // The empty record returns null for each attribute.
    let read = world
        .crm
        .read::<CEverything>(&blank_id)
        .await
        .expect("read");
    assert_eq!(
        (
            read.an_int,
            read.a_date,
            read.an_amount,
            read.parent(),
            read.an_optional()
        ),
        (None, None, None, None, None)
    );
    assert!(read.is_present("anInt") && read.is_present("aDate"));

    let patch = CEverythingPatch::new()
        .a_bool(false)
        .an_int(8)
        .an_optional(time("2026-03-01T12:00:00Z"))
        .parent(&world.contact)
        .an_enum(AnEnum::Done)
        .a_float(0.5)
        .contacts_ids(Vec::<Id<Contact>>::new());
    let updated = world.crm.update(&id, patch).await.expect("updated");
    assert_eq!(
        (updated.a_bool, updated.an_int, updated.a_float),
        (Some(false), Some(8), Some(0.5))
    );
    assert_eq!(
        updated.an_optional(),
        Some(DateOrTime::Time(time("2026-03-01T12:00:00Z")))
    );
    assert_eq!(
        updated.parent(),
        Some(Parent::Contact(world.contact.clone()))
    );
    let read = world.crm.read::<CEverything>(&id).await.expect("read");
    assert_eq!(read.contacts_ids, Some(vec![]));
    assert_eq!(
        read.contacts_names.map(|names| names.len()),
        Some(0),
        "PHP's [] is an empty map"
    );
    assert_eq!(
        read.a_text, created.a_text,
        "other attributes are unchanged"
    );

    let patch = CEverythingPatch::new()
        .clear(f::A_BARCODE)
        .clear(f::A_COLOR)
        .clear(f::A_DATE)
        .clear(f::A_DATETIME)
        .clear(f::A_DECIMAL)
        .clear(f::A_FLOAT)
        .clear(f::A_TEXT)
        .clear(f::A_URL)
        .clear(f::A_WYSIWYG)
        .clear(f::ACCOUNT_ID)
        .clear(f::AN_ADDRESS_CITY)
        .clear(f::AN_AMOUNT)
        .clear(f::AN_ENUM)
        .clear(f::AN_ENUM_INT)
        .clear(f::AN_INT)
        .clear(f::FROM_AN_INT_RANGE)
        .clear(f::EMAIL_ADDRESS)
        .clear(f::PHONE_NUMBER)
        .clear_an_optional()
        .clear_parent();
    world.crm.update(&id, patch).await.expect("updated");
    let read = world
        .crm
        .read::<CEverything>(&id)
        .await
        .expect("read")
        .to_json();
    for attribute in [
        "aBarcode",
        "aColor",
        "aDate",
        "aDatetime",
        "aDecimal",
        "aFloat",
        "aText",
        "aUrl",
        "aWysiwyg",
        "accountId",
        "accountName",
        "anAddressCity",
        "anAmount",
        "anEnum",
        "anEnumInt",
        "anInt",
        "fromAnIntRange",
        "anOptional",
        "anOptionalDate",
        "parentId",
        "parentType",
    ] {
        assert_eq!(read.get(attribute), Some(&Value::Null), "{attribute}");
    }
    for attribute in ["emailAddress", "phoneNumber"] {
        assert!(
            read.get(attribute).is_none_or(Value::is_null),
            "{attribute}"
        );
    }
    assert_eq!(
        read["anArray"],
        json!(["x", "y"]),
        "other attributes are unchanged"
    );
    drop(world.sim);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_type_round_trips_as_php_json() {
    round_trip(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_field_type_round_trips_as_plain_json() {
    round_trip(false).await;
}

#[test]
fn the_entity_type_has_a_field_of_every_type() {
    let schema = schema();
    let fields = schema.entity_types["CEverything"].fields.values();
    let used: BTreeSet<&str> = fields.map(|field| field.type_.as_str()).collect();
    let known: BTreeSet<&str> = schema.field_types.keys().map(String::as_str).collect();
    assert_eq!(
        known.difference(&used).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
    assert_eq!(known.len(), 46 + 6, "those of EspoCRM, and six custom ones");
}
