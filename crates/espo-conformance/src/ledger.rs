//! The records that the run created and must delete.

use std::cell::RefCell;

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

use crate::test::Test;
use crate::users::Login;

/// The records to delete, in the order in which they were created.
#[derive(Default)]
pub(crate) struct Ledger(RefCell<Vec<Owed>>);

struct Owed {
    entity: String,
    id: String,
    login: Login,
}

/// Entity types whose records can be found by name, for records whose create response was lost.
const NAMED: &[(&str, &str)] = &[
    ("Task", "name"),
    ("Meeting", "name"),
    ("Call", "name"),
    ("Case", "name"),
    ("Opportunity", "name"),
    ("Contact", "lastName"),
    ("Lead", "lastName"),
    ("Document", "name"),
    ("KnowledgeBaseArticle", "name"),
    ("KnowledgeBaseCategory", "name"),
    ("TargetList", "name"),
    ("Campaign", "name"),
    ("Account", "name"),
    ("Team", "name"),
];

impl Ledger {
    pub(crate) fn add(&self, entity: &str, id: &str, login: &Login) {
        self.0.borrow_mut().push(Owed {
            entity: entity.to_owned(),
            id: id.to_owned(),
            login: login.clone(),
        });
    }

    /// Deletes all records, newest first, and then those found by the run's marker. Returns those that could not be deleted.
    pub(crate) async fn settle(test: &Test) -> Vec<String> {
        let mut left = Vec::new();
        loop {
            let owed = test.shared.ledger.0.borrow_mut().pop();
            let Some(owed) = owed else { break };
            if let Err(why) = remove(test, &owed.entity, &owed.id, &owed.login).await {
                left.push(format!("{}/{}: {why}", owed.entity, owed.id));
            }
        }
        for (entity, attribute) in NAMED {
            for id in strays(test, entity, attribute).await {
                if let Err(why) = remove(test, entity, &id, &test.login).await {
                    left.push(format!("{entity}/{id}: {why}"));
                }
            }
        }
        left
    }
}

/// Deletes a record as the user who created it or, if that user may not, as the administrator.
async fn remove(test: &Test, entity: &str, id: &str, login: &Login) -> Result<(), String> {
    let mut why = String::new();
    for login in [Some(login), test.shared.users.admin.as_ref()]
        .into_iter()
        .flatten()
    {
        let path = format!("{}/{id}", capitalised(entity));
        let mut headers = HeaderMap::new();
        login.apply(&mut headers, &Method::DELETE, &path);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        match test
            .shared
            .wire
            .send(&Method::DELETE, &path, headers, None)
            .await
        {
            // A 404 means that the check deleted the record itself.
            Ok(answer) if answer.status.is_success() || answer.status.as_u16() == 404 => {
                return Ok(());
            }
            Ok(answer) => why = format!("status {}", answer.status.as_u16()),
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// IDs of the remaining records with the run's marker. Empty if the user may not list the entity type.
async fn strays(test: &Test, entity: &str, attribute: &str) -> Vec<String> {
    let marked = json!({"type": "startsWith", "attribute": attribute, "value": test.shared.marker});
    match test
        .list(
            entity,
            &json!({"where": [marked], "select": ["id"], "maxSize": 200}),
        )
        .await
    {
        Ok(answer) if answer.status == 200 => serde_json::from_slice::<Value>(&answer.body)
            .ok()
            .and_then(|body| body["list"].as_array().cloned())
            .unwrap_or_default()
            .iter()
            .filter_map(|row| row["id"].as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

/// An entity type may start with a lower-case letter in a path.
fn capitalised(entity: &str) -> String {
    let mut letters = entity.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
