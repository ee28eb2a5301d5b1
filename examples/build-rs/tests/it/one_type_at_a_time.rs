//! One row per field type: a record is created, read and listed, found by a filter, ordered by, updated and set to null,
//! where the type allows it.

use std::collections::BTreeSet;

use crate::common::{World, decimal, time, world};
use espo_build_rs_example::crm::c_everything::{self as f, AChecklist, AMultiEnum, AnEnum, links};
use espo_build_rs_example::crm::{CEverything, CEverythingNew, CEverythingPatch, Contact};
use espo_core::prelude::*;
use espo_core::typed::{AnyId, OrderBy};
use espo_schema::Schema;
use serde_json::{Value, json};

type MakeFilter = Box<dyn Fn(&Id<CEverything>) -> Filter<CEverything>>;

/// The test of one field type. Attributes are given as in the record's JSON; null stands for absent as well.
struct Row {
    type_: &'static str,
    create: CEverythingNew,
    created: Value,
    /// List rows contain it only if it is selected.
    unlisted: bool,
    update: Option<(CEverythingPatch, Value)>,
    clear: Option<(CEverythingPatch, Value)>,
    /// Each finds the record and not an empty one.
    filters: Vec<MakeFilter>,
    orders: Vec<OrderBy<CEverything>>,
}

fn row(
    type_: &'static str,
    create: impl FnOnce(CEverythingNew) -> CEverythingNew,
    created: Value,
) -> Row {
    Row {
        type_,
        create: create(CEverythingNew::new("Row")),
        created,
        unlisted: false,
        update: None,
        clear: None,
        filters: Vec::new(),
        orders: Vec::new(),
    }
}

impl Row {
    fn update(
        mut self,
        patch: impl FnOnce(CEverythingPatch) -> CEverythingPatch,
        updated: Value,
    ) -> Self {
        self.update = Some((patch(CEverythingPatch::new()), updated));
        self
    }

    fn clear(
        mut self,
        patch: impl FnOnce(CEverythingPatch) -> CEverythingPatch,
        cleared: Value,
    ) -> Self {
        self.clear = Some((patch(CEverythingPatch::new()), cleared));
        self
    }

    fn filter(self, filter: Filter<CEverything>) -> Self {
        self.filter_with(move |_| filter.clone())
    }

    fn filter_with(
        mut self,
        filter: impl Fn(&Id<CEverything>) -> Filter<CEverything> + 'static,
    ) -> Self {
        self.filters.push(Box::new(filter));
        self
    }

    fn order(mut self, order: OrderBy<CEverything>) -> Self {
        self.orders.push(order);
        self
    }

    fn unlisted(mut self) -> Self {
        self.unlisted = true;
        self
    }
}

fn texts(world: &World) -> Vec<Row> {
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

fn numbers() -> Vec<Row> {
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

fn times() -> Vec<Row> {
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

fn choices_and_json(world: &World, twin: &Id<CEverything>) -> Vec<Row> {
    let file = &world.file;
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
        row("image", |n| n.an_image_id(file), json!({"anImageId": file, "anImageName": "a.txt"}))
            .clear(|p| p.clear(f::AN_IMAGE_ID), json!({"anImageId": null}))
            .filter(f::AN_IMAGE_ID.eq(file)).order(links::AN_IMAGE.asc()),
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

/// Numbers are equal by value: PHP prints 100.0 as 100.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => found == expected,
    }
}

/// Describes the differences of a record from the expected values.
fn differences(record: &CEverything, expected: &Value, of: &str, told: &mut Vec<String>) {
    let record = record.to_json();
    for (name, expected) in expected.as_object().expect("an object") {
        let found = record.get(name).unwrap_or(&Value::Null);
        if !same(found, expected) {
            told.push(format!("{of}: {name} is {found}, expected {expected}"));
        }
    }
}

async fn run(
    world: &World,
    row: Row,
    blank: &Id<CEverything>,
    told: &mut Vec<String>,
) -> Result<(), Error> {
    let crm = &world.crm;
    let of = |what: &str| format!("{} {what}", row.type_);
    let id = crm.create(row.create).await?.id.clone();
    differences(
        &crm.read::<CEverything>(&id).await?,
        &row.created,
        &of("read"),
        told,
    );
    let mut list = crm.list::<CEverything>().filter(f::ID.eq(&id)).strict();
    if row.unlisted {
        list = list.select((
            f::CONTACTS_IDS,
            f::CONTACTS_NAMES,
            f::FILES_IDS,
            f::FILES_NAMES,
            f::FILES_TYPES,
        ));
    }
    differences(&list.await?.records[0], &row.created, &of("listed"), told);
    for filter in &row.filters {
        let filter = filter(&id);
        let shown = format!("{filter:?}");
        let found = world.ids(filter).await;
        if !found.contains(id.as_str()) || found.contains(blank.as_str()) {
            told.push(format!("{}: {shown} finds {found:?}", of("filter")));
        }
    }
    for order in row.orders {
        let two = f::ID.is_in([&id, blank]);
        let ordered = crm
            .list::<CEverything>()
            .filter(two)
            .order_by(order)
            .strict()
            .await?;
        if ordered.records.len() != 2 {
            told.push(format!(
                "{}: {} records",
                of("ordered"),
                ordered.records.len()
            ));
        }
    }
    for (patch, expected) in [row.update, row.clear].into_iter().flatten() {
        crm.update(&id, patch).await?;
        differences(
            &crm.read::<CEverything>(&id).await?,
            &expected,
            &of("updated"),
            told,
        );
    }
    crm.delete(&id).await
}

async fn all(php_json: bool) {
    let world = world(php_json).await;
    let create = async |name: &str| {
        let record = world
            .crm
            .create(CEverythingNew::new(name))
            .await
            .expect("created");
        record.id.clone()
    };
    let (blank, twin) = (create("Blank").await, create("Twin").await);
    let rows = [
        texts(&world),
        numbers(),
        times(),
        choices_and_json(&world, &twin),
    ];
    let (mut told, mut types) = (Vec::new(), BTreeSet::new());
    for row in rows.into_iter().flatten() {
        let type_ = row.type_;
        types.insert(type_);
        if let Err(error) = run(&world, row, &blank, &mut told).await {
            told.push(format!("{type_}: {error}"));
        }
    }
    assert_eq!(told, [""; 0]);
    let known = Schema::stock().field_types.keys().map(String::as_str);
    let known: BTreeSet<&str> = known.collect();
    assert_eq!(known.len(), 46);
    // `id` is the type of a record's key, which the metadata has no definition of.
    types.remove("id");
    assert_eq!(types, known, "every field type has a row");
    drop(world.sim);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_makes_the_round_trip_as_php_writes_json() {
    all(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_makes_the_round_trip_as_plain_json() {
    all(false).await;
}
