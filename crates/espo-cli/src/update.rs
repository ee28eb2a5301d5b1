//! `espo update`.

use std::path::{Path, PathBuf};

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
    /// Accept missing entity types that the previous export contains and that this user may be unable to see.
    #[arg(long)]
    allow_hidden: bool,
    /// Also replace files that were not generated.
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
    let layers = config.layers(&[])?;
    if !layers.contains(&export) {
        return Err(Failure::Input(format!(
            "the layers in {FILE} do not contain the export {}; add it to `layers`, or remove `layers`",
            export.display()
        )));
    }
    let old = if export.exists() {
        Some(Schema::load(&layers)?)
    } else {
        None
    };
    let labels = config.metadata.labels.unwrap_or(true);
    let pulled = instance::pull(&args.connection, config, labels)?;
    let text = pulled.text()?;
    let new = with_export(&layers, &export, &text)?;
    if let (Some(old), false, false) = (&old, pulled.is_complete, args.allow_hidden) {
        check_hidden(old, &new)?;
    }
    let comparison = match &old {
        Some(old) => Some(Comparison::new(old, &new)?),
        None => None,
    };

    let generated = codegen::generate(&new, &TargetArgs::default(), config)?;
    let mut changes = Changes::default();
    generated.plan(&mut changes, args.force)?;
    // Last: if the process is killed in between, the next update reports the same changes again.
    pulled.write(&export, export.is_dir(), &mut changes)?;
    let written = changes.written().count();
    if !args.dry_run {
        changes.commit()?;
    }
    report(args, comparison.as_ref(), &pulled, written)?;
    if !args.dry_run && args.format == Format::Text {
        espo_stdio::outln!("{}", generated.summary())?;
    }
    pull::note_incomplete(&pulled);
    Ok(())
}

/// The layers, with the new text in the place of the export.
fn with_export(layers: &[PathBuf], export: &Path, text: &str) -> Result<Schema, Failure> {
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::Input(format!("cannot create a temporary directory: {error}")))?;
    let name = export
        .file_name()
        .unwrap_or_else(|| "metadata.json".as_ref());
    let new = folder.path().join(name);
    std::fs::write(&new, text).map_err(|error| Failure::file("write", &new, error))?;
    let layers: Vec<PathBuf> = layers
        .iter()
        .map(|layer| {
            if layer == export {
                new.clone()
            } else {
                layer.clone()
            }
        })
        .collect();
    codegen::load(&layers)
}

/// Entity types that vanish because of missing permissions would be removed from the SDK.
fn check_hidden(old: &Schema, new: &Schema) -> Result<(), Failure> {
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
        "the user is not an administrator, and its export lacks {} entity types of the previous one: {}; nothing was \
         written; use an administrator, or pass --allow-hidden to remove them",
        missing.len(),
        missing.join(", ")
    )))
}

fn report(
    args: &Args,
    comparison: Option<&Comparison>,
    pulled: &Pulled,
    written: usize,
) -> Result<(), Failure> {
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
