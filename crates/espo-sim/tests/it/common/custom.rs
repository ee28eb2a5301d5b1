//! Custom entity types over the stock schema: an invoice with lines, and one with a field of most types.

use espo_schema::Schema;
use espo_sim::{Sim, SimBuilder};
use serde_json::{Value as Json, json};

fn definition() -> Json {
    let base = |fields: Json, links: Json| {
        let mut fields = fields;
        let mut links = links;
        let standard = json!({
            "name": {"type": "varchar", "required": true, "pattern": "$noBadCharacters"},
            "description": {"type": "text"},
            "createdAt": {"type": "datetime", "readOnly": true},
            "modifiedAt": {"type": "datetime", "readOnly": true},
            "createdBy": {"type": "link", "readOnly": true},
            "modifiedBy": {"type": "link", "readOnly": true},
            "assignedUser": {"type": "link"},
            "teams": {"type": "linkMultiple"},
        });
        let standard_links = json!({
            "createdBy": {"type": "belongsTo", "entity": "User"},
            "modifiedBy": {"type": "belongsTo", "entity": "User"},
            "assignedUser": {"type": "belongsTo", "entity": "User"},
            "teams": {"type": "hasMany", "entity": "Team", "relationName": "entityTeam"},
        });
        for (all, own) in [(standard, &mut fields), (standard_links, &mut links)] {
            for (k, v) in all.as_object().unwrap() {
                own.as_object_mut()
                    .unwrap()
                    .entry(k.clone())
                    .or_insert(v.clone());
            }
        }
        json!({"fields": fields, "links": links, "collection": {"orderBy": "createdAt", "order": "desc"}})
    };
    let mut invoice = base(
        json!({
            "status": {"type": "enum", "options": ["", "Draft", "Sent", "Paid"], "required": true, "default": "Draft"},
            "kind": {"type": "enum", "options": ["A", "B"]},
            "number": {"type": "number", "prefix": "INV-", "padLength": 4},
            "counter": {"type": "autoincrement", "autoincrement": true},
            "total": {"type": "currency", "required": true, "min": 0},
            "totalCurrency": {"type": "enum"},
            "totalConverted": {"type": "currencyConverted", "readOnly": true},
            "dueDate": {"type": "date"},
            "sentAt": {"type": "datetime"},
            "quantity": {"type": "int", "min": 0, "max": 1000},
            "ratio": {"type": "float"},
            "price": {"type": "decimal"},
            "paid": {"type": "bool", "notNull": true},
            "tags": {"type": "multiEnum", "options": ["x", "y", "z"]},
            "labels": {"type": "array"},
            "notes": {"type": "wysiwyg"},
            "payload": {"type": "jsonObject"},
            "site": {"type": "url"},
            "account": {"type": "link"},
            "contacts": {"type": "linkMultiple"},
            "lines": {"type": "linkMultiple"},
            "subject": {"type": "linkParent", "entityList": ["Account", "Contact"]},
        }),
        json!({
            "account": {"type": "belongsTo", "entity": "Account", "foreign": "cInvoices"},
            "contacts": {"type": "hasMany", "entity": "Contact", "foreign": "cInvoices", "relationName": "cInvoiceContact",
                         "additionalColumns": {"role": {"type": "varchar", "len": 50}}},
            "lines": {"type": "hasMany", "entity": "CInvoiceLine", "foreign": "invoice"},
            "subject": {"type": "belongsToParent"},
        }),
    );
    invoice["optimisticConcurrencyControl"] = json!(true);
    json!({
        "entityDefs": {
            "CInvoice": invoice,
            "CInvoiceLine": base(
                json!({"invoice": {"type": "link", "required": true}, "amount": {"type": "float"}}),
                json!({"invoice": {"type": "belongsTo", "entity": "CInvoice", "foreign": "lines"}}),
            ),
            "Account": {"fields": {}, "links": {"cInvoices": {"type": "hasMany", "entity": "CInvoice", "foreign": "account"}}},
            "Contact": {"fields": {}, "links": {"cInvoices": {"type": "hasMany", "entity": "CInvoice", "foreign": "contacts",
                                                           "relationName": "cInvoiceContact"}}},
        },
        "scopes": {
            "CInvoice": {"entity": true, "object": true, "acl": true, "stream": true, "isCustom": true, "module": "Custom", "type": "BasePlus"},
            "CInvoiceLine": {"entity": true, "object": true, "acl": true, "isCustom": true, "module": "Custom", "type": "Base"},
        },
    })
}

/// A server of the stock schema with the custom types over it.
pub(crate) fn builder() -> SimBuilder {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("custom.json");
    std::fs::write(&path, definition().to_string()).unwrap();
    let schema = Schema::stock().overlay(&[path]).unwrap();
    Sim::builder().schema(schema)
}
