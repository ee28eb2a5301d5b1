//! Overrides: their effects, and errors for those that no longer apply.

use espo_codegen::{Generator, Overrides};
use espo_schema::Schema;
use serde_json::json;

use crate::common;

fn schema() -> Schema {
    common::schema(json!({"entityDefs": {"CProject": {"fields": {
        "name": {"type": "varchar", "required": true},
        "cRegion": {"type": "enum", "options": ["North", "South"]},
        "region": {"type": "varchar"},
        "cLegacy": {"type": "varchar"},
        "cLevel": {"type": "int"},
    }}, "Task": {"fields": {"project": {"type": "link"}}, "links": {"project": {"type": "belongsTo", "entity": "CProject"}}}},
    "scopes": {}}))
}

const OVERRIDES: &str = r#"
[entities.CProject]
rename = "Project"
[entities.CProject.attributes.cRegion]
rename = "region"
type = "crate::Region"
[entities.CProject.attributes.cLegacy]
skip = true
[entities.CProject.attributes.cLevel]
type = "crate::Level"
"#;

#[test]
fn overridden_names_types_and_skips_compile() {
    let overrides = Overrides::parse(OVERRIDES, "overrides.toml").expect("overrides");
    let output = Generator::new()
        .overrides(overrides)
        .generate(&schema())
        .expect("Rust");
    let text = common::file(&output, "project.rs");
    for wanted in [
        "pub struct Project {",
        "pub region: Option<crate::Region>,",
        "pub region_: Option<String>,",
        "pub c_level: Option<crate::Level>,",
        "pub const REGION: Field<Project, kind::Own<crate::Region, kind::Text>, access::NonNull>",
        "pub const C_LEVEL: Field<Project, kind::Own<crate::Level, kind::Int>>",
        "const ENTITY_TYPE: &'static str = \"CProject\";",
    ] {
        assert!(text.contains(wanted), "no {wanted} in\n{text}");
    }
    assert!(
        !text.contains("cLegacy") && !text.contains("enum CRegion"),
        "{text}"
    );
    assert!(common::file(&output, "task.rs").contains("pub project_id: Option<Id<Project>>"));

    let folder = common::write_crate("espo-overridden", output);
    let lib = std::fs::read_to_string(folder.join("src/lib.rs")).expect("lib.rs");
    let own = r#"
/// A region.
#[derive(Clone, Debug, PartialEq)]
pub struct Region(String);
impl From<&str> for Region {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
impl Region {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
espo_core::text_value!(Region);
/// A level is a string here, although it is a number on the wire.
pub type Level = Region;
/// Filters take the user's types.
pub fn filters() -> espo_core::typed::Filter<Project> {
    project::REGION.eq(Region::from("North")) & project::REGION.contains("or") & project::C_LEVEL.gt(Level::from("1"))
}
"#;
    std::fs::write(folder.join("src/lib.rs"), lib + own).expect("written");
    common::assert_clean(&common::cargo(&folder, &["check"]));
}

#[test]
fn invalid_overrides_are_rejected() {
    for (text, expected) in [
        (
            "[entities.CProjekt]",
            "entities.CProjekt: the metadata has no entity type `CProjekt`; did you mean `CProject`?",
        ),
        (
            "[entities.CProject.attributes.cRegio]\nskip = true",
            "entities.CProject.attributes.cRegio: the metadata has no attribute `cRegio`; did you mean `cRegion`?",
        ),
        (
            "[entities.CProject]\nrename = \"Task\"",
            "invalid value `Task`: expected an unused name of a Rust type",
        ),
        (
            "[entities.CProject]\nrename = \"a b\"",
            "invalid value `a b`: expected an unused name of a Rust type",
        ),
        (
            "[entities.CProject.attributes.cRegion]\nrename = \"type\"",
            "invalid value `type`: expected the name of a Rust field",
        ),
        (
            "[entities.CProject.attributes.cRegion]\ntype = \"1 + 1\"",
            "invalid value `1 + 1`: expected a Rust type",
        ),
        (
            "[entities.CProject.attributes]\ncRegion.rename = \"x\"\ncLevel.rename = \"x\"",
            "is also renamed to `x`",
        ),
        ("[entities.CProject]\nname = \"x\"", "unknown field `name`"),
    ] {
        let made = Overrides::parse(text, "overrides.toml")
            .and_then(|o| Generator::new().overrides(o).generate(&schema()));
        let error = made.expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn skipped_entity_types_keep_their_name_for_ids() {
    let overrides = Overrides::parse("[entities.CProject]\nskip = true", "").expect("overrides");
    let output = Generator::new()
        .overrides(overrides)
        .generate(&schema())
        .expect("Rust");
    assert!(
        output
            .files()
            .all(|(path, _)| path.to_str() != Some("c_project.rs"))
    );
    assert!(common::file(&output, "mod.rs").contains("pub enum CProject {}"));
}
