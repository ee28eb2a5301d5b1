//! Entity types that the typed SDK knows.

use espo_core::typed::Decode;
use espo_typed::{
    Account, Attachment, Call, Campaign, Case, Contact, Document, Email, KnowledgeBaseArticle,
    Lead, Meeting, Note, Opportunity, TargetList, Task, Team, User,
};

/// How answers of one entity type are decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Codec {
    pub(super) page: fn(&str) -> Result<(), String>,
    pub(super) record: fn(&str) -> Result<(), String>,
}

fn page<R: Decode>(text: &str) -> Result<(), String> {
    let page = R::decode_page(text).map_err(|e| e.to_string())?;
    let first = page.rejected.first().map(ToString::to_string);
    // The records have to be made, or the compiler could leave the work out.
    std::hint::black_box(page.list);
    first.map_or(Ok(()), Err)
}

fn record<R: Decode>(text: &str) -> Result<(), String> {
    std::hint::black_box(R::decode_record(text).map_err(|e| e.to_string())?);
    Ok(())
}

/// The codec of an entity type; those that the list below does not name are decoded as JSON objects.
pub(super) fn codec(entity: &str) -> Codec {
    macro_rules! choose {
        ($($kind:ident)*) => {
            match entity {
                $(stringify!($kind) => Codec { page: page::<$kind>, record: record::<$kind> },)*
                _ => Codec { page: page::<espo_core::JsonObject>, record: record::<espo_core::JsonObject> },
            }
        };
    }
    choose!(
        Account Attachment Call Campaign Case Contact Document Email KnowledgeBaseArticle Lead Meeting Note Opportunity
        TargetList Task Team User
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_an_error_for_known_types_and_unknown_ones_are_read_as_objects() {
        let fits = r#"{"total":1,"list":[{"id":"a","name":"Acme","isStarred":true}]}"#;
        let wrong = r#"{"total":1,"list":[{"id":"a","createdAt":{"no":"date"}}]}"#;
        assert_eq!((codec("Account").page)(fits), Ok(()));
        assert!(
            (codec("Account").page)(wrong)
                .unwrap_err()
                .contains("createdAt")
        );
        assert_eq!((codec("CProject").page)(wrong), Ok(()));
        assert!((codec("CProject").record)("[1]").is_err());
    }
}
