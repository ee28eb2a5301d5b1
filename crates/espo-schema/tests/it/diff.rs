//! Every kind of difference is recognised and classified.

use std::collections::BTreeSet;

use espo_schema::{Change, Schema};
use serde_json::{Value, json};

/// A small instance: two custom entity types based on the stock field types.
fn base() -> Value {
    json!({
        "fields": Schema::stock().raw["fields"],
        "scopes": {
            "Deal": {"entity": true, "object": true, "stream": true},
            "Firm": {"entity": true, "object": true}
        },
        "clientDefs": {"Deal": {"filterList": ["open", {"name": "won"}], "boolFilterList": ["onlyMy"]}},
        "entityDefs": {
            "Deal": {
                "fields": {
                    "name": {"type": "varchar", "required": true, "maxLength": 100},
                    "stage": {"type": "enum", "options": ["New", "Old", "Lost"], "default": "New"},
                    "note": {"type": "text"},
                    "score": {"type": "int", "min": 0, "max": 100},
                    "code": {"type": "varchar", "pattern": "[a-z]+"},
                    "site": {"type": "address"},
                    "internalRating": {"type": "float", "min": 1},
                    "firm": {"type": "link"},
                    "parent": {"type": "linkParent", "entityList": ["Firm"]},
                    "partners": {"type": "linkMultiple", "columns": {"role": "dealRole"}}
                },
                "links": {
                    "firm": {"type": "belongsTo", "entity": "Firm", "foreign": "deals"},
                    "sponsor": {"type": "belongsTo", "entity": "Firm"},
                    "parent": {"type": "belongsToParent", "entityList": ["Firm"]},
                    "partners": {
                        "type": "hasMany", "entity": "Firm", "foreign": "partnerDeals",
                        "additionalColumns": {"role": {"type": "varchar", "len": 50}}
                    }
                }
            },
            "Firm": {
                "fields": {
                    "name": {"type": "varchar"},
                    "size": {"type": "int"},
                    "vat": {"type": "varchar", "maxLength": 20},
                    "dealRole": {"type": "varchar", "notStorable": true}
                },
                "links": {
                    "deals": {"type": "hasMany", "entity": "Deal", "foreign": "firm"},
                    "partnerDeals": {"type": "hasMany", "entity": "Deal", "foreign": "partners"}
                }
            }
        }
    })
}

fn schema(value: Value) -> Schema {
    Schema::from_value(value, "export.json").expect("the tree loads")
}

/// Sets the value at a JSON pointer, or removes it when there is none.
fn set(tree: &mut Value, pointer: &str, value: Option<Value>) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer has a slash");
    let map = tree
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .expect("the parent exists");
    match value {
        Some(value) => {
            map.insert(key.to_owned(), value);
        }
        None => {
            assert!(map.remove(key).is_some(), "{pointer} exists");
        }
    }
}

fn told(changes: &[Change]) -> Vec<String> {
    changes
        .iter()
        .map(|c| format!("{}{c}", if c.breaking { "! " } else { "  " }))
        .collect()
}

const DEAL: &str = "/entityDefs/Deal";
const FIELDS: &str = "/entityDefs/Deal/fields";
const LINKS: &str = "/entityDefs/Deal/links";

#[test]
fn every_kind_of_change_is_distinguished() {
    let rows: Vec<(String, Option<Value>, &[&str])> = vec![
        (
            "/entityDefs/Order".into(),
            Some(json!({"fields": {"total": {"type": "int"}}})),
            &["  Order: entity type added"],
        ),
        (
            "/entityDefs/Firm".into(),
            None,
            &["! Firm: entity type removed"],
        ),
        (
            "/scopes/Deal/disabled".into(),
            Some(json!(true)),
            &["! Deal: entity type switched off"],
        ),
        (
            "/scopes/Deal/stream".into(),
            Some(json!(false)),
            &[
                "! Deal: records can no longer be followed",
                "! Deal.followersIds: attribute removed",
                "! Deal.followersNames: attribute removed",
                "! Deal.isFollowed: attribute removed",
                "! Deal.streamUpdatedAt: field of type datetime removed",
            ],
        ),
        (
            "/scopes/Firm/stars".into(),
            Some(json!(true)),
            &[
                "  Firm: records can now be starred",
                "  Firm.isStarred: attribute added",
            ],
        ),
        (
            format!("{DEAL}/optimisticConcurrencyControl"),
            Some(json!(true)),
            &["  Deal.versionNumber: attribute added"],
        ),
        (
            format!("{FIELDS}/extra"),
            Some(json!({"type": "url"})),
            &["  Deal.extra: field of type url added"],
        ),
        (
            format!("{FIELDS}/extra"),
            Some(json!({"type": "url", "required": true})),
            &["! Deal.extra: required field of type url added: creates must include it"],
        ),
        (
            format!("{FIELDS}/extra"),
            Some(json!({"type": "url", "required": true, "default": "http://a.example"})),
            &["  Deal.extra: field of type url added"],
        ),
        (
            format!("{FIELDS}/extra"),
            Some(json!({"type": "address"})),
            &["  Deal.extra: field of type address added"],
        ),
        (
            format!("{FIELDS}/note"),
            None,
            &["! Deal.note: field of type text removed"],
        ),
        (
            format!("{FIELDS}/site"),
            None,
            &["! Deal.site: field of type address removed"],
        ),
        (
            format!("{FIELDS}/note/type"),
            Some(json!("int")),
            &["! Deal.note: field type changed from text to int"],
        ),
        (
            format!("{FIELDS}/score/type"),
            Some(json!("float")),
            &["! Deal.score: field type changed from int to float"],
        ),
        (
            format!("{FIELDS}/score"),
            Some(json!({"type": "varchar", "maxLength": 10, "pattern": "[0-9]+"})),
            &["! Deal.score: field type changed from int to varchar"],
        ),
        (
            format!("{FIELDS}/code"),
            Some(json!({"type": "url", "maxLength": 10})),
            &[
                "  Deal.code: field type changed from varchar to url",
                "! Deal.code: maximum length changed from the default to 10",
                "  Deal.code: pattern changed from `[a-z]+` to nothing",
            ],
        ),
        (
            format!("{FIELDS}/note/type"),
            Some(json!("wysiwyg")),
            &["  Deal.note: field type changed from text to wysiwyg"],
        ),
        (
            format!("{FIELDS}/note/required"),
            Some(json!(true)),
            &["! Deal.note: now required: creates must include it"],
        ),
        (
            format!("{FIELDS}/name/required"),
            Some(json!(false)),
            &["! Deal.name: no longer required: creates can omit it"],
        ),
        (
            format!("{FIELDS}/note/readOnly"),
            Some(json!(true)),
            &["! Deal.note: now read-only"],
        ),
        (
            format!("{FIELDS}/note/readOnlyAfterCreate"),
            Some(json!(true)),
            &["! Deal.note: now read-only after create"],
        ),
        (
            format!("{FIELDS}/note/orderDisabled"),
            Some(json!(true)),
            &["! Deal.note: lists can no longer be ordered by it"],
        ),
        (
            format!("{FIELDS}/note/notStorable"),
            Some(json!(true)),
            &[
                "! Deal.note: lists can no longer be ordered by it",
                "! Deal.note: lists can no longer be filtered by it",
            ],
        ),
        (
            format!("{FIELDS}/name/maxLength"),
            Some(json!(50)),
            &["! Deal.name: maximum length changed from 100 to 50"],
        ),
        (
            format!("{FIELDS}/name/maxLength"),
            Some(json!(200)),
            &["  Deal.name: maximum length changed from 100 to 200"],
        ),
        (
            format!("{FIELDS}/score/max"),
            Some(json!(50)),
            &["! Deal.score: allowed range changed from 0..100 to 0..50"],
        ),
        (
            format!("{FIELDS}/score/min"),
            None,
            &["  Deal.score: allowed range changed from 0..100 to ..100"],
        ),
        (
            format!("{FIELDS}/code/default"),
            Some(json!("abc")),
            &["  Deal.code: default changed from none to `\"abc\"`"],
        ),
        (
            format!("{FIELDS}/code/pattern"),
            Some(json!("[0-9]+")),
            &["! Deal.code: pattern changed from `[a-z]+` to `[0-9]+`"],
        ),
        (
            format!("{FIELDS}/code/pattern"),
            None,
            &["  Deal.code: pattern changed from `[a-z]+` to nothing"],
        ),
        (
            format!("{FIELDS}/stage/options"),
            Some(json!(["New", "Old", "Lost", "Won"])),
            &["  Deal.stage: option \"Won\" added"],
        ),
        (
            format!("{FIELDS}/stage/options"),
            Some(json!(["New", "Lost"])),
            &["! Deal.stage: option \"Old\" removed"],
        ),
        (
            format!("{FIELDS}/stage/options"),
            Some(json!(["New", "Aged", "Lost"])),
            &["! Deal.stage: option \"Old\" removed, possibly renamed to \"Aged\""],
        ),
        (
            format!("{FIELDS}/stage/options"),
            Some(json!(["Lost", "New", "Old"])),
            &[],
        ),
        (
            format!("{FIELDS}/stage/options"),
            None,
            &["! Deal.stage: value changed from one of the options to text"],
        ),
        (
            format!("{LINKS}/more"),
            Some(json!({"type": "hasMany", "entity": "Firm"})),
            &["  Deal.more: link to `Firm` added"],
        ),
        (
            format!("{LINKS}/sponsor"),
            None,
            &["! Deal.sponsor: link to `Firm` removed"],
        ),
        (
            format!("{LINKS}/sponsor/entity"),
            Some(json!("Deal")),
            &[
                "! Deal.sponsor: target changed from `Firm` to `Deal`",
                "! Deal.sponsorId: value changed from an ID of `Firm` to an ID of `Deal`",
            ],
        ),
        (
            "/entityDefs/Firm/links/deals/type".into(),
            Some(json!("hasOne")),
            &[
                "! Deal.firm: link changed from many-to-one to one-to-one with the key on this side",
                "! Firm.deals: link changed from one-to-many to one-to-one with the key on the other side",
            ],
        ),
        (
            format!("{LINKS}/partners/foreign"),
            Some(json!("deals")),
            &["  Deal.partners: reverse link changed from `partnerDeals` to `deals`"],
        ),
        (
            format!("{LINKS}/partners/readOnly"),
            Some(json!(true)),
            &["! Deal.partners: records can no longer be linked and unlinked"],
        ),
        (
            format!("{LINKS}/partners/additionalColumns/since"),
            Some(json!({"type": "date"})),
            &[
                "  Deal.partners: middle-table column `since` added",
                "  Firm.partnerDeals: middle-table column `since` added",
            ],
        ),
        (
            format!("{LINKS}/partners/additionalColumns/role"),
            None,
            // The field at the other end still lists it.
            &["! Firm.partnerDeals: middle-table column `role` removed"],
        ),
        (
            format!("{LINKS}/partners/additionalColumns/role/type"),
            Some(json!("bool")),
            &[
                "! Deal.partners: middle-table column `role` changed from text to true or false",
                "! Firm.partnerDeals: middle-table column `role` changed from text to true or false",
            ],
        ),
        (
            format!("{FIELDS}/parent/entityList"),
            Some(json!(["Firm", "Deal"])),
            &["  Deal.parentType: allowed parents changed from Firm to Firm, Deal"],
        ),
        (
            format!("{FIELDS}/parent/entityList"),
            Some(json!(["Deal"])),
            &["! Deal.parentType: allowed parents changed from Firm to Deal"],
        ),
        (
            "/clientDefs/Deal/filterList".into(),
            Some(json!(["open", "lost"])),
            &[
                "  Deal.lost: primary filter added",
                "! Deal.won: primary filter no longer listed; the server may still accept it",
            ],
        ),
        (
            "/clientDefs/Deal/boolFilterList".into(),
            Some(json!(["onlyTeams"])),
            &[
                "! Deal.onlyMy: boolean filter no longer listed; the server may still accept it",
                "  Deal.onlyTeams: boolean filter added",
            ],
        ),
        // Properties that no generated code depends on.
        (format!("{FIELDS}/name/tooltip"), Some(json!(true)), &[]),
        (format!("{FIELDS}/note/audited"), Some(json!(true)), &[]),
    ];
    let old = schema(base());
    let mut kinds = BTreeSet::new();
    for (pointer, value, expected) in rows {
        let mut tree = base();
        set(&mut tree, &pointer, value.clone());
        let changes = Schema::diff(&old, &schema(tree));
        assert_eq!(told(&changes), expected, "{pointer} = {value:?}");
        kinds.extend(changes.iter().map(kind));
    }
    // Renames have a separate table.
    let renames = ["entityRenamed", "fieldRenamed", "linkRenamed"].map(str::to_owned);
    kinds.extend(renames);
    assert_eq!(kinds, known_kinds(), "every kind has its row");
}

/// The tag of a change's kind in JSON.
fn kind(change: &Change) -> String {
    let change = serde_json::to_value(change).expect("a change is plain data");
    change["kind"]
        .as_str()
        .expect("a kind has a tag")
        .to_owned()
}

/// The tags of all kinds, from the enum's definition.
fn known_kinds() -> BTreeSet<String> {
    let source = include_str!("../../src/diff.rs");
    let start = source.find("pub enum ChangeKind {").expect("the enum");
    let body = &source[start..];
    let body = &body[..body.find("\n}").expect("its end")];
    let variants = body.lines().filter_map(|line| {
        let name = line.strip_prefix("    ")?.trim_end_matches([',', ' ', '{']);
        let first = name.chars().next()?;
        first
            .is_ascii_uppercase()
            .then(|| first.to_ascii_lowercase().to_string() + &name[1..])
    });
    variants.collect()
}

/// Moves the value at one JSON pointer to another.
fn rename(tree: &mut Value, parent: &str, from: &str, to: &str) {
    let map = tree
        .pointer_mut(parent)
        .and_then(Value::as_object_mut)
        .expect("the parent exists");
    let value = map.remove(from).expect("the old name exists");
    map.insert(to.to_owned(), value);
}

#[test]
fn likely_renamings_are_reported_as_one_change() {
    let old = schema(base());
    for (parent, from, to, expected) in [
        // The same definition under a dissimilar name and under a similar name.
        (
            FIELDS,
            "internalRating",
            "weight",
            "! Deal.internalRating: field removed, possibly renamed to `weight`",
        ),
        (
            FIELDS,
            "note",
            "notes",
            "! Deal.note: field removed, possibly renamed to `notes`",
        ),
        (
            LINKS,
            "sponsor",
            "sponsors",
            "! Deal.sponsor: link removed, possibly renamed to `sponsors` (same target)",
        ),
    ] {
        let mut tree = base();
        rename(&mut tree, parent, from, to);
        assert_eq!(told(&Schema::diff(&old, &schema(tree))), [expected]);
    }
    // A field with the same type and no other similarity is a different field.
    let mut tree = base();
    rename(&mut tree, FIELDS, "note", "remarks");
    assert_eq!(
        told(&Schema::diff(&old, &schema(tree))),
        [
            "! Deal.note: field of type text removed",
            "  Deal.remarks: field of type text added"
        ]
    );

    let mut tree = base();
    tree["entityDefs"]["Solo"] =
        json!({"fields": {"size": {"type": "int"}, "vat": {"type": "varchar"}}});
    let old = schema(tree.clone());
    rename(&mut tree, "/entityDefs", "Solo", "Single");
    assert_eq!(
        told(&Schema::diff(&old, &schema(tree))),
        ["! Solo: entity type removed, possibly renamed to `Single` (same fields)"]
    );
}

#[test]
fn a_change_serialises_with_its_parts() {
    let mut tree = base();
    set(
        &mut tree,
        "/entityDefs/Deal/fields/name/maxLength",
        Some(json!(50)),
    );
    set(&mut tree, "/entityDefs/Order", Some(json!({})));
    let changes = Schema::diff(&schema(base()), &schema(tree));
    assert_eq!(
        serde_json::to_value(&changes).expect("a change is plain data"),
        json!([
            {"entity": "Deal", "member": "name", "breaking": true, "kind": "maxLengthChanged", "from": 100, "to": 50},
            {"entity": "Order", "breaking": false, "kind": "entityAdded"}
        ])
    );
}
