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
        "parent": {"type": "linkParent", "entityList": ["Task"]},
    }, "links": {"parent": {"type": "belongsToParent"}}}, "Task": {"fields": {"project": {"type": "link"}}, "links": {"project": {"type": "belongsTo", "entity": "CProject"}}}},
    "scopes": {}}))
}

const OVERRIDES: &str = r#"
[entities.CProject]
rename = "Project"
[entities.CProject.attributes.cRegion]
rename = "region"
type = "crate::Region"
[entities.CProject.attributes.region]
rename = "old_region"
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
        "pub old_region: Option<String>,",
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
            "invalid value `1 + 1`: expected the path of a Rust type",
        ),
        (
            "[entities.CProject.attributes]\ncRegion.rename = \"x\"\ncLevel.rename = \"x\"",
            "is also renamed to `x`",
        ),
        (
            "[entities.CProject.attributes.cRegion]\nrename = \"region\"",
            "entities.CProject.attributes.cRegion: invalid value `region`: expected an unused name, but `region` has this name",
        ),
        (
            "[entities.CProject.attributes.cRegion]\nrename = \"new\"",
            "invalid value `new`: expected another name",
        ),
        (
            "[entities.CProject.attributes.cRegion]\nrename = \"set\"",
            "invalid value `set`: expected another name",
        ),
        (
            "[entities.CProject.attributes.cRegion]\nrename = \"cRegion\"",
            "expected the name of a Rust field in snake_case",
        ),
        (
            "[entities.CProject.attributes.cRegion]\nrename = \"clear_parent\"",
            "invalid value `clear_parent`: expected a name that generated code does not use",
        ),
        (
            "[entities.CProject]\nrename = \"TaskNew\"",
            "entities.CProject: invalid value `TaskNew`: expected another name, because the entity type `Task` has a type",
        ),
        (
            "[entities.CProject.attributes.cRegion]\ntype = \"Option<String>\"",
            "expected the type of the value without `Option`",
        ),
        (
            "[entities.CProject.attributes.cRegion]\ntype = \"&'static str\"",
            "expected the path of a Rust type",
        ),
        (
            "[entities.CProject.attributes.cRegion]\ntype = \"std::borrow::Cow<'a, str>\"",
            "expected a type that borrows nothing",
        ),
        (
            "[entities.CProject.attributes.cRegion]\ntype = \"Box<dyn Region>\"",
            "expected the path of a Rust type",
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
fn crates_of_types_must_be_declared() {
    let folder = std::env::temp_dir().join("espo-codegen-without-a-manifest");
    for (dependencies, type_, missing) in [
        ("", "url::Url", Some("url")),
        ("", "::url::Url", Some("url")),
        ("", "Vec<my_types::Region>", Some("my_types")),
        ("", "crate::Region", None),
        ("", "std::net::IpAddr", None),
        ("", "espo_core::jiff::Timestamp", None),
        (
            "[dependencies]\nmy-types = \"1\"\n",
            "my_types::a::Region",
            None,
        ),
        (
            "[dependencies]\nurl = \"1\"\n",
            "url::Pair<url::Url, other::Url>",
            Some("other"),
        ),
    ] {
        let text =
            format!("{dependencies}[entities.CProject.attributes.cRegion]\ntype = \"{type_}\"");
        let overrides = Overrides::parse(&text, "").expect(&text);
        let output = Generator::new().overrides(overrides).generate(&schema());
        let result = output
            .expect(&text)
            .into_crate("crm", "\"0.1\"")
            .keep_manifest(&folder);
        match (missing, result) {
            (None, result) => drop(result.expect(&text)),
            (Some(missing), result) => {
                let error = result.expect_err(&text).to_string();
                let expected = format!(
                    "entities.CProject.attributes.cRegion: the type is from the crate `{missing}`"
                );
                assert!(error.starts_with(&expected), "{error}");
            }
        }
    }
}

#[test]
fn skipped_required_attributes_are_warnings() {
    let text = "[entities.CProject.attributes]\nname.skip = true\ncLegacy.skip = true";
    let overrides = Overrides::parse(text, "").expect("overrides");
    let output = Generator::new().overrides(overrides).generate(&schema());
    let output = output.expect("Rust").into_crate("crm", "\"0.1\"");
    let warnings: Vec<&str> = output.warnings().collect();
    assert_eq!(
        warnings,
        [
            "entities.CProject.attributes.name: `skip` leaves out an attribute that the server requires; creates must set it with `set_raw`"
        ]
    );
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
