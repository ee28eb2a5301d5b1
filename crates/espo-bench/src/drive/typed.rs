//! Entity types of the typed SDK.

use espo_core::typed::Decode;

/// How responses of one entity type are decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codec {
    pub(super) page: fn(&str) -> Result<(), String>,
    pub(super) record: fn(&str) -> Result<(), String>,
    /// Whether the SDK has the entity type.
    pub(super) is_typed: bool,
}

fn page<R: Decode>(text: &str) -> Result<(), String> {
    let page = R::decode_page(text).map_err(|e| e.to_string())?;
    // The records have to be built, or the compiler could optimise the work away.
    std::hint::black_box(page.records);
    Ok(())
}

fn record<R: Decode>(text: &str) -> Result<(), String> {
    std::hint::black_box(R::decode_record(text).map_err(|e| e.to_string())?);
    Ok(())
}

/// Returns the codec of an entity type. Types that are not in the SDK are decoded as JSON objects.
pub(super) fn codec(entity: &str) -> Codec {
    let known = espo_typed::EXPECTED_SCHEMA
        .iter()
        .find(|e| e.entity_type == entity);
    match known {
        Some(known) => Codec {
            page: known.check_page,
            record: known.check_record,
            is_typed: true,
        },
        None => Codec {
            page: page::<espo_core::JsonObject>,
            record: record::<espo_core::JsonObject>,
            is_typed: false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sdk_entity_types_are_decoded_as_records() {
        let fits = r#"{"total":1,"list":[{"id":"a"}]}"#;
        assert!(espo_typed::EXPECTED_SCHEMA.len() > 80);
        for known in espo_typed::EXPECTED_SCHEMA {
            let codec = codec(known.entity_type);
            assert!(codec.is_typed, "{}", known.entity_type);
            assert_eq!((codec.page)(fits), Ok(()), "{}", known.entity_type);
            // Objects in place of IDs cannot be decoded as a record of any entity type.
            let wrong = r#"{"total":1,"list":[{"id":{"no":"id"}}]}"#;
            assert!((codec.page)(wrong).is_err(), "{}", known.entity_type);
        }
    }

    #[test]
    fn other_entity_types_are_decoded_as_objects() {
        let wrong = r#"{"total":1,"list":[{"id":"a","createdAt":{"no":"date"}}]}"#;
        let account = codec("Account");
        assert!((account.page)(wrong).unwrap_err().contains("createdAt"));
        let custom = codec("CProject");
        assert!(!custom.is_typed);
        assert_eq!((custom.page)(wrong), Ok(()));
        assert!((custom.record)("[1]").is_err());
    }
}
