use super::*;
use serde_json::json;

#[test]
fn unset_parameters_are_not_sent() {
    assert_eq!(SearchParams::new().to_json(), "{}");
}

#[test]
fn json_form_round_trips_with_types() {
    let params = SearchParams::new()
        .select(["id", "name"])
        .filter(WhereItem::or([
            WhereItem::equals("a", true),
            WhereItem::and([WhereItem::between("n", 1, 2.5), WhereItem::is_null("x")]),
        ]))
        .filter(
            WhereItem::on("createdAt", "2026-01-31")
                .date_time()
                .time_zone("Europe/Kyiv"),
        )
        .order_by("name", Order::Desc)
        .offset(40)
        .max_size(20)
        .primary_filter("open")
        .bool_filter("onlyMy")
        .text_filter("a*");
    let value: serde_json::Value = serde_json::from_str(&params.to_json()).unwrap();
    assert_eq!(
        value,
        json!({
            "select": ["id", "name"],
            "where": [
                {"type": "or", "value": [
                    {"type": "equals", "attribute": "a", "value": true},
                    {"type": "and", "value": [
                        {"type": "between", "attribute": "n", "value": [1, 2.5]},
                        {"type": "isNull", "attribute": "x"},
                    ]},
                ]},
                {"type": "on", "attribute": "createdAt", "value": "2026-01-31",
                 "dateTime": true, "timeZone": "Europe/Kyiv"},
            ],
            "orderBy": "name", "order": "desc", "offset": 40, "maxSize": 20,
            "primaryFilter": "open", "boolFilterList": ["onlyMy"], "textFilter": "a*",
        })
    );
    let back: SearchParams = serde_json::from_value(value).unwrap();
    assert_eq!(back, params);
}

#[test]
fn brackets_index_every_item_and_escape_everything() {
    let params = SearchParams::new()
        .select(["id", "name"])
        .filter(WhereItem::is_in("name", ["a&b", "c+d #%'\"\n"]))
        .filter(WhereItem::equals("isOk", true))
        .bool_filter("onlyMy");
    assert_eq!(
        params.to_query(SearchEncoding::BracketsAliased).unwrap(),
        "attributeSelect=id%2Cname\
         &whereGroup%5B0%5D%5Btype%5D=in&whereGroup%5B0%5D%5Battribute%5D=name\
         &whereGroup%5B0%5D%5Bvalue%5D%5B0%5D=a%26b\
         &whereGroup%5B0%5D%5Bvalue%5D%5B1%5D=c%2Bd%20%23%25%27%22%0A\
         &whereGroup%5B1%5D%5Btype%5D=equals&whereGroup%5B1%5D%5Battribute%5D=isOk\
         &whereGroup%5B1%5D%5Bvalue%5D=1&boolFilterList%5B0%5D=onlyMy"
    );
}

#[test]
fn brackets_encode_null_by_type_and_reject_empty_lists() {
    let null = SearchParams::new().filter(WhereItem::equals("a", serde_json::Value::Null));
    assert_eq!(
        null.to_query(SearchEncoding::Brackets).unwrap(),
        "where%5B0%5D%5Btype%5D=isNull&where%5B0%5D%5Battribute%5D=a"
    );
    for item in [
        WhereItem::is_in("a", Vec::<String>::new()),
        WhereItem::or([]),
        WhereItem::is_in("a", [serde_json::Value::Null]),
        WhereItem::equals("a", json!({"b": 1})),
    ] {
        let params = SearchParams::new().filter(item);
        let error = params.to_query(SearchEncoding::Brackets).unwrap_err();
        assert!(error.to_string().contains("where[0][value]"), "{error}");
        assert!(params.to_query(SearchEncoding::Json).is_ok());
    }
}

#[test]
fn invalid_conditions_name_the_missing_part() {
    let error = serde_json::from_value::<WhereItem>(json!({"attribute": "a"})).unwrap_err();
    assert!(error.to_string().contains("type"), "{error}");
    let error = serde_json::from_value::<WhereItem>(json!({"type": 1})).unwrap_err();
    assert!(error.to_string().contains("must be a string"), "{error}");
}
