//! `espo pull`.

use std::path::PathBuf;

use espo_schema::Schema;

use crate::config::Config;
use crate::credentials;
use crate::failure::Failure;
use crate::files::Changes;
use crate::instance::{self, Connection, Pulled};

/// Export the metadata of an instance to a file.
///
/// An administrator sees all entity types and fields; any other user exports what its roles allow. The file is replaced
/// only after the complete response has been read as metadata.
#[derive(clap::Args)]
#[command(after_long_help = credentials::HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    /// File to write. Defaults to `export` under [metadata] in espo.toml, else metadata.json.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Leave out the labels, which appear only in the documentation of the generated code.
    #[arg(long)]
    no_labels: bool,
}

pub(crate) fn run(args: &Args, config: &Config) -> Result<(), Failure> {
    let path = match (&args.out, &config.metadata.export) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) => config.path(path),
        (None, None) => PathBuf::from("metadata.json"),
    };
    let labels = !args.no_labels && config.metadata.labels.unwrap_or(true);
    let pulled = instance::pull(&args.connection, config, labels)?;
    // An export that cannot be read must not replace one that can.
    let schema = Schema::from_value(pulled.metadata.clone(), &pulled.url)?;
    let mut changes = Changes::default();
    changes.write(&path, pulled.text()?);
    changes.commit()?;
    espo_stdio::outln!(
        "{} entity types from {} in {}",
        schema.entity_types.len(),
        pulled.url,
        path.display()
    )?;
    note_incomplete(&pulled);
    Ok(())
}

/// Warns that the export may lack entity types.
pub(crate) fn note_incomplete(pulled: &Pulled) {
    if !pulled.is_complete {
        espo_stdio::note!(
            "note: the user is not an administrator; the export lacks the entity types and fields that it cannot see"
        );
    }
}
