//! Search parameters are unchanged after encoding, transport and the embedded server's parser.

use espo_core::http::Method;
use espo_core::search::Operand;
use espo_core::{Order, Request, SearchEncoding, SearchParams, WhereItem};
use espo_sim::Sim;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::client;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z&+#%'\"\\\\ \\n\\t=\\[\\]{}🦀é]{0,12}",
        Just("a&b=c+d#e%41 '\"\n🦀[0]".to_owned()),
    ]
}

fn scalar(typed: bool) -> BoxedStrategy<Value> {
    if typed {
        prop_oneof![
            text().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e12..1e12f64).prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
        ]
        .boxed()
    } else {
        text().prop_map(Value::from).boxed()
    }
}

fn item(typed: bool) -> impl Strategy<Value = WhereItem> {
    let least = usize::from(!typed);
    let leaf = prop_oneof![
        (text(), scalar(typed)).prop_map(|(name, value)| WhereItem::not_on(name, value)),
        (text(), prop::collection::vec(scalar(typed), least..4))
            .prop_map(|(name, values)| WhereItem::is_in(name, values)),
        text().prop_map(|name| WhereItem::is_null(name)
            .date_time()
            .time_zone("Europe/Kyiv")),
        (text(), text()).prop_map(|(name, value)| WhereItem::contains(name, value).date()),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        (any::<bool>(), prop::collection::vec(inner, least..4)).prop_map(|(or, items)| match or {
            true => WhereItem::or(items),
            false => WhereItem::and(items),
        })
    })
}

fn params(typed: bool) -> impl Strategy<Value = SearchParams> {
    (
        // The list of names is joined with commas on the wire.
        prop::option::of(prop::collection::vec("[a-zA-Z]{1,8}", 1..4)),
        prop::collection::vec(item(typed), 0..4),
        prop::option::of((text(), any::<bool>())),
        prop::option::of(any::<u32>()),
        prop::option::of(any::<u32>()),
        prop::option::of(text()),
        prop::collection::vec(text(), 0..3),
        prop::option::of(text()),
    )
        .prop_map(
            |(select, items, order, offset, size, primary, bools, filter)| {
                let mut params = SearchParams::new();
                if let Some(select) = select {
                    params = params.select(select);
                }
                for item in items {
                    params = params.filter(item);
                }
                if let Some((field, desc)) = order {
                    params = params.order_by(field, if desc { Order::Desc } else { Order::Asc });
                }
                if let Some(offset) = offset {
                    params = params.offset(offset.into());
                }
                if let Some(size) = size {
                    params = params.max_size(size);
                }
                if let Some(primary) = primary {
                    params = params.primary_filter(primary);
                }
                for name in bools {
                    params = params.bool_filter(name);
                }
                if let Some(filter) = filter {
                    params = params.text_filter(filter);
                }
                params
            },
        )
}

/// Search parameters from the bracket form, as the server understands it.
fn from_brackets(query: &Value, aliased: bool) -> SearchParams {
    let (where_key, select_key) = match aliased {
        true => ("whereGroup", "attributeSelect"),
        false => ("where", "select"),
    };
    // Without parameters PHP's array is a list.
    let mut tree = query.as_object().cloned().unwrap_or_default();
    let mut out = json!({});
    if let Some(Value::String(select)) = tree.remove(select_key) {
        out["select"] = json!(select.split(',').collect::<Vec<_>>());
    }
    if let Some(mut items) = tree.remove(where_key) {
        flags(&mut items);
        out["where"] = items;
    }
    for key in ["offset", "maxSize"] {
        if let Some(Value::String(number)) = tree.remove(key) {
            out[key] = json!(number.parse::<u64>().unwrap());
        }
    }
    for (key, value) in tree {
        out[key] = value;
    }
    serde_json::from_value(out).unwrap()
}

fn flags(items: &mut Value) {
    for item in items.as_array_mut().into_iter().flatten() {
        let Value::Object(item) = item else { continue };
        for key in ["dateTime", "date"] {
            if let Some(flag) = item.get_mut(key) {
                *flag = json!(flag == "true");
            }
        }
        if matches!(item["type"].as_str(), Some("and" | "or")) {
            flags(&mut item["value"]);
        }
    }
}

/// Sends the parameters and returns the query as the server parsed it.
fn sent(encoding: SearchEncoding, params: &SearchParams) -> Value {
    thread_local! {
        static SERVER: (tokio::runtime::Runtime, Sim) = {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let sim = runtime.block_on(Sim::start()).unwrap();
            (runtime, sim)
        };
    }
    SERVER.with(|(runtime, sim)| {
        runtime.block_on(async {
            let client = client(sim)
                .search_encoding(encoding)
                .max_url_length(usize::MAX)
                .build()
                .unwrap();
            let request = Request::new(Method::GET, &["Account"]).search(params);
            sim.clear_requests();
            // Most of these attributes do not exist, so the server rejects them; only the received parameters matter.
            let _ = client.send(request).await;
            sim.requests().pop().expect("a request").query
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn json_encoding_preserves_conditions(params in params(true)) {
        let query = sent(SearchEncoding::Json, &params);
        prop_assert_eq!(query.as_object().unwrap().len(), 1);
        let back: SearchParams = serde_json::from_str(query["searchParams"].as_str().unwrap()).unwrap();
        prop_assert_eq!(back, params);
    }

    #[test]
    fn bracket_encoding_preserves_conditions(params in params(false), aliased in any::<bool>()) {
        let encoding = match aliased {
            true => SearchEncoding::BracketsAliased,
            false => SearchEncoding::Brackets,
        };
        let query = sent(encoding, &params);
        prop_assert_eq!(from_brackets(&query, aliased), params);
    }
}

#[test]
fn null_is_encoded_by_type_in_brackets() {
    let params = SearchParams::new().filter(WhereItem::equals("a", Value::Null));
    let back = from_brackets(&sent(SearchEncoding::Brackets, &params), false);
    assert_eq!(back.where_[0].kind(), "isNull");
    assert_eq!(*back.where_[0].operand(), Operand::None);
}
