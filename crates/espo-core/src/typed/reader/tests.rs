use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::{Reader, Unusual, special};

fn read(text: &str) -> Result<Value, Unusual> {
    let mut reader = Reader::new(text);
    let value = Value::deserialize(&mut reader)?;
    reader.end().map(|()| value)
}

fn assert_same(text: &str) {
    if let Ok(value) = read(text) {
        let other = serde_json::from_str::<Value>(text);
        assert_eq!(Some(&value), other.as_ref().ok(), "{text:?}: {other:?}");
    }
}

#[test]
fn values_equal_those_of_serde_json() {
    for text in [
        "null",
        " true ",
        "false",
        "0",
        "-0",
        "-1",
        "12345678901234567",
        "123456789012345678",
        "18446744073709551615",
        "1e3",
        "-1.50",
        "0.1",
        "1234.5669999999602",
        "\"\"",
        "\"a\\/b\"",
        "\"\\/\\/\"",
        "\"\\\\\\\"\\n\\t\\r ü\"",
        "\"\\\\n\\b\\f\"",
        "\"\\u00e4\\ud83d\\udca5\"",
        "\"ü💥\"",
        "[]",
        "[1, \"a\", null, [{}]]",
        "{}",
        "{\"a\": {\"b\": [1.5]}, \"\\u0061\": 2}",
        "{\"\": \"\"}",
    ] {
        assert_eq!(read(text).ok(), serde_json::from_str(text).ok(), "{text}");
    }
}

#[test]
fn invalid_json_is_rejected() {
    for text in [
        "",
        "nul",
        "nulll",
        "01",
        "-",
        "1.",
        ".5",
        "+1",
        "1e",
        "--1",
        "\"",
        "\"a",
        "\"\n\"",
        "\"\\x\"",
        "\"\\",
        "\"\\\"",
        "\"\\ud83d\"",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "[1 2]",
        "]",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{1:1}",
        "{\"a\" 1}",
        "1 2",
        "[]]",
        "{}}",
        "\u{feff}1",
        "tru",
        "truE",
    ] {
        assert_eq!(read(text), Err(Unusual), "{text}");
        assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
    }
    let deep = "[".repeat(200) + &"]".repeat(200);
    assert_eq!(read(&deep), Err(Unusual));
}

#[test]
fn keys_must_match_completely() {
    let mut reader = Reader::new(" \"name\":1");
    assert!(!reader.take_key("nam"));
    assert!(!reader.take_key("names"));
    assert!(reader.take_key("name"));
    assert_eq!(u8::deserialize(&mut reader), Ok(1));
    for text in ["\"nam", "\"name\"", "\"name", "\"name\" :1", ""] {
        assert!(!Reader::new(text).take_key("name"), "{text}");
    }
    for length in 0..40 {
        let key = "k".repeat(length);
        assert!(Reader::new(&format!("\"{key}\":")).take_key(&key));
        for at in 0..length {
            let mut other = key.clone();
            other.replace_range(at..=at, "x");
            assert!(
                !Reader::new(&format!("\"{other}\":")).take_key(&key),
                "{other}"
            );
        }
    }
}

proptest! {
    #[test]
    fn string_ends_match_a_byte_by_byte_search(text in "[ -~ä💥\\n\\t\"\\\\]{0,40}", from in 0usize..50) {
        let bytes = text.as_bytes();
        let from = from.min(bytes.len());
        let found = bytes[from..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        prop_assert_eq!(special(bytes, from), from + found.unwrap_or(bytes.len() - from));
    }

    /// Strings composed of JSON tokens, most of them invalid JSON.
    #[test]
    fn input_that_serde_json_rejects_is_rejected(
        text in "([\\[\\]{},:\" ]|\"[a\\\\\"/u0ü]{0,4}\"|null|true|-?[0-9]{1,20}|[0-9]\\.[0-9]|1[eE]5){0,12}"
    ) {
        assert_same(&text);
    }

    #[test]
    fn output_of_serde_json_is_read(value in arbitrary()) {
        let compact = value.to_string();
        prop_assert_eq!(read(&compact), Ok(value.clone()));
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        prop_assert_eq!(read(&pretty), Ok(value));
    }
}

fn arbitrary() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}
