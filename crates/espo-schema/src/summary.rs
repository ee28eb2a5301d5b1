//! Counts of the contents of a metadata tree.

use std::fmt;

use crate::model::Schema;

/// Sections of an administrator's export that describe entity types.
const EXPECTED: [&str; 6] = [
    "entityDefs",
    "scopes",
    "fields",
    "clientDefs",
    "recordDefs",
    "app",
];

/// Counts of a schema, and the sections that its metadata lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Entity types.
    pub entity_types: usize,
    /// Fields of all entity types, sub-fields of composite ones included.
    pub fields: usize,
    /// Links of all entity types, without those that fields create.
    pub links: usize,
    /// Field types.
    pub field_types: usize,
    /// Sections of an administrator's export that are missing, such as `recordDefs` for other users.
    pub missing_sections: Vec<&'static str>,
}

impl Schema {
    /// Counts entity types, fields and links, and lists missing sections.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let entities = self.entity_types.values();
        let is_missing = |section: &&str| {
            let section = self.raw.get(*section).and_then(|s| s.as_object());
            section.is_none_or(serde_json::Map::is_empty)
        };
        Summary {
            entity_types: self.entity_types.len(),
            fields: entities.clone().map(|e| e.fields.len()).sum(),
            links: entities
                .map(|e| e.links.values().filter(|link| !link.implicit).count())
                .sum(),
            field_types: self.field_types.len(),
            missing_sections: EXPECTED.into_iter().filter(is_missing).collect(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} entity types, {} fields, {} links",
            self.entity_types, self.fields, self.links
        )?;
        if !self.missing_sections.is_empty() {
            write!(f, "; missing: {}", self.missing_sections.join(", "))?;
        }
        Ok(())
    }
}
