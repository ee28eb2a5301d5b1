//! `espo update`.

use std::path::{Component, Path, PathBuf};

use espo_schema::Schema;

use crate::codegen::{self, TargetArgs};
use crate::compare::{Comparison, Format};
use crate::config::{Config, FILE};
use crate::credentials;
use crate::failure::Failure;
use crate::files::Changes;
use crate::instance::{self, Connection, Pulled};
use crate::pull;

/// Export the metadata, print the changes and generate the SDK; write all files or none.
///
/// The instance, the export and the output are configured in espo.toml. After an error, all files are unchanged. A breaking
/// change is not an error: the compiler lists the code to adapt.
#[derive(clap::Args)]
#[command(after_long_help = credentials::HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Print the changes and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Format of the summary.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Remove entity types that are missing from the new export, even if they may only be hidden from this user.
    #[arg(long)]
    allow_hidden: bool,
    /// Also replace files that were not generated or exported.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, config: &Config) -> Result<(), Failure> {
    let export = config
        .metadata
        .export
        .as_deref()
        .map(|path| config.path(path))
        .ok_or_else(|| {
            Failure::Input(format!(
                "no export given: set `export` under [metadata] in {FILE}, or run `espo init`"
            ))
        })?;
    let split = config
        .metadata
        .export
        .as_deref()
        .is_some_and(pull::names_folder)
        || export.is_dir();
    let layers = config.layers(&[])?;
    let is_export = |layer: &PathBuf| normal(layer) == normal(&export);
    let Some(place) = layers.iter().position(is_export) else {
        return Err(Failure::Input(format!(
            "the layers in {FILE} do not contain the export {}; add it to `layers`, or remove `layers`",
            export.display()
        )));
    };
    let previous = Previous::load(&export, &layers);
    let labels = config.metadata.labels.unwrap_or(true);
    let pulled = instance::pull(&args.connection, config, labels)?;
    let text = pulled.text()?;
    let new = with_export(&layers, place, &text)?;
    if !pulled.is_complete && !args.allow_hidden {
        previous.check_hidden(&new)?;
    }
    let comparison = match &previous {
        Previous::Read(old) => {
            Some(Comparison::new(old, &new)?.only(&config.generate.entity_types))
        }
        Previous::None | Previous::Unreadable(_) => None,
    };

    check_selection(config, &new, pulled.is_complete)?;
    let generated = codegen::generate(&new, &TargetArgs::default(), config)?;
    let mut changes = Changes::default();
    generated.plan(&mut changes, args.force)?;
    // The export is written last: if the process is killed in between, the next update reports the same changes again.
    pulled.write(&export, split, args.force, &mut changes)?;
    let written = changes.written().count();
    if !args.dry_run {
        changes.commit()?;
    }
    report(args, &previous, comparison.as_ref(), &pulled, written)?;
    if !args.dry_run && args.format == Format::Text {
        espo_stdio::outln!("{}", generated.summary())?;
    }
    pull::note_incomplete(&pulled);
    Ok(())
}

/// Checks that the entity types in espo.toml exist. The generator could not explain why one is missing.
fn check_selection(config: &Config, new: &Schema, is_complete: bool) -> Result<(), Failure> {
    let missing = config.generate.entity_types.iter();
    let missing: Vec<&str> = missing
        .map(String::as_str)
        .filter(|name| new.entity_type(name).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join("`, `");
    Err(Failure::Input(if is_complete {
        format!(
            "the instance has no entity type `{missing}`; nothing was written; correct `entity-types` under [generate] in \
             {FILE}, or remove the name there"
        )
    } else {
        format!(
            "the instance has no entity type `{missing}` that this user can see; nothing was written; use an administrator, \
             or correct `entity-types` under [generate] in {FILE}"
        )
    }))
}

/// A path without `.`, and without `..` after a name.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir
                if matches!(normal.components().next_back(), Some(Component::Normal(_))) =>
            {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// The metadata before the update.
enum Previous {
    /// There is no export yet.
    None,
    Read(Box<Schema>),
    /// The export is damaged, for example by a merge; this command replaces it.
    Unreadable(String),
}

impl Previous {
    fn load(export: &Path, layers: &[PathBuf]) -> Self {
        let is_empty = |folder: &Path| {
            std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
        };
        if !export.exists() || is_empty(export) {
            return Self::None;
        }
        match Schema::load(layers) {
            Ok(schema) => Self::Read(Box::new(schema)),
            Err(error) => {
                let error = error.to_string();
                Self::Unreadable(error.lines().next().unwrap_or_default().to_owned())
            }
        }
    }

    /// Without this check, entity types that are hidden by missing permissions would be removed from the SDK.
    fn check_hidden(&self, new: &Schema) -> Result<(), Failure> {
        let old = match self {
            Self::None => return Ok(()),
            Self::Unreadable(error) => {
                return Err(Failure::Input(format!(
                    "the user is not an administrator, and it is unknown which entity types this user cannot \
                     see, because the previous export cannot be read ({error}); nothing was written; use an \
                     administrator, or pass --allow-hidden"
                )));
            }
            Self::Read(old) => old,
        };
        let missing: Vec<&str> = old
            .entity_types
            .keys()
            .filter(|name| !new.entity_types.contains_key(*name))
            .map(|name| name.as_str())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failure::Input(format!(
            "the user is not an administrator, and the export lacks {} entity types of the previous one: {}; \
             nothing was written; use an administrator, or pass --allow-hidden to remove them",
            missing.len(),
            missing.join(", ")
        )))
    }
}

/// The layers, with the new text in place of the export.
fn with_export(layers: &[PathBuf], place: usize, text: &str) -> Result<Schema, Failure> {
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::Input(format!("cannot create a temporary directory: {error}")))?;
    let name = layers[place]
        .file_name()
        .unwrap_or_else(|| "metadata.json".as_ref());
    let new = folder.path().join(name);
    std::fs::write(&new, text).map_err(|error| Failure::file("write", &new, error))?;
    let mut layers = layers.to_vec();
    layers[place] = new;
    codegen::load(&layers)
}

fn report(
    args: &Args,
    previous: &Previous,
    comparison: Option<&Comparison>,
    pulled: &Pulled,
    written: usize,
) -> Result<(), Failure> {
    if let Previous::Unreadable(error) = previous {
        espo_stdio::note!(
            "note: the previous export could not be read, so the changes are unknown: {}",
            espo_stdio::one_line(error)
        );
        return Ok(());
    }
    match comparison {
        Some(comparison) if args.format != Format::Text => {
            espo_stdio::out!("{}", comparison.render(args.format)?)?;
        }
        Some(comparison) if comparison.is_empty() => {
            espo_stdio::outln!("no schema changes on {}", pulled.url)?;
        }
        Some(comparison) => espo_stdio::out!("{}", comparison.render(args.format)?)?,
        None if args.format == Format::Text => {
            espo_stdio::outln!("first export from {}", pulled.url)?;
        }
        None => {}
    }
    if args.dry_run && args.format == Format::Text {
        espo_stdio::outln!("{written} files would change; nothing was written")?;
    }
    Ok(())
}
