//! Links of every kind, from both sides.

use crate::common::{Talk, custom};
use serde_json::{Value as Json, json};

macro_rules! test {
    ($name:ident, |$sim:ident| $body:block) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let sim = custom::builder().start().await.unwrap();
            tokio::task::spawn_blocking(move || {
                let $sim = &sim;
                $body
            })
            .await
            .unwrap();
        }
    };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_without_a_reverse_link_are_always_empty() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let link = |foreign: Json| {
        let mut link = json!({"type": "hasMany", "entity": "Contact"});
        link["foreign"] = foreign;
        link
    };
    let links = json!({"cGone": link(json!("noSuchLink")), "cNone": link(Json::Null)});
    let layer = json!({"entityDefs": {"Account": {"links": links}}});
    std::fs::write(file.path(), layer.to_string()).unwrap();
    let schema = espo_schema::Schema::stock()
        .overlay(&[file.path()])
        .unwrap();
    let sim = espo_sim::Sim::builder().schema(schema);
    let sim = sim.start().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let api = Talk::api(&sim);
        let account = api.create("Account", json!({"name": "A"}));
        let contact = api.create("Contact", json!({"lastName": "C"}));
        for link in ["cGone", "cNone"] {
            let path = format!("Account/{account}/{link}");
            assert_eq!(total(&api, &path), 0, "{link}");
            let linked = api.post(&path, json!({"id": contact}));
            assert_eq!((linked.status, linked.reason()), (500, ""), "{link}");
        }
    })
    .await
    .unwrap();
}

fn total(api: &Talk, path: &str) -> i64 {
    api.get(path).ok()["total"].as_i64().unwrap()
}

test!(a_many_to_many_link_shows_on_both_sides, |sim| {
    let api = Talk::api(sim);
    let invoice = api.create("CInvoice", json!({"name": "I", "total": 1}));
    let (a, b) = (
        api.create("Contact", json!({"lastName": "A"})),
        api.create("Contact", json!({"lastName": "B"})),
    );
    let link = format!("CInvoice/{invoice}/contacts");
    assert_eq!(api.post(&link, json!({"id": a})).text(), "true");
    assert_eq!(api.post(&link, json!({"ids": [a, b]})).text(), "true");
    assert_eq!(
        (
            total(&api, &link),
            total(&api, &format!("Contact/{b}/cInvoices"))
        ),
        (2, 1)
    );
    assert_eq!(api.post(&link, json!({})).text(), "false");
    assert_eq!(
        api.call("DELETE", &format!("{link}?id={a}"), None).text(),
        "false"
    );
    assert_eq!(
        api.call("DELETE", &link, Some(json!({"id": a}))).text(),
        "true"
    );
    assert_eq!(
        api.call("DELETE", &link, Some(json!({"id": a}))).text(),
        "true"
    );
    assert_eq!(
        api.get(&format!("CInvoice/{invoice}")).ok()["contactsIds"],
        json!([b])
    );
    assert_eq!(
        api.post(&link, json!({"id": "0123456789abcdef0"})).status,
        404
    );
    assert_eq!(
        api.post(&format!("CInvoice/{invoice}/nolink"), json!({"id": a}))
            .status,
        404
    );
});

test!(ids_replace_the_whole_set, |sim| {
    let api = Talk::api(sim);
    let (a, b) = (
        api.create("Contact", json!({"lastName": "A"})),
        api.create("Contact", json!({"lastName": "B"})),
    );
    let invoice = api.create(
        "CInvoice",
        json!({"name": "I", "total": 1, "contactsIds": [a]}),
    );
    let path = format!("CInvoice/{invoice}");
    let answer = api.put(&path, json!({"contactsIds": [b]})).ok();
    assert_eq!(
        (&answer["contactsIds"], &answer["contactsNames"]),
        (&json!([b]), &json!({b.clone(): "B"}))
    );
    api.put(
        &path,
        json!({"contactsNames": {"x": "y"}, "contactsIds": "text"}),
    )
    .ok();
    assert_eq!(api.get(&path).ok()["contactsIds"], json!([b]));
    let missing = api.put(&path, json!({"contactsIds": ["0123456789abcdef0"]}));
    assert_eq!(
        missing.reason(),
        "Can't relate with non-existing record. entity type: CInvoice, link: contacts."
    );
    assert_eq!(
        missing.json()["messageTranslation"]["data"],
        json!({"foreignEntityType": "Contact"})
    );
    api.put(&path, json!({"contactsIds": []})).ok();
    let read = api.get(&path).ok();
    assert_eq!(
        (&read["contactsIds"], &read["contactsNames"]),
        (&json!([]), &json!({}))
    );
});

test!(
    a_required_line_cannot_be_unlinked_but_can_be_dropped,
    |sim| {
        let api = Talk::api(sim);
        let invoice = api.create("CInvoice", json!({"name": "I", "total": 1}));
        let line = api.create("CInvoiceLine", json!({"name": "L", "invoiceId": invoice}));
        let refused = api.call(
            "DELETE",
            &format!("CInvoice/{invoice}/lines"),
            Some(json!({"id": line})),
        );
        assert_eq!(refused.status, 403);
        assert_eq!(
            refused.json()["messageTranslation"]["label"],
            json!("cannotUnrelateRequiredLink")
        );
        assert!(refused.reason().ends_with("(CInvoiceLine:invoice})."));
        api.put(&format!("CInvoice/{invoice}"), json!({"linesIds": []}))
            .ok();
        assert_eq!(
            api.get(&format!("CInvoiceLine/{line}")).ok()["invoiceId"],
            Json::Null
        );
    }
);

test!(a_one_to_many_link_moves_a_record, |sim| {
    let api = Talk::api(sim);
    let (one, two) = (
        api.create("CInvoice", json!({"name": "1", "total": 1})),
        api.create("CInvoice", json!({"name": "2", "total": 1})),
    );
    let line = api.create("CInvoiceLine", json!({"name": "L", "invoiceId": one}));
    assert_eq!(
        api.post(&format!("CInvoice/{two}/lines"), json!({"id": line}))
            .text(),
        "true"
    );
    assert_eq!(
        (
            total(&api, &format!("CInvoice/{one}/lines")),
            total(&api, &format!("CInvoice/{two}/lines"))
        ),
        (0, 1)
    );
    // Only the stock link rejects records that have another owner.
    let accounts = [
        api.create("Account", json!({"name": "A"})),
        api.create("Account", json!({"name": "B"})),
    ];
    let deal = api.create(
        "Opportunity",
        json!({"name": "d", "amount": 1, "closeDate": "2030-01-01", "accountId": accounts[0]}),
    );
    let refused = api.post(
        &format!("Account/{}/opportunities", accounts[1]),
        json!({"id": deal}),
    );
    assert_eq!(
        refused.reason(),
        "Cannot link as the record is already linked (Account:opportunities)."
    );
});

test!(links_to_one_cannot_be_linked_but_listed, |sim| {
    let api = Talk::api(sim);
    let account = api.create("Account", json!({"name": "A"}));
    let invoice = api.create("CInvoice", json!({"name": "I", "total": 1, "accountId": account, "subjectType": "Account", "subjectId": account}));
    assert_eq!(total(&api, &format!("CInvoice/{invoice}/account")), 1);
    let refused = api.post(
        &format!("CInvoice/{invoice}/account"),
        json!({"id": account}),
    );
    assert_eq!(
        refused.reason(),
        "Only manyMany, hasMany & hasChildren relations are allowed."
    );
    assert_eq!(api.get(&format!("CInvoice/{invoice}/subject")).status, 500);
    api.delete(&format!("Account/{account}"));
    let read = api.get(&format!("CInvoice/{invoice}")).ok();
    assert_eq!(
        (
            &read["accountId"],
            &read["accountName"],
            &read["subjectName"]
        ),
        (&json!(account), &Json::Null, &Json::Null)
    );
    assert_eq!(api.get(&format!("Account/{account}/cInvoices")).status, 404);
    assert_eq!(
        api.put(&format!("CInvoice/{invoice}"), json!({"quantity": 1}))
            .status,
        200
    );
});

test!(columns_of_a_link_are_kept_per_pair, |sim| {
    let api = Talk::api(sim);
    let account = api.create("Account", json!({"name": "A"}));
    let contact = api.create(
        "Contact",
        json!({"lastName": "C", "accountId": account, "title": "CEO"}),
    );
    let path = format!("Contact/{contact}");
    let read = api.get(&path).ok();
    assert_eq!(
        (&read["title"], &read["accountsIds"]),
        (&json!("CEO"), &json!([account]))
    );
    assert_eq!(
        read["accountsColumns"][&account],
        json!({"role": "CEO", "isInactive": false})
    );
    api.put(
        &path,
        json!({"accountsColumns": {account.clone(): {"role": "CTO"}}}),
    )
    .ok();
    assert_eq!(api.get(&path).ok()["title"], json!("CTO"));
    let listed = api
        .get(&format!("Account/{account}/contacts?select=id,name"))
        .ok();
    assert_eq!(listed["list"][0]["accountIsInactive"], json!(false));
    let deal = api.create(
        "Opportunity",
        json!({"name": "d", "amount": 1, "closeDate": "2030-01-01", "contactsIds": [contact]}),
    );
    let bad = api.put(
        &format!("Opportunity/{deal}"),
        json!({"contactsIds": [contact], "contactsColumns": {contact.clone(): {"role": "Nobody"}}}),
    );
    assert!(
        bad.reason()
            .ends_with("field: contacts, type: columnsValid."),
        "{}",
        bad.reason()
    );
});

test!(mass_relate_is_for_target_lists, |sim| {
    let api = Talk::api(sim);
    for name in ["A", "B"] {
        api.create("Contact", json!({"lastName": name}));
    }
    let list = api.create("TargetList", json!({"name": "T"}));
    assert_eq!(
        api.post(
            &format!("TargetList/{list}/contacts"),
            json!({"massRelate": true})
        )
        .text(),
        "true"
    );
    assert_eq!(total(&api, &format!("TargetList/{list}/contacts")), 2);
    assert_eq!(
        api.get(&format!("TargetList/{list}")).ok()["entryCount"],
        json!(2)
    );
    let path = format!(
        "TargetList/{}/contacts",
        api.create("TargetList", json!({"name": "U"}))
    );
    let page = json!({"massRelate": "x", "ids": ["nosuch"], "searchParams": {"maxSize": 1}});
    assert_eq!(api.post(&path, page).status, 200);
    assert_eq!(total(&api, &path), 1, "the size of the page limits it");
    let account = api.create("Account", json!({"name": "A"}));
    for path in [
        format!("Account/{account}/contacts"),
        "Account/nosuch/nosuch".to_owned(),
    ] {
        let answer = api.post(&path, json!({"massRelate": 1, "ids": ["x"]}));
        assert_eq!(answer.reason(), "Mass link is not allowed.", "{path}");
    }
    assert_eq!(
        api.post(
            &format!("Account/{account}/teams"),
            json!({"id": sim.users().teams[0].id})
        )
        .reason(),
        "No foreign record access for link operation (Account:teams)."
    );
});
