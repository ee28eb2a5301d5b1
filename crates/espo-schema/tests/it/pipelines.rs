//! Entity types with pipelines, from an export and from a layer.

use espo_schema::{ChangeKind, Level, Schema, ValueType};
use serde_json::{Value, json};

/// The stock export of an instance on which pipelines were switched on, as the server returns it.
fn export(name: &str) -> Value {
    let mut tree = Schema::stock().raw.clone();
    tree["scopes"][name]["pipelines"] = json!(true);
    let entity = &mut tree["entityDefs"][name];
    entity["fields"]["pipeline"] = json!({"type": "link", "required": true, "audited": true});
    entity["fields"]["pipelineStage"] = json!({"type": "link", "required": true, "audited": true,
        "validationDependsOnFieldList": ["pipeline"]});
    entity["links"]["pipeline"] = json!({"type": "belongsTo", "entity": "Pipeline"});
    entity["links"]["pipelineStage"] = json!({"type": "belongsTo", "entity": "PipelineStage"});
    let status = tree["scopes"][name]["statusField"]
        .as_str()
        .expect("a status")
        .to_owned();
    tree["entityDefs"][name]["fields"][status]["readOnly"] = json!(true);
    tree
}

/// The same switch in a layer.
fn layer(base: &Schema, entity: &str) -> Schema {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scopes = folder.path().join("scopes");
    std::fs::create_dir(&scopes).expect("a folder");
    std::fs::write(
        scopes.join(format!("{entity}.json")),
        r#"{"pipelines": true}"#,
    )
    .expect("a file");
    base.overlay(&[folder.path()]).expect("the layer fits")
}

#[test]
fn the_switch_in_a_layer_gives_the_servers_fields_and_links() {
    for entity in ["Opportunity", "Lead"] {
        let exported = Schema::from_value(export(entity), "export.json").expect("it loads");
        let layered = layer(Schema::stock(), entity);
        assert_eq!(
            layered.raw["entityDefs"][entity],
            exported.raw["entityDefs"][entity]
        );
        assert_eq!(layered.content_hash, exported.content_hash);
        assert_eq!(layered.entity_types[entity], exported.entity_types[entity]);
        let found = &layered.entity_types[entity];
        assert!(found.scope.pipelines);
        assert_eq!(
            found.attributes["pipelineStageId"].value,
            ValueType::Id {
                target: Some("PipelineStage".to_owned())
            }
        );
        let status = found.scope.status_field.as_deref().expect("a status");
        assert!(
            !found.attributes[status].writable,
            "the status follows the stage"
        );
    }
}

#[test]
fn creates_require_neither_pipeline_nor_stage() {
    let schema = layer(Schema::stock(), "Opportunity");
    for name in ["pipeline", "pipelineStage"] {
        let field = schema.field("Opportunity", name).expect("a field");
        assert!(field.required && field.filled_by_server && !field.required_on_create());
        assert!(schema.entity_types["Opportunity"].attributes[&format!("{name}Id")].writable);
    }
    // A field with the same name in another entity type has no special meaning.
    let capture = schema.field("LeadCapture", "pipeline").expect("a field");
    assert!(!capture.filled_by_server);
}

#[test]
fn adding_pipelines_breaks_only_writes_of_the_status() {
    let changes = Schema::diff(Schema::stock(), &layer(Schema::stock(), "Opportunity"));
    let breaking: Vec<_> = changes.iter().filter(|change| change.breaking).collect();
    assert_eq!(breaking.len(), 1, "{breaking:?}");
    assert_eq!(breaking[0].member.as_deref(), Some("stage"));
    assert_eq!(
        breaking[0].kind,
        ChangeKind::WritableChanged { writable: false }
    );
    assert!(changes.iter().any(|change| matches!(&change.kind,
        ChangeKind::FieldAdded { required: false, .. } if change.member.as_deref() == Some("pipeline"))));
}

#[test]
fn the_switch_without_its_preconditions_is_noted() {
    let note = |schema: &Schema| {
        let mut notes = schema
            .diagnostics
            .iter()
            .filter(|d| d.path.ends_with(".pipelines"));
        let note = notes.next().expect("a note");
        assert_eq!(note.level, Level::Note);
        note.message.clone()
    };
    let older = layer(Schema::stock_9_3(), "Opportunity");
    assert!(note(&older).contains("pipelines need EspoCRM 10.0"));
    assert!(
        !older.entity_types["Opportunity"]
            .fields
            .contains_key("pipeline")
    );
    let without_status = layer(Schema::stock(), "Account");
    assert!(note(&without_status).contains("`statusField`"));
    assert!(
        without_status.entity_types["Account"]
            .fields
            .contains_key("pipeline")
    );
}
