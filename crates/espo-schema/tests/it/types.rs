//! Custom field types: the values and attributes of their fields.

use espo_schema::{Attribute, AttributeRole, FieldKind, Level, Options, Schema, ValueType};
use serde_json::{Value, json};

/// An entity type `A` with these fields, over the stock field types and these custom ones.
fn with(types: Value, fields: Value) -> Schema {
    let mut all = Schema::stock().raw["fields"].clone();
    for (name, definition) in types.as_object().expect("field types") {
        all[name] = definition.clone();
    }
    let links = json!({
        "peer": {"type": "belongsTo", "entity": "A"},
        "photo": {"type": "belongsTo", "entity": "Attachment"},
        "items": {"type": "hasMany", "entity": "A"}
    });
    Schema::from_value(
        json!({"entityDefs": {"A": {"fields": fields, "links": links}, "Attachment": {}}, "fields": all}),
        "export.json",
    )
    .expect("the tree loads")
}

/// The notes about custom types, without those about stock links, whose reverse links are missing in these trees.
fn notes(schema: &Schema) -> Vec<String> {
    let noted = schema.diagnostics.iter();
    noted
        .filter(|d| d.level == Level::Note)
        .map(ToString::to_string)
        .collect()
}

fn attribute<'a>(schema: &'a Schema, name: &str) -> &'a Attribute {
    &schema.entity_types["A"].attributes[name]
}

#[test]
fn column_types_determine_the_values_of_custom_fields() {
    use ValueType as V;
    for (column, value, orderable) in [
        ("varchar", V::Text, true),
        ("text", V::Text, true),
        ("bool", V::Bool, true),
        ("int", V::Int, true),
        ("float", V::Float, true),
        ("decimal", V::Decimal, true),
        ("date", V::Date, true),
        ("datetime", V::DateTime, true),
        ("jsonArray", V::JsonArray, false),
        ("jsonObject", V::JsonObject, false),
        ("foreignId", V::Text, true),
        // Names of field types give the value of their column.
        ("url", V::Text, true),
        ("enumInt", V::Int, true),
        ("multiEnum", V::JsonArray, false),
        ("geometry", V::Json, true),
    ] {
        let types = json!({"special": {"fieldDefs": {"type": column}}});
        let schema = with(types, json!({"f": {"type": "special"}}));
        let f = attribute(&schema, "f");
        assert_eq!(f.value, value, "{column}");
        assert!(f.writable && f.stored && f.in_list, "{column}");
        assert_eq!(f.orderable, orderable, "{column}");
        assert_eq!(f.filterable, value != V::JsonObject, "{column}");
        let field = &schema.entity_types["A"].fields["f"];
        assert!(
            field.has_custom_type && field.type_ == "special",
            "{column}"
        );
    }
}

#[test]
fn column_flags_of_custom_types_apply_to_their_fields() {
    let types = json!({
        "code": {"fieldDefs": {"type": "varchar", "len": 36}},
        "computed": {"fieldDefs": {"type": "int", "notStorable": true}},
        "fixed": {"readOnly": true, "fieldDefs": {"type": "varchar"}},
        "frozen": {"fieldDefs": {"type": "varchar", "readOnly": true, "notNull": true}},
        "unordered": {"fieldDefs": {"type": "varchar", "orderDisabled": true}}
    });
    let fields = json!({
        "code": {"type": "code", "maxLength": "50"}, "computed": {"type": "computed", "notStorable": false},
        "fixed": {"type": "fixed"}, "frozen": {"type": "frozen", "readOnly": false},
        "unordered": {"type": "unordered"}
    });
    let schema = with(types, fields);
    let field = |name: &str| &schema.entity_types["A"].fields[name];
    assert_eq!(
        (field("code").max_length, field("code").column_length),
        (Some(50), Some(36))
    );
    assert_eq!(field("code").length_limit(), Some(36));
    let computed = attribute(&schema, "computed");
    assert!(
        !computed.stored && !computed.filterable && !computed.orderable,
        "the type's definition is merged over the field's"
    );
    assert!(!attribute(&schema, "fixed").writable);
    assert!(!attribute(&schema, "frozen").writable && field("frozen").not_null);
    assert!(!attribute(&schema, "unordered").orderable);
}

#[test]
fn sub_fields_of_custom_types_have_their_own_types() {
    let types = json!({"reading": {
        "actualFields": ["", "unit"],
        "notActualFields": ["checked", "level", "takenOn"],
        "fields": {
            "unit": {"type": "varchar", "maxLength": 8}, "checked": {"type": "bool"},
            "level": {"type": "enum", "options": ["", "Low", "High"]}, "takenOn": {"type": "date"}
        },
        "fieldDefs": {"type": "float"}
    }});
    let schema = with(types, json!({"f": {"type": "reading"}}));
    for (name, value) in [
        ("f", ValueType::Float),
        ("fUnit", ValueType::Text),
        ("fChecked", ValueType::Bool),
        ("fLevel", ValueType::Enum),
        ("fTakenOn", ValueType::Date),
    ] {
        let found = attribute(&schema, name);
        assert_eq!(found.value, value, "{name}");
        assert!(
            found.stored && found.filterable && found.orderable,
            "{name}"
        );
    }
    assert_eq!(
        attribute(&schema, "fLevel").options,
        Options::Listed(vec!["".into(), "Low".into(), "High".into()])
    );
    assert_eq!(
        notes(&schema),
        ["fields.reading: custom field type; 1 field treated as float"]
    );
}

#[test]
fn prefixed_parts_and_parts_without_a_column_of_their_whole_are_supported() {
    let types = json!({
        "size": {
            "actualFields": ["min", "max"], "naming": "prefix", "skipOrmDefs": true,
            "fields": {"min": {"type": "int"}, "max": {"type": "int"}}
        },
        "pair": {"actualFields": ["a"], "fields": {"a": {"type": "int"}}, "fieldDefs": {"type": "text"}}
    });
    let schema = with(types, json!({"s": {"type": "size"}, "p": {"type": "pair"}}));
    let a = &schema.entity_types["A"];
    assert_eq!(a.attributes["minS"].value, ValueType::Int);
    assert_eq!(a.attributes["maxS"].value, ValueType::Int);
    assert!(!a.attributes.contains_key("s") && !a.fields["s"].orderable);
    assert_eq!(
        (&a.attributes["pA"].value, &a.attributes["p"].value),
        (&ValueType::Int, &ValueType::Text),
        "the data layer has a column per field unless the type says otherwise"
    );
}

#[test]
fn fields_without_a_stored_attribute_have_none() {
    for types in [
        json!({"gauge": {"fieldDefs": {"skipOrmDefs": true}}}),
        json!({"gauge": {"skipOrmDefs": true}}),
        json!({"gauge": {"actualFields": [""], "fieldDefs": {"type": "int", "skipOrmDefs": true}}}),
    ] {
        let schema = with(types.clone(), json!({"f": {"type": "gauge"}}));
        let a = &schema.entity_types["A"];
        assert!(!a.attributes.contains_key("f"), "{types}");
        assert!(
            a.fields["f"].attributes.is_empty() && !a.fields["f"].orderable,
            "{types}"
        );
        assert_eq!(
            notes(&schema),
            ["fields.gauge: custom field type without a stored attribute; 1 field"]
        );
    }
    let schema = with(
        json!({}),
        json!({"f": {"type": "int", "skipOrmDefs": true}}),
    );
    assert!(!schema.entity_types["A"].attributes.contains_key("f"));
}

#[test]
fn custom_types_similar_to_links_have_link_attributes() {
    let types = json!({
        "cascade": {"actualFields": ["id"], "notActualFields": ["name"]},
        "many": {"actualFields": ["ids", "recordList"], "notActualFields": ["names"]},
        "scan": {
            "actualFields": ["id"], "notActualFields": ["name"],
            "linkDefs": {"type": "belongsTo", "entity": "Attachment"}
        }
    });
    let fields = json!({
        "peer": {"type": "cascade"}, "items": {"type": "many"}, "paper": {"type": "scan"}
    });
    let schema = with(types, fields);
    let target = |name: &str| match &attribute(&schema, name).value {
        ValueType::Id { target } | ValueType::IdList { target } => target.clone(),
        other => panic!("{name} holds {other}"),
    };
    assert_eq!(target("peerId").as_deref(), Some("A"));
    assert_eq!(target("itemsIds").as_deref(), Some("A"));
    assert_eq!(target("paperId").as_deref(), Some("Attachment"));
    assert_eq!(attribute(&schema, "peerName").role, AttributeRole::Name);
    assert_eq!(attribute(&schema, "itemsNames").value, ValueType::NameMap);
    let list = attribute(&schema, "itemsRecordList");
    assert_eq!(list.value, ValueType::Json);
    assert!(
        list.writable && !list.stored && !list.filterable,
        "only the extension knows it"
    );
    for name in ["peer", "items", "paper"] {
        assert!(
            !schema.entity_types["A"].attributes.contains_key(name),
            "{name}"
        );
    }
}

#[test]
fn parts_appended_to_stock_types_are_untyped_and_not_stored() {
    let mut link_multiple = Schema::stock().raw["fields"]["linkMultiple"].clone();
    link_multiple["actualFields"] = json!(["ids", "recordList"]);
    let types = json!({"linkMultiple": link_multiple, "personName": {
        "actualFields": ["salutation", "first", "last", "middle", "suffix"], "notActualFields": [""],
        "naming": "prefix", "fields": {"suffix": {"type": "varchar", "maxLength": 20}}
    }});
    let fields = json!({"items": {"type": "linkMultiple"}, "name": {"type": "personName"}});
    let schema = with(types, fields);
    let list = attribute(&schema, "itemsRecordList");
    assert!(list.value == ValueType::Json && !list.stored && !list.filterable);
    let suffix = attribute(&schema, "suffixName");
    assert_eq!(
        (suffix.role, &suffix.value),
        (AttributeRole::PersonNamePart, &ValueType::Text)
    );
    assert!(suffix.stored && suffix.writable);
}

#[test]
fn fields_of_undefined_types_are_strings() {
    let schema = with(
        json!({}),
        json!({"f": {"type": "noSuch"}, "g": {"type": "noSuch"}}),
    );
    let f = attribute(&schema, "f");
    assert_eq!(f.value, ValueType::Text);
    assert!(f.stored && f.filterable && f.orderable && f.writable);
    assert_eq!(
        schema.entity_types["A"].fields["f"].kind,
        FieldKind::Varchar
    );
    assert_eq!(
        notes(&schema),
        ["fields.noSuch: no definition of this field type; 2 fields treated as varchar"]
    );
}

#[test]
fn foreign_fields_follow_custom_types_and_attributes() {
    let types = json!({
        "serial": {"fieldDefs": {"type": "varchar"}},
        "reading": {"actualFields": [""], "notActualFields": ["level"],
            "fields": {"level": {"type": "enum", "options": ["Low"]}}, "fieldDefs": {"type": "float"}}
    });
    let foreign = |field: &str| json!({"type": "foreign", "link": "peer", "field": field});
    let fields = json!({
        "peer": {"type": "link"}, "photo": {"type": "image"},
        "serial": {"type": "serial"}, "reading": {"type": "reading"}, "lost": {"type": "nothing"},
        "peerSerial": foreign("serial"), "peerReading": foreign("reading"),
        "peerLevel": foreign("readingLevel"), "peerLost": foreign("lost"),
        "peerPhoto": foreign("photoId"), "peerPhotoName": foreign("photoName"),
        "peerNothing": foreign("noSuch")
    });
    let schema = with(types, fields);
    let photo = ValueType::Id {
        target: Some("Attachment".to_owned()),
    };
    for (name, value) in [
        ("peerSerial", ValueType::Text),
        ("peerReading", ValueType::Float),
        ("peerLevel", ValueType::Enum),
        ("peerLost", ValueType::Text),
        ("peerPhoto", photo),
        ("peerPhotoName", ValueType::Text),
        ("peerNothing", ValueType::Json),
    ] {
        let found = attribute(&schema, name);
        assert_eq!(found.value, value, "{name}");
        assert!(!found.writable && found.filterable, "{name}");
    }
}

#[test]
fn numeric_parameters_may_be_strings() {
    let fields = json!({
        "f": {"type": "varchar", "maxLength": "12"}, "g": {"type": "int", "min": "5", "max": " 9 "},
        "h": {"type": "float", "min": "0.5", "max": "many"}, "d": {"type": "decimal", "min": "0.50"},
        "m": {"type": "multiEnum", "maxCount": 3.0}
    });
    let schema = with(json!({}), fields);
    let field = |name: &str| &schema.entity_types["A"].fields[name];
    assert_eq!(field("f").max_length, Some(12));
    assert_eq!(
        (&field("g").min, &field("g").max),
        (&Some(json!(5)), &Some(json!(9)))
    );
    assert_eq!(
        (&field("h").min, &field("h").max),
        (&Some(json!(0.5)), &None)
    );
    assert_eq!(field("d").min, Some(json!("0.50")), "decimals are strings");
    assert_eq!(field("m").max_count, Some(3));
}
