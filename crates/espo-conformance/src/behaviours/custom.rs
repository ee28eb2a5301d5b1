//! Field types that the stock entity types rarely use, tested on any custom entity type of the instance that has them.

use serde_json::{Map, Value, json};

use super::{Behaviour, check};
use crate::answer::{Body, Outcome, skip};
use crate::test::{Test, merged};

/// A field of a custom entity type.
struct Field {
    entity: String,
    name: String,
    definition: Value,
}

/// Returns a field of this type that passes a test, in a custom entity type whose only required field is the name.
async fn field(t: &Test, kind: &str, test: impl Fn(&Value) -> bool) -> Outcome<Field> {
    let scopes = t.get("Metadata?key=scopes").await?.ok()?;
    let custom = |scope: &Value| {
        scope["isCustom"] == true && scope["entity"] == true && scope["disabled"] != true
    };
    for (entity, _) in scopes
        .as_object()
        .unwrap_or(&Map::new())
        .iter()
        .filter(|(_, scope)| custom(scope))
    {
        let fields = t
            .get(&format!("Metadata?key=entityDefs.{entity}.fields"))
            .await?
            .ok()?;
        let Some(fields) = fields.as_object() else {
            continue;
        };
        let named = fields
            .get("name")
            .is_some_and(|name| name["type"] == "varchar");
        if !named
            || fields
                .iter()
                .any(|(name, field)| name != "name" && field["required"] == true)
        {
            continue;
        }
        let plain = |field: &Value| {
            ["readOnly", "disabled", "notStorable", "utility"]
                .iter()
                .all(|key| field[*key] != true)
        };
        let found = fields
            .iter()
            .find(|(_, field)| field["type"] == kind && plain(field) && test(field));
        if let Some((name, definition)) = found {
            return Ok(Field {
                entity: entity.clone(),
                name: name.clone(),
                definition: definition.clone(),
            });
        }
    }
    skip(format!(
        "no custom entity type of the instance has a suitable field of type {kind}"
    ))
}

impl Field {
    /// Creates a record with this value in the field.
    async fn create(&self, t: &Test, value: Value) -> Outcome<Body> {
        t.make(&self.entity, json!({self.name.clone(): value}))
            .await
    }

    /// Asserts the value that a read returns for a value that was sent.
    async fn becomes(&self, t: &Test, sent: Value, read: Value) -> Outcome {
        let made = self.create(t, sent).await?;
        t.read(&self.entity, &made)
            .await?
            .has(&self.name, read)
            .map(drop)
    }

    /// Asserts that a validation rule rejects a value.
    async fn refuses(&self, t: &Test, sent: Value, rule: &str) -> Outcome {
        let values = t.named("refused", json!({self.name.clone(): sent}));
        t.post(&self.entity, &values)
            .await?
            .invalid(&self.entity, &self.name, rule)
    }

    /// Asserts which of three records an item finds: without a value, with the first option, with the first two.
    async fn finds(&self, t: &Test, item: Value, expected: [bool; 3]) -> Outcome {
        let options = &self.definition["options"];
        let none = t.make(&self.entity, json!({})).await?;
        let one = self.create(t, json!([options[0]])).await?;
        let both = self.create(t, json!([options[0], options[1]])).await?;
        let ids = [none.id(), one.id(), both.id()];
        let item = merged(json!({"attribute": self.name}), item);
        let ours = json!({"type": "in", "attribute": "id", "value": ids});
        let parameters =
            json!({"where": [item, ours], "select": ["id"], "orderBy": "id", "order": "asc"});
        let mut expected: Vec<&str> = ids
            .into_iter()
            .zip(expected)
            .filter(|(_, found)| *found)
            .map(|(id, _)| id)
            .collect();
        expected.sort_unstable();
        t.list(&self.entity, &parameters)
            .await?
            .ok()?
            .rows_are(&expected)
            .map(drop)
    }
}

/// A field with several options that are listed in its definition.
async fn options(t: &Test) -> Outcome<Field> {
    field(t, "multiEnum", |field| {
        field["options"]
            .as_array()
            .is_some_and(|options| options.len() > 1)
    })
    .await
}

async fn any(t: &Test, kind: &str) -> Outcome<Field> {
    field(t, kind, |_| true).await
}

pub(super) fn all() -> Vec<Behaviour> {
    let mut behaviours = lists();
    behaviours.extend(searches());
    behaviours.extend(scalars());
    behaviours
}

fn lists() -> Vec<Behaviour> {
    vec![
        check("multi-enum", async |t| {
            let field = options(t).await?;
            let value = json!([field.definition["options"][1]]);
            field.becomes(t, value.clone(), value).await
        }),
        check("multi-enum-never-set-is-null", async |t| {
            let field = field(t, "multiEnum", |field| field["default"].is_null()).await?;
            let made = t.make(&field.entity, json!({})).await?;
            t.read(&field.entity, &made)
                .await?
                .null(&field.name)
                .map(drop)
        })
        .until(9, 3),
        check("multi-enum-never-set-is-empty", async |t| {
            let field = field(t, "multiEnum", |field| {
                field["default"].is_null() && field["storeArrayValues"] == json!(true)
            })
            .await?;
            let made = t.make(&field.entity, json!({})).await?;
            t.read(&field.entity, &made)
                .await?
                .has(&field.name, json!([]))
                .map(drop)
        })
        .since(10, 0),
        check("multi-enum-set-to-null-is-empty", async |t| {
            let field = options(t).await?;
            let made = field
                .create(t, json!([field.definition["options"][0]]))
                .await?;
            t.update(&field.entity, &made, &json!({field.name.clone(): null}))
                .await?;
            t.read(&field.entity, &made)
                .await?
                .has(&field.name, json!([]))
                .map(drop)
        }),
        check("multi-enum-scalar", async |t| {
            let field = options(t).await?;
            field
                .refuses(t, field.definition["options"][0].clone(), "array")
                .await
        }),
        check("multi-enum-unknown-option", async |t| {
            options(t)
                .await?
                .refuses(t, json!(["no such option"]), "valid")
                .await
        }),
        check("array", async |t| {
            any(t, "array")
                .await?
                .becomes(t, json!(["a", "b"]), json!(["a", "b"]))
                .await
        }),
        check("array-keeps-duplicates", async |t| {
            any(t, "array")
                .await?
                .becomes(t, json!(["a", "a"]), json!(["a", "a"]))
                .await
        }),
        check("array-of-numbers", async |t| {
            any(t, "array")
                .await?
                .refuses(t, json!([1, 2]), "arrayOfString")
                .await
        }),
        check("array-item-too-long", async |t| {
            any(t, "array")
                .await?
                .refuses(t, json!(["x".repeat(101)]), "maxItemLength")
                .await
        }),
        check("checklist-unknown-option", async |t| {
            any(t, "checklist")
                .await?
                .refuses(t, json!(["no such option"]), "valid")
                .await
        }),
        check("url-multiple-scalar", async |t| {
            any(t, "urlMultiple")
                .await?
                .refuses(t, json!("https://a.example"), "array")
                .await
        }),
    ]
}

fn searches() -> Vec<Behaviour> {
    vec![
        check("array-any-of", async |t| {
            let field = options(t).await?;
            let item = json!({"type": "arrayAnyOf", "value": [field.definition["options"][0]]});
            field.finds(t, item, [false, true, true]).await
        }),
        check("array-any-of-scalar", async |t| {
            let field = options(t).await?;
            let item = json!({"type": "arrayAnyOf", "value": field.definition["options"][1]});
            field.finds(t, item, [false, false, true]).await
        }),
        check("array-all-of", async |t| {
            let field = options(t).await?;
            let item = json!({"type": "arrayAllOf", "value": [field.definition["options"][0], field.definition["options"][1]]});
            field.finds(t, item, [false, false, true]).await
        }),
        check("array-none-of", async |t| {
            let field = options(t).await?;
            let item = json!({"type": "arrayNoneOf", "value": [field.definition["options"][1]]});
            field.finds(t, item, [true, true, false]).await
        }),
        check("array-is-empty", async |t| {
            options(t)
                .await?
                .finds(t, json!({"type": "arrayIsEmpty"}), [true, false, false])
                .await
        }),
        check("array-is-not-empty", async |t| {
            options(t)
                .await?
                .finds(t, json!({"type": "arrayIsNotEmpty"}), [false, true, true])
                .await
        }),
    ]
}

fn scalars() -> Vec<Behaviour> {
    vec![
        check("decimal-is-text", async |t| {
            any(t, "decimal")
                .await?
                .becomes(t, json!("1000"), json!("1000.0000"))
                .await
        }),
        check("decimal-takes-a-number", async |t| {
            any(t, "decimal")
                .await?
                .becomes(t, json!(1.5), json!("1.5000"))
                .await
        }),
        check("decimal-of-nothing", async |t| {
            any(t, "decimal")
                .await?
                .refuses(t, json!(""), "valid")
                .await
        }),
        check("decimal-of-text", async |t| {
            any(t, "decimal")
                .await?
                .refuses(t, json!("abc"), "valid")
                .await
        }),
        check("decimal-currency-is-text", async |t| {
            let field = field(t, "currency", |field| field["decimal"] == true).await?;
            let made = field.create(t, json!(7.5)).await?;
            let read = t.read(&field.entity, &made).await?;
            read.has(&field.name, "7.5000")?
                .that(
                    &format!("{}Converted", field.name),
                    "a number",
                    Value::is_number,
                )
                .map(drop)
        }),
        check("float-of-text", async |t| {
            any(t, "float")
                .await?
                .becomes(t, json!("2.5"), json!(2.5))
                .await
        }),
        check("float-of-other-text", async |t| {
            any(t, "float")
                .await?
                .refuses(t, json!("abc"), "valid")
                .await
        }),
        check("enum-int-is-not-validated", async |t| {
            any(t, "enumInt")
                .await?
                .becomes(t, json!(9), json!(9))
                .await
        }),
        check("color-is-not-validated", async |t| {
            any(t, "colorpicker")
                .await?
                .becomes(t, json!("red"), json!("red"))
                .await
        }),
        check("json-object", async |t| {
            any(t, "jsonObject")
                .await?
                .becomes(t, json!({"a": {"b": [1]}}), json!({"a": {"b": [1]}}))
                .await
        }),
        check("json-object-of-a-scalar", async |t| {
            let field = any(t, "jsonObject").await?;
            field
                .create(t, json!("s"))
                .await?
                .unset(&field.name)
                .map(drop)
        }),
        check("range-has-two-parts", async |t| {
            let field = any(t, "rangeInt").await?;
            let (from, to) = (part("from", &field.name), part("to", &field.name));
            let made = t
                .make(&field.entity, json!({from.clone(): 1, to.clone(): 9}))
                .await?;
            t.read(&field.entity, &made)
                .await?
                .has(&from, 1)?
                .has(&to, 9)?
                .lacks(&field.name)
                .map(drop)
        }),
        check("varchar-has-the-length-of-its-definition", async |t| {
            let field = field(t, "varchar", |field| {
                field["maxLength"].as_u64().is_some_and(|max| max < 200)
            })
            .await?;
            let max = field.definition["maxLength"]
                .as_u64()
                .and_then(|max| usize::try_from(max).ok())
                .unwrap_or_default();
            field
                .refuses(t, json!("x".repeat(max + 1)), "maxLength")
                .await
        }),
    ]
}

/// The name of a part, in prefix naming.
fn part(prefix: &str, name: &str) -> String {
    let mut letters = name.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{prefix}{first}{}", letters.as_str())
}
