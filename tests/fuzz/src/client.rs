//! Input that the client parses: responses, search parameters, journals.

use std::fmt::Debug;

use espo_core::SearchParams;
use espo_core::search::SearchEncoding;
use espo_core::serde::Serialize;
use espo_core::typed::{Decode, Journal};
use espo_typed::{Account, Email, Meeting, Opportunity, User};
use serde_json::Value;

/// Records and pages of a response. The fast reader and `serde_json` agree, and a record can be written and read again.
pub(crate) fn records(data: &[u8]) {
    let Some(text) = crate::text(data) else {
        return;
    };
    record::<Account>(text);
    record::<Meeting>(text);
    record::<Opportunity>(text);
    record::<Email>(text);
    record::<User>(text);
}

fn record<R: Decode + Serialize + PartialEq + Debug>(text: &str) {
    let page = R::decode_page(text);
    if let Ok(page) = &page {
        assert!(page.rows() <= text.len());
    }
    let fast = R::decode_record(text);
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        assert!(fast.is_err(), "only serde_json rejects {text:?}");
        return;
    };
    let slow = R::decode_value(value);
    match (&fast, &slow) {
        (Ok(fast), Ok(slow)) => assert_eq!(fast, slow, "{text:?}"),
        (Err(_), Err(_)) => {}
        // A repeated attribute: all of its values are read, while `serde_json` keeps the last one.
        (Err(error), Ok(_)) => assert!(error.attribute.is_some(), "{error}: {text:?}"),
        (Ok(_), Err(error)) => panic!("{error}: {text:?}"),
    }
    let Ok(record) = fast else { return };
    let written = serde_json::to_string(&record).expect("a record can be written");
    let again = R::decode_record(&written);
    assert_eq!(again.as_ref(), Ok(&record), "{written}");
}

/// Search parameters in each encoding.
pub(crate) fn search_params(data: &[u8]) {
    let Ok(params) = serde_json::from_slice::<SearchParams>(data) else {
        return;
    };
    let json = params.to_json();
    let again: SearchParams = serde_json::from_str(&json).expect("what was written can be read");
    assert_eq!(again.to_json(), json);
    let encodings = [
        SearchEncoding::Json,
        SearchEncoding::Brackets,
        SearchEncoding::BracketsAliased,
    ];
    for encoding in encodings {
        match params.to_query(encoding) {
            Ok(query) => assert!(
                query
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && b != b'#' && b != b'"'),
                "{query}"
            ),
            Err(error) => assert!(encoding != SearchEncoding::Json, "{error}"),
        }
    }
}

/// A journal after a crash: it can be opened or there is an error, and a second attempt has the same result.
pub(crate) fn journal(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("journal");
    std::fs::write(&path, data).expect("written");
    let first = Journal::open(&path);
    let is_readable = first.is_ok();
    drop(first);
    let kept = std::fs::read(&path).expect("the journal");
    // Only an incomplete last line may be removed, and only a line feed added.
    let common = kept.len().min(data.len());
    assert_eq!(kept[..common], data[..common]);
    assert!(kept.len() <= data.len() + 1);
    if !is_readable {
        return;
    }
    let end = data
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    assert!(kept.len() >= end, "complete lines are kept");
    assert!(
        Journal::open(&path).is_ok(),
        "the journal can be opened again"
    );
    assert_eq!(std::fs::read(&path).expect("the journal"), kept);
}
