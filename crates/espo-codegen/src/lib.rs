//! Generates a typed Rust SDK from the entity metadata of an EspoCRM instance.
//!
//! The output is data: for each entity type a record struct, its attributes and links as typed constants, its enums,
//! and the types of creates and updates. The operations on them are in `espo-core`, written once.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use espo_codegen::{Generator, Output};
//!
//! let schema = espo_schema::Schema::load(&["metadata"])?;
//! let output: Output = Generator::new().generate(&schema)?;
//! output.write_to("src/generated")?;
//! # Ok(())
//! # }
//! ```
//!
//! The same metadata gives byte-identical output, regardless of the order of its keys.

mod capabilities;
mod doc;
mod emit;
mod model;
pub mod names;
mod output;
mod overrides;
mod parallel;
mod rust_names;
mod types;

use std::collections::BTreeSet;

use espo_schema::Schema;
use sha2::{Digest as _, Sha256};

// Their types are in public signatures.
pub use {espo_schema, toml};

pub use output::{Drift, Output, is_generated};
pub use overrides::{AttributeOverride, EntityOverride, Overrides};
pub use rust_names::{Renamed, RustName, RustNameKind};

/// Errors of the generator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A requested entity type is not in the metadata.
    #[error("the metadata has no entity type `{name}`{}", near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownEntityType {
        /// The requested name.
        name: String,
        /// The entity type with the most similar name.
        near: Option<String>,
    },
    /// A file could not be read or written.
    #[error("cannot read or write {path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The I/O error.
        source: std::io::Error,
    },
    /// An override is invalid, or refers to something that the metadata does not have.
    #[error("{at}: {message}")]
    Override {
        /// The file, or the location in it.
        at: String,
        /// The reason.
        message: String,
    },
    /// The existing manifest of the generated crate lacks a dependency that the overrides need.
    #[error("{path} has no `{line}`, which the overrides need; add it under [dependencies]")]
    Dependency {
        /// The manifest.
        path: String,
        /// The missing line.
        line: String,
    },
    /// The manifest of the crate to generate into cannot be updated.
    #[error("cannot write features into {path}: {message}")]
    Manifest {
        /// The manifest.
        path: String,
        /// The reason.
        message: String,
    },
    /// Files that were not generated would be overwritten.
    #[error(
        "these files exist and were not generated: {paths}; nothing was written; choose another directory or move the files"
    )]
    Foreign {
        /// The files.
        paths: String,
    },
}

/// The options of the generator.
#[derive(Clone, Debug, Default)]
pub struct Generator {
    only: BTreeSet<String>,
    overrides: Overrides,
    ungated: bool,
    labels: bool,
}

impl Generator {
    /// Generates all entity types of the metadata.
    pub fn new() -> Self {
        Self::default()
    }

    /// Generates only these entity types; the others become empty types, for typed IDs.
    #[must_use]
    pub fn only(mut self, entity_types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.only.extend(entity_types.into_iter().map(Into::into));
        self
    }

    /// Sets the overrides, replacing earlier ones.
    #[must_use]
    pub fn overrides(mut self, overrides: Overrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// Generates modules without Cargo features, for a `build.rs`, which selects entity types with [`Generator::only`].
    ///
    /// ```no_run
    /// // build.rs
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     println!("cargo::rerun-if-changed=metadata.json");
    ///     let schema = espo_schema::Schema::load(&["metadata.json"])?;
    ///     let output = espo_codegen::Generator::new().only(["Account", "Contact"]).without_features().generate(&schema)?;
    ///     output.write_to(std::path::Path::new(&std::env::var("OUT_DIR")?).join("crm"))?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// The crate then has a module with `include!(concat!(env!("OUT_DIR"), "/crm/mod.rs"));` in it, and depends on
    /// `espo-core`. `examples/build-rs` is such a crate.
    #[must_use]
    pub fn without_features(mut self) -> Self {
        self.ungated = true;
        self
    }

    /// Generates the module `labels` without Cargo features as well, if the metadata contains labels. With features, it is
    /// always generated, behind the feature `labels`.
    #[must_use]
    pub fn with_labels(mut self) -> Self {
        self.labels = true;
        self
    }

    /// Generates the modules: `mod.rs` and a file for each entity type.
    ///
    /// # Errors
    /// Fails if a requested entity type is not in the metadata, or an override does not apply.
    pub fn generate(&self, schema: &Schema) -> Result<Output, Error> {
        let model = self.model(schema)?;
        let labels = if self.ungated && !self.labels {
            None
        } else {
            emit::labels_module(&model, &schema.raw["i18n"])
        };
        let features = emit::features(&model, labels.is_some());
        let has_labels = labels.is_some();
        let mut output = Output::new(features, self.overrides.manifest_lines());
        output.uses_crates(self.overrides.crates(schema, &self.only));
        for entity in &model.entities {
            for attribute in &entity.skipped_required {
                output.warn(format!(
                    "{}: `skip` leaves out an attribute that the server requires; creates must set it with `set_raw`",
                    overrides::at(&entity.schema.name, Some(attribute))
                ));
            }
        }
        if let Some(labels) = labels {
            output.insert("labels.rs", labels);
        }
        if !model.shared.is_empty() {
            output.insert("shared_options.rs", emit::shared_module(&model.shared));
        }
        let modules = parallel::map(&model.entities, emit::module);
        for (entity, text) in model.entities.iter().zip(modules) {
            output.insert(format!("{}.rs", entity.module), text);
        }
        let hash = hash(&model, &output);
        output.insert(
            "mod.rs",
            emit::root(&model, &hash, !self.ungated, has_labels),
        );
        Ok(output.listed())
    }

    fn model<'s>(&'s self, schema: &'s Schema) -> Result<model::Model<'s>, Error> {
        if let Some(name) = self
            .only
            .iter()
            .find(|name| !schema.entity_types.contains_key(*name))
        {
            let near = nearest(name, schema.entity_types.keys());
            return Err(Error::UnknownEntityType {
                name: name.clone(),
                near,
            });
        }
        self.overrides.check(schema)?;
        model::Model::new(schema, &self.only, &self.overrides)
    }
}

/// SHA-256 of the definitions that the code depends on, in lower-case hex. The hash of the whole metadata would also change
/// with entity types that are not generated, and with settings of the UI.
fn hash(model: &model::Model<'_>, output: &Output) -> String {
    let mut hasher = Sha256::new();
    for (wire, rust) in &model.entity_names {
        hasher.update(format!("{wire}\0{rust}\n"));
    }
    for (path, text) in output.files() {
        hasher.update(path.to_string_lossy().as_bytes());
        hasher.update(text);
    }
    let digest = hasher.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The known name that is most similar to an unknown one, if any is similar.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    let likeness = |known: &&String| strsim::jaro_winkler(known, name);
    known
        .filter(|known| likeness(known) >= 0.75)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .cloned()
}

/// The examples of the README, compiled as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
