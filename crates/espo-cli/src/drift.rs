//! `espo drift`.

use std::path::PathBuf;

use espo_schema::Schema;

use crate::compare::{Comparison, FormatArgs, ScopeArgs};
use crate::config::Config;
use crate::credentials;
use crate::failure::Failure;
use crate::instance::{self, Connection};

/// Compare the metadata in this repository with a live instance.
///
/// Exits with 1 if the instance has changes that break Rust callers. For a user without administrator rights, the
/// comparison is partial: entity types and sections that the roles hide are listed but not compared.
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
    scope: ScopeArgs,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn run(args: &Args, config: &Config) -> Result<(), Failure> {
    let old = Schema::load(&config.layers(&args.metadata)?)?;
    let pulled = instance::pull(&args.connection, config, false)?;
    let comparison = if pulled.is_complete {
        Comparison::new(&old, &pulled.schema)?
    } else {
        Comparison::partial(&old, &pulled.schema)?
    };
    let comparison = args.scope.limit(comparison, config);
    espo_stdio::out!("{}", comparison.render(args.format.format())?)?;
    comparison.check()
}
