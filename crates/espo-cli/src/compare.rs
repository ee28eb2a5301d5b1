//! The differences of two schemas, as text, Markdown or JSON.

use std::fmt::Write as _;

use espo_codegen::{Generator, Renamed};
use espo_schema::{Change, ChangeKind, Schema};
use espo_stdio::one_line;
use serde_json::json;

use crate::config::Config;
use crate::failure::Failure;

/// How differences are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// One line per difference.
    #[default]
    Text,
    /// A summary for a pull request.
    Markdown,
    /// One JSON object.
    Json,
}

/// Options for the output of differences.
#[derive(clap::Args)]
pub(crate) struct FormatArgs {
    /// Format of the output.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl FormatArgs {
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

/// Options for the entity types to compare.
#[derive(clap::Args)]
pub(crate) struct ScopeArgs {
    /// Also report differences in entity types that `entity-types` in espo.toml excludes from the generated code.
    #[arg(long)]
    all: bool,
}

impl ScopeArgs {
    pub(crate) fn limit(&self, comparison: Comparison, config: &Config) -> Comparison {
        if self.all {
            comparison
        } else {
            comparison.only(&config.generate.entity_types)
        }
    }
}

/// The differences of two schemas for Rust callers.
pub(crate) struct Comparison {
    changes: Vec<Change>,
    renamed: Vec<Renamed>,
    /// Number of differences in entity types that are not generated.
    elsewhere: usize,
    /// Entity types and sections that a user without administrator rights cannot see.
    hidden: Option<Hidden>,
}

/// Entity types and sections that a user without administrator rights cannot see.
struct Hidden {
    entities: Vec<String>,
    changes: Vec<Change>,
}

impl Comparison {
    pub(crate) fn new(old: &Schema, new: &Schema) -> Result<Self, Failure> {
        Ok(Self {
            changes: Schema::diff(old, new),
            renamed: Generator::new().renamed(old, new)?,
            elsewhere: 0,
            hidden: None,
        })
    }

    /// Compares with the metadata that a user without administrator rights received.
    #[cfg_attr(not(feature = "network"), allow(dead_code))]
    pub(crate) fn partial(old: &Schema, new: &Schema) -> Result<Self, Failure> {
        let comparison = Schema::diff_partial(old, new);
        // Names are compared as if the hidden entity types were visible: otherwise those that collide with one of them
        // would look renamed.
        let mut visible = new.clone();
        for name in &comparison.hidden_entities {
            if let Some(entity) = old.entity_type(name) {
                visible.entity_types.insert(name.clone(), entity.clone());
            }
        }
        Ok(Self {
            changes: comparison.changes,
            renamed: Generator::new().renamed(old, &visible)?,
            elsewhere: 0,
            hidden: Some(Hidden {
                entities: comparison.hidden_entities,
                changes: comparison.hidden,
            }),
        })
    }

    /// Leaves only what affects code that was generated for these entity types; all of them if none is given.
    ///
    /// The code contains ID types of other entity types, so their removal is included.
    pub(crate) fn only(mut self, entities: &[String]) -> Self {
        if entities.is_empty() {
            return self;
        }
        let is_generated = |name: &String| entities.contains(name);
        let count = self.changes.len() + self.renamed.len();
        self.changes.retain(|change| {
            is_generated(&change.entity)
                || matches!(
                    change.kind,
                    ChangeKind::EntityRemoved | ChangeKind::EntityRenamed { .. }
                )
        });
        self.renamed.retain(|renamed| {
            is_generated(&renamed.new.entity) || renamed.new.wire == renamed.new.entity
        });
        self.elsewhere = count - self.changes.len() - self.renamed.len();
        if let Some(hidden) = &mut self.hidden {
            hidden.entities.retain(is_generated);
            hidden.changes.retain(|change| is_generated(&change.entity));
        }
        self
    }

    #[cfg_attr(not(feature = "network"), allow(dead_code))]
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.renamed.is_empty()
    }

    /// The number of differences that break callers.
    pub(crate) fn breaking(&self) -> usize {
        self.changes.iter().filter(|change| change.breaking).count() + self.renamed.len()
    }

    fn adding(&self) -> usize {
        self.changes
            .iter()
            .filter(|change| !change.breaking)
            .count()
    }

    /// An error if callers break.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.breaking() {
            0 => Ok(()),
            1 => Err(Failure::Check("1 difference breaks callers".to_owned())),
            count => Err(Failure::Check(format!("{count} differences break callers"))),
        }
    }

    /// The text to print, with a line feed at the end.
    pub(crate) fn render(&self, format: Format) -> Result<String, Failure> {
        match format {
            Format::Text => Ok(self.text()),
            Format::Markdown => Ok(self.markdown()),
            Format::Json => Ok(serde_json::to_string_pretty(&self.json())? + "\n"),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for change in self.changes.iter().filter(|change| change.breaking) {
            let _ = writeln!(text, "breaks  {}", one_line(&change.to_string()));
        }
        for renamed in &self.renamed {
            let _ = writeln!(text, "breaks  {}", one_line(&renamed.to_string()));
        }
        for change in self.changes.iter().filter(|change| !change.breaking) {
            let _ = writeln!(text, "        {}", one_line(&change.to_string()));
        }
        if let Some(hidden) = &self.hidden {
            for entity in &hidden.entities {
                let _ = writeln!(text, "hidden  {}", one_line(entity));
            }
            for change in &hidden.changes {
                let _ = writeln!(text, "hidden  {}", one_line(&place(change)));
            }
        }
        let _ = writeln!(text, "{}", self.summary());
        text
    }

    fn summary(&self) -> String {
        let mut text = format!(
            "{} breaking, {} other differences",
            self.breaking(),
            self.adding()
        );
        if self.elsewhere > 0 {
            let _ = write!(
                text,
                "; {} in entity types that are not generated",
                self.elsewhere
            );
        }
        match &self.hidden {
            Some(hidden) if hidden.entities.is_empty() && hidden.changes.is_empty() => {
                text.push_str("; partial comparison: the user is not an administrator");
            }
            Some(hidden) => {
                let _ = write!(
                    text,
                    "; partial comparison: this user cannot see {} entity types and {} references to them",
                    hidden.entities.len(),
                    hidden.changes.len()
                );
            }
            None => {}
        }
        text
    }

    fn markdown(&self) -> String {
        let mut text = format!("### EspoCRM schema: {}\n", self.summary());
        let breaking = self
            .changes
            .iter()
            .filter(|change| change.breaking)
            .map(item);
        let breaking: Vec<String> = breaking
            .chain(
                self.renamed
                    .iter()
                    .map(|renamed| format!("- {}", escaped(&renamed.to_string()))),
            )
            .collect();
        let adding: Vec<String> = self
            .changes
            .iter()
            .filter(|change| !change.breaking)
            .map(item)
            .collect();
        let hidden = self.hidden.iter().flat_map(|hidden| {
            let entities = hidden
                .entities
                .iter()
                .map(|name| format!("- {}", code(name)));
            entities.chain(
                hidden
                    .changes
                    .iter()
                    .map(|c| format!("- {}", code(&place(c)))),
            )
        });
        let hidden: Vec<String> = hidden.collect();
        for (title, items) in [
            ("Breaking", breaking),
            ("Other", adding),
            ("Hidden from this user", hidden),
        ] {
            if !items.is_empty() {
                let _ = write!(text, "\n**{title}**\n\n{}\n", items.join("\n"));
            }
        }
        text
    }

    fn json(&self) -> serde_json::Value {
        let renamed = self.renamed.iter().map(|renamed| {
            let name = &renamed.new;
            json!({"entity": name.entity, "member": name.wire, "what": name.kind.to_string(), "from": renamed.old,
                "to": name.rust, "breaking": true})
        });
        let mut report = json!({
            "version": 1,
            "breaking": self.breaking() > 0,
            "partial": self.hidden.is_some(),
            "notGenerated": self.elsewhere,
            "changes": self.changes,
            "rustNames": renamed.collect::<Vec<_>>(),
        });
        if let Some(hidden) = &self.hidden {
            report["hiddenEntities"] = json!(hidden.entities);
            report["hidden"] = json!(hidden.changes);
        }
        report
    }
}

/// The entity type and member that a difference is about.
fn place(change: &Change) -> String {
    match &change.member {
        Some(member) => format!("{}.{member}", change.entity),
        None => change.entity.clone(),
    }
}

fn item(change: &Change) -> String {
    format!(
        "- {}: {}",
        code(&place(change)),
        escaped(&change.kind.to_string())
    )
}

/// A name as a code span, or as escaped text if it contains a backtick, which would end the span.
fn code(name: &str) -> String {
    escaped(&format!("`{name}`"))
}

/// Text in which Markdown's special characters have no effect outside of code spans. Option values and labels are
/// arbitrary text. If they contain backticks, so that it is not certain where a code span ends, nothing is code.
fn escaped(text: &str) -> String {
    let has_spans = text.matches('`').count().is_multiple_of(2) && !text.contains("``");
    let mut out = String::new();
    let mut in_code = false;
    for c in text.chars() {
        match c {
            '`' if has_spans => in_code = !in_code,
            '\n' | '\r' => {
                out.push(' ');
                continue;
            }
            '`' | '\\' | '*' | '_' | '<' | '>' | '[' | ']' | '|' | '#' | '~' | '@' | '&'
                if !in_code =>
            {
                out.push('\\')
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn markdown_is_escaped_outside_of_code() {
        assert_eq!(
            escaped("option `<b>_x` added *now*"),
            "option `<b>_x` added \\*now\\*"
        );
        assert_eq!(escaped("a\nb <script>"), "a b \\<script\\>");
        // A name that would end the code span and load an image.
        assert_eq!(
            escaped("renamed from ``` to `<img src=x>`"),
            "renamed from \\`\\`\\` to \\`\\<img src=x\\>\\`"
        );
        assert_eq!(super::code("a`b"), "\\`a\\`b\\`");
        assert_eq!(super::code("Account.name"), "`Account.name`");
    }
}
