//! `espo drift`.

use std::path::PathBuf;

use espo_schema::{Change, ChangeKind, Schema};

use crate::compare::{Comparison, FormatArgs};
use crate::config::Config;
use crate::credentials;
use crate::failure::Failure;
use crate::instance::{self, Connection};

/// Compare the metadata in this repository with a live instance.
///
/// Exits with 1 if the instance has changes that break Rust callers. Entity types that the user cannot see are not
/// compared; an administrator sees all of them.
#[derive(clap::Args)]
#[command(after_long_help = credentials::HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Metadata from which the code was generated. Repeatable: later ones are merged over earlier ones. Defaults to the
    /// layers in espo.toml.
    #[arg(long = "metadata", value_name = "PATH")]
    metadata: Vec<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn run(args: &Args, config: &Config) -> Result<(), Failure> {
    let old = Schema::load(&config.layers(&args.metadata)?)?;
    let pulled = instance::pull(&args.connection, config, false)?;
    let mut new = Schema::from_value(pulled.metadata, &pulled.url)?;
    let mut hidden = Vec::new();
    if !pulled.is_complete {
        // Entity types that this user cannot see are not reported as removed.
        let unseen: Vec<_> = old
            .entity_types
            .iter()
            .filter(|(name, _)| !new.entity_types.contains_key(*name))
            .map(|(name, entity)| (name.clone(), entity.clone()))
            .collect();
        hidden.extend(unseen.iter().map(|(name, _)| name.clone()));
        new.entity_types.extend(unseen);
        if !hidden.is_empty() {
            espo_stdio::note!(
                "note: the user is not an administrator; {} entity types that it cannot see are not compared: {}",
                hidden.len(),
                hidden.join(", ")
            );
        }
    }
    // Links to entity types that are hidden from the user are hidden as well.
    let is_visible = |change: &Change| match &change.kind {
        ChangeKind::LinkRemoved {
            target: Some(target),
        } => !hidden.contains(target),
        _ => true,
    };
    let comparison = Comparison::new(&old, &new, is_visible)?;
    espo_stdio::out!("{}", comparison.render(args.format.format())?)?;
    comparison.check()
}
