//! `espo pull`.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::credentials;
use crate::failure::Failure;
use crate::files::Changes;
use crate::instance::{self, Connection, Pulled};

/// Export the metadata of an instance to a file or directory.
///
/// An administrator sees all entity types and fields; the export of any other user contains only what its roles
/// allow. An existing export is replaced only after the complete response has been received and parsed.
#[derive(clap::Args)]
#[command(after_long_help = credentials::HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    /// File or existing directory to write, or `-` for standard output. Defaults to `export` under [metadata] in
    /// espo.toml, or to metadata.json.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Write a directory with one small sorted file per entity type and section, so that changes can be reviewed in Git.
    /// Implied if the path is an existing directory or ends with `/`.
    #[arg(long)]
    split: bool,
    /// Also write roles, teams, users, currencies and settings to FILE, for `espo-sim --users FILE`, so that the
    /// simulator applies the permissions of the instance. The passwords and keys in it are generated and not valid on
    /// the instance. Requires an administrator. The file is readable by its owner only.
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// Leave out the labels, which appear in the documentation of the generated code and in its module `labels`.
    #[arg(long)]
    no_labels: bool,
    /// Also replace and delete files in the directory that were not written by an earlier export.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, config: &Config) -> Result<(), Failure> {
    let (path, is_folder) = match (&args.out, &config.metadata.export) {
        (Some(path), _) => (path.clone(), names_folder(path)),
        (None, Some(path)) => (config.path(path), names_folder(path)),
        (None, None) => (PathBuf::from("metadata.json"), false),
    };
    let labels = !args.no_labels && config.metadata.labels.unwrap_or(true);
    let pulled = instance::pull(&args.connection, config, labels)?;
    let summary = |place: &str| {
        format!(
            "{place}: {} (from {} as {})",
            pulled.schema.summary(),
            pulled.url,
            espo_stdio::one_line(&pulled.user),
        )
    };
    let mut changes = Changes::default();
    let access = match &args.users {
        Some(path) => {
            let access = instance::pull_access(&args.connection, config, &pulled)?;
            changes.write_private(path, serde_json::to_string_pretty(&access)? + "\n");
            Some((path, access))
        }
        None => None,
    };
    if path.as_os_str() == "-" {
        changes.commit()?;
        espo_stdio::out!("{}", pulled.text()?)?;
        espo_stdio::note!("{}", summary("standard output"));
        note_incomplete(&pulled);
        return Ok(());
    }
    let split = args.split || is_folder || path.is_dir();
    if split && path.is_file() {
        return Err(Failure::Input(format!(
            "cannot write a directory to {}: it is a file; delete it or pass another --out",
            path.display()
        )));
    }
    pulled.write(&path, split, args.force, &mut changes)?;
    changes.commit()?;
    // The export may go to a pipe that is also standard output.
    if path.is_file() || path.is_dir() {
        espo_stdio::outln!("{}", summary(&path.display().to_string()))?;
    } else {
        espo_stdio::note!("{}", summary(&path.display().to_string()));
    }
    if let Some((path, access)) = &access {
        let count = |what: &str| access[what].as_array().map_or(0, Vec::len);
        espo_stdio::outln!(
            "{}: {} roles, {} teams and {} users",
            path.display(),
            count("roles"),
            count("teams"),
            count("users"),
        )?;
    }
    note_incomplete(&pulled);
    Ok(())
}

/// Whether a path ends with a separator, and so is the path of a directory, even if that does not exist yet.
pub(crate) fn names_folder(path: &Path) -> bool {
    path.to_string_lossy().ends_with(std::path::is_separator)
}

/// Warns that the export may lack entity types.
pub(crate) fn note_incomplete(pulled: &Pulled) {
    if !pulled.is_complete {
        espo_stdio::note!(
            "note: the user is not an administrator; the export lacks the entity types and fields that this user cannot see"
        );
    }
}
