//! Layers over the stock metadata, in shapes that customised instances have; used by the build script and by the tests.

/// A fixture: its module, the entity types to generate, and its layers, each with its files.
pub struct Fixture {
    /// Name of the module.
    pub name: &'static str,
    /// Entity types to generate.
    pub entity_types: &'static [&'static str],
    /// The layers, later ones over earlier ones.
    pub layers: &'static [&'static [(&'static str, &'static str)]],
}

const CUSTOM_SCOPE: &str = r#"{"entity": true, "object": true, "acl": true, "module": "Custom", "isCustom": true, "type": "Base"}"#;

/// The fixtures. One with 200 entity types in 20 layers is made by [`many`].
pub const FIXTURES: &[Fixture] = &[
    Fixture {
        name: "custom_types",
        entity_types: &["CMachine", "CPart"],
        layers: &[
            // A module with nothing but field types.
            &[
                (
                    "fields/serial.json",
                    r#"{"params": [], "fieldDefs": {"type": "varchar", "len": 36}}"#,
                ),
                (
                    "fields/vat.json",
                    r#"{"actualFields": [""], "notActualFields": ["isValid", "status", "checkedOn"],
                    "fields": {"isValid": {"type": "bool"}, "status": {"type": "enum", "options": ["", "Valid", "Invalid"]},
                        "checkedOn": {"type": "date"}}, "fieldDefs": {"type": "varchar"}}"#,
                ),
                (
                    "fields/gauge.json",
                    r#"{"params": [], "fieldDefs": {"skipOrmDefs": true}}"#,
                ),
                (
                    "fields/tagList.json",
                    r#"{"fieldDefs": {"type": "jsonArray"}}"#,
                ),
                (
                    "fields/signature.json",
                    r#"{"fieldDefs": {"type": "text"}}"#,
                ),
                (
                    "fields/weight.json",
                    r#"{"actualFields": ["", "unit"], "fields": {"unit": {"type": "varchar", "maxLength": 8}},
                    "fieldDefs": {"type": "float"}}"#,
                ),
                ("fields/counter.json", r#"{"fieldDefs": {"type": "int"}}"#),
                (
                    "fields/moment.json",
                    r#"{"fieldDefs": {"type": "datetime"}}"#,
                ),
                (
                    "fields/cascadeLink.json",
                    r#"{"actualFields": ["id"], "notActualFields": ["name"]}"#,
                ),
            ],
            &[
                (
                    "entityDefs/CMachine.json",
                    r#"{"fields": {
                    "name": {"type": "varchar", "required": true}, "serial": {"type": "serial"}, "vat": {"type": "vat"},
                    "load": {"type": "gauge"}, "tags": {"type": "tagList"}, "sign": {"type": "signature"},
                    "mass": {"type": "weight"}, "runs": {"type": "counter"}, "seenAt": {"type": "moment"},
                    "plain": {"type": "typeOfNobody"}, "account": {"type": "cascadeLink"}},
                    "links": {"account": {"type": "belongsTo", "entity": "Account"},
                        "parts": {"type": "hasMany", "entity": "CPart", "foreign": "machine"}}}"#,
                ),
                (
                    "entityDefs/CPart.json",
                    r#"{"fields": {"name": {"type": "varchar"}, "machine": {"type": "link"},
                    "machineSerial": {"type": "foreign", "link": "machine", "field": "serial"},
                    "machineAccount": {"type": "foreign", "link": "machine", "field": "accountId"}},
                    "links": {"machine": {"type": "belongsTo", "entity": "CMachine", "foreign": "parts"}}}"#,
                ),
                ("scopes/CMachine.json", CUSTOM_SCOPE),
                ("scopes/CPart.json", CUSTOM_SCOPE),
            ],
        ],
    },
    Fixture {
        name: "array_root",
        entity_types: &["Call", "CAfter"],
        layers: &[&[
            (
                "entityDefs/Call.json",
                r#"[{"fields": {"cNote": {"type": "text"}}}]"#,
            ),
            (
                "entityDefs/CAfter.json",
                r#"{"fields": {"name": {"type": "varchar"}}}"#,
            ),
            ("scopes/CAfter.json", CUSTOM_SCOPE),
        ]],
    },
    Fixture {
        name: "user_interface_only",
        entity_types: &["Account"],
        layers: &[
            &[
                (
                    "app/adminPanel.json",
                    r#"{"system": {"itemList": ["__APPEND__"]}}"#,
                ),
                ("clientDefs/Account.json", r#"{"iconClass": "x"}"#),
            ],
            &[
                ("scopes/Account.json", r#"{"tab": false}"#),
                ("clientDefs/Lead.json", r#"{"color": "red"}"#),
            ],
            &[("layouts/Account/list.json", "[]")],
        ],
    },
    Fixture {
        name: "person_names",
        entity_types: &["CPerson"],
        layers: &[&[
            (
                "fields/personName.json",
                r#"{"actualFields": ["__APPEND__", "mothers", "suffix"],
                "fields": {"mothers": {"type": "varchar", "maxLength": 60}, "suffix": {"type": "enum", "options": ["", "Jr.", "Sr."]}}}"#,
            ),
            (
                "entityDefs/CPerson.json",
                r#"{"fields": {"name": {"type": "personName"}}}"#,
            ),
            ("scopes/CPerson.json", CUSTOM_SCOPE),
        ]],
    },
    Fixture {
        name: "option_shapes",
        entity_types: &["COption"],
        layers: &[&[
            (
                "entityDefs/COption.json",
                r#"{"fields": {"name": {"type": "varchar"},
                "unit": {"type": "enum", "options": ["m", "m²", "m³"]}, "size": {"type": "enum", "options": ["300", "300 "]},
                "level": {"type": "enum", "options": [1, 2, "3"]}, "any": {"type": "enum", "options": false},
                "colour": {"type": "enum", "options": ["Красный", "Синий", "Other"]},
                "gaps": {"type": "multiEnum", "options": {"0": "a", "2": "b"}}}}"#,
            ),
            ("scopes/COption.json", CUSTOM_SCOPE),
        ]],
    },
    Fixture {
        name: "numbers_as_strings",
        entity_types: &["CNumber"],
        layers: &[&[
            (
                "entityDefs/CNumber.json",
                r#"{"fields": {"name": {"type": "varchar", "maxLength": "12"},
                "count": {"type": "int", "min": "5", "max": "9"}, "share": {"type": "float", "min": "0.5"},
                "noType": {"maxLength": 3}, "made": {"type": "datetime", "default": "javascript: return 1;"},
                "rate": {"type": "decimal", "min": "0.5"}}}"#,
            ),
            ("scopes/CNumber.json", CUSTOM_SCOPE),
        ]],
    },
    Fixture {
        name: "missing_vendor",
        entity_types: &["COrder"],
        layers: &[&[
            (
                "entityDefs/COrder.json",
                r#"{"fields": {"name": {"type": "varchar"}, "quote": {"type": "link"},
                "lines": {"type": "linkMultiple"}, "subject": {"type": "linkParent", "entityList": ["Account", "VendorThing"]},
                "quoteName2": {"type": "foreign", "link": "quote", "field": "number"}},
                "links": {"quote": {"type": "belongsTo", "entity": "VendorQuote", "foreign": "orders"},
                    "lines": {"type": "hasMany", "entity": "VendorLine", "foreign": "order"},
                    "subject": {"type": "belongsToParent", "entityList": ["Account", "VendorThing"]},
                    "accounts": {"type": "hasMany", "entity": "Account", "foreign": "noSuchLink"}}}"#,
            ),
            ("scopes/COrder.json", CUSTOM_SCOPE),
        ]],
    },
    Fixture {
        name: "middle_columns",
        entity_types: &["CShelf", "CBook"],
        layers: &[&[
            (
                "entityDefs/CShelf.json",
                r#"{"fields": {"name": {"type": "varchar"}, "bookAmount": {"type": "float", "notStorable": true, "utility": true},
                "teams": {"type": "linkMultiple"}, "books": {"type": "linkMultiple", "columns": {"amount": "shelfAmount"}}},
                "links": {"books": {"type": "hasMany", "entity": "CBook", "foreign": "shelves", "relationName": "cShelfBook",
                    "additionalColumns": {"amount": {"type": "float"}, "place": {"type": "varchar", "len": 20}},
                    "columnAttributeMap": {"amount": "bookAmount"}},
                    "teams": {"type": "hasMany", "entity": "Team", "relationName": "EntityTeam"}}}"#,
            ),
            (
                "entityDefs/CBook.json",
                r#"{"fields": {"name": {"type": "varchar"}, "shelfAmount": {"type": "float", "notStorable": true, "utility": true},
                "shelfPlace": {"type": "varchar", "notStorable": true, "utility": true}},
                "links": {"shelves": {"type": "hasMany", "entity": "CShelf", "foreign": "books", "relationName": "cShelfBook",
                    "columnAttributeMap": {"amount": "shelfAmount", "place": "shelfPlace"}}}}"#,
            ),
            ("scopes/CShelf.json", CUSTOM_SCOPE),
            ("scopes/CBook.json", CUSTOM_SCOPE),
        ]],
    },
    Fixture {
        name: "pipelines",
        entity_types: &["Opportunity"],
        layers: &[&[("scopes/Opportunity.json", r#"{"pipelines": true}"#)]],
    },
    Fixture {
        name: "switched_off",
        entity_types: &["Case", "Lead"],
        layers: &[&[
            ("scopes/Case.json", r#"{"disabled": true}"#),
            ("scopes/Lead.json", r#"{"disabled": true}"#),
        ]],
    },
    Fixture {
        name: "eight_required",
        entity_types: &["CEight"],
        layers: &[&[
            (
                "entityDefs/CEight.json",
                r#"{"fields": {"name": {"type": "varchar"},
                "part1": {"type": "varchar", "required": true}, "part2": {"type": "varchar", "required": true},
                "part3": {"type": "varchar", "required": true}, "part4": {"type": "varchar", "required": true},
                "part5": {"type": "int", "required": true}, "part6": {"type": "int", "required": true},
                "part7": {"type": "date", "required": true}, "part8": {"type": "bool", "required": true}}}"#,
            ),
            ("scopes/CEight.json", CUSTOM_SCOPE),
        ]],
    },
    Fixture {
        name: "composites",
        entity_types: &["CVisit"],
        layers: &[&[
            (
                "entityDefs/CVisit.json",
                r#"{"collection": {"sortBy": "name"}, "fields": {"name": {"type": "varchar"},
                "budget": {"type": "rangeCurrency"}, "guests": {"type": "rangeInt"}, "place": {"type": "address", "notStorable": true},
                "fee": {"type": "currency", "decimal": true}, "ends": {"type": "datetimeOptional"}, "host": {"type": "linkOne"}},
                "links": {"host": {"type": "hasOne", "entity": "Account", "foreign": "cVisit"}}}"#,
            ),
            (
                "entityDefs/Account.json",
                r#"{"fields": {"cVisit": {"type": "link"}},
                "links": {"cVisit": {"type": "belongsTo", "entity": "CVisit", "foreign": "host"}}}"#,
            ),
            (
                "scopes/CVisit.json",
                r#"{"entity": true, "object": true, "acl": true, "stream": true, "isCustom": true, "type": "event"}"#,
            ),
        ]],
    },
    Fixture {
        name: "backups",
        entity_types: &["CKept"],
        layers: &[&[
            (
                "entityDefs/CKept.json",
                r#"{"fields": {"name": {"type": "varchar"}, "name": {"type": "varchar", "maxLength": 40}}}"#,
            ),
            (
                "entityDefs/backup_2024/CKept.json",
                r#"{"fields": {"old": {"type": "text"}}}"#,
            ),
            ("entityDefs/CKept.json.bak", "not JSON"),
            ("entityDefs/.CKept.json", "not JSON"),
            ("scopes/CKept.json", CUSTOM_SCOPE),
        ]],
    },
    Fixture {
        name: "wide",
        entity_types: &["CWide"],
        // Filled by `files`: 203 fields with names in snake_case.
        layers: &[&[("scopes/CWide.json", CUSTOM_SCOPE)]],
    },
];

/// The files of each layer of a fixture.
pub fn files(fixture: &Fixture) -> Vec<Vec<(String, String)>> {
    let own = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
    let mut layers: Vec<Vec<(String, String)>> = fixture
        .layers
        .iter()
        .map(|files| files.iter().map(own).collect())
        .collect();
    if fixture.name == "wide" {
        let types = [
            "varchar", "int", "bool", "date", "text", "float", "datetime",
        ];
        let fields: Vec<String> = (0..203)
            .map(|n| {
                format!(
                    r#""old_field_{n}": {{"type": "{}"}}"#,
                    types[n % types.len()]
                )
            })
            .collect();
        let body = format!(
            r#"{{"fields": {{"name": {{"type": "varchar"}}, {}}}}}"#,
            fields.join(", ")
        );
        layers[0].push(("entityDefs/CWide.json".to_owned(), body));
    }
    layers
}

/// 200 entity types in 20 layers: each layer adds ten and changes fields, options and links of those before it.
pub fn many() -> Vec<Vec<(String, String)>> {
    let mut layers: Vec<Vec<(String, String)>> = vec![Vec::new(); 20];
    for number in 0..200 {
        let (layer, name) = (number / 10, format!("CThing{number}"));
        let next = format!("CThing{}", (number + 1) % 200);
        let previous = format!("CThing{}", (number + 199) % 200);
        let body = format!(
            r#"{{"fields": {{"name": {{"type": "varchar", "required": true}}, "kind": {{"type": "enum", "options": ["A", "B{number}"]}},
                "amount": {{"type": "int"}}, "next": {{"type": "link"}}, "code": {{"type": "code"}}}},
                "links": {{"next": {{"type": "belongsTo", "entity": "{next}", "foreign": "previous"}},
                    "previous": {{"type": "hasMany", "entity": "{previous}", "foreign": "next"}}}}}}"#
        );
        layers[layer].push((format!("entityDefs/{name}.json"), body));
        layers[layer].push((format!("scopes/{name}.json"), CUSTOM_SCOPE.to_owned()));
        if layer + 1 < 20 {
            let change = format!(
                r#"{{"fields": {{"kind": {{"options": ["__APPEND__", "L{layer}"]}}, "amount": {{"max": {number}}},
                    "late{layer}": {{"type": "varchar"}}}}}}"#
            );
            layers[layer + 1].push((format!("entityDefs/{name}.json"), change));
        }
    }
    layers[0].push((
        "fields/code.json".to_owned(),
        r#"{"fieldDefs": {"type": "varchar", "len": 12}}"#.to_owned(),
    ));
    layers
}
