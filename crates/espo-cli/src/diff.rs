//! `espo diff`.

use std::path::PathBuf;

use espo_schema::Schema;

use crate::compare::{Comparison, FormatArgs, ScopeArgs};
use crate::config::Config;
use crate::failure::Failure;
use crate::git;

/// The state to compare with by default.
const LAST_COMMIT: &str = "git:HEAD";

/// Compare two metadata exports and report the changes that break Rust callers.
///
/// Compares OLD with NEW, or the state given by --against with the current metadata; without arguments, the last commit
/// with the working tree. Each is a directory with the layout of EspoCRM's metadata (entityDefs/Account.json, …) or a
/// JSON file returned by `GET Metadata`. Requires neither network access nor credentials.
///
/// Exits with 1 if there are breaking changes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Metadata before the change.
    #[arg(value_name = "OLD", requires = "new")]
    old: Option<PathBuf>,
    /// Metadata after the change.
    #[arg(value_name = "NEW")]
    new: Option<PathBuf>,
    /// State to compare with: git:REF (the same files in a commit, branch or tag) or the path of an export.
    #[arg(
        long,
        value_name = "STATE",
        conflicts_with_all = ["old", "new"],
        default_value = LAST_COMMIT,
        default_value_if("old", clap::builder::ArgPredicate::IsPresent, None)
    )]
    against: Option<String>,
    /// Current metadata for --against. Repeatable: later ones are merged over earlier ones. Defaults to the layers in
    /// espo.toml.
    #[arg(long = "metadata", value_name = "PATH", conflicts_with_all = ["old", "new"])]
    metadata: Vec<PathBuf>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    format: FormatArgs,
}

pub(crate) fn run(args: &Args, config: &Config) -> Result<(), Failure> {
    let (old, new) = schemas(args, config)?;
    let mut comparison = Comparison::new(&old, &new)?;
    // Two given exports need not be those of the configured crate.
    if args.against.is_some() {
        comparison = args.scope.limit(comparison, config);
    }
    espo_stdio::out!("{}", comparison.render(args.format.format())?)?;
    comparison.check()
}

fn schemas(args: &Args, config: &Config) -> Result<(Schema, Schema), Failure> {
    match (&args.against, &args.old, &args.new) {
        (Some(state), ..) => {
            let layers = config.layers(&args.metadata)?;
            let new = Schema::load(&layers)?;
            let old = match state.strip_prefix("git:") {
                Some(reference) => {
                    let checkout = git::checkout(reference, &layers)?;
                    Schema::load(&checkout.paths)
                        .map_err(|error| Failure::Input(checkout.named(&error.to_string())))?
                }
                None => Schema::load(&[PathBuf::from(state)])?,
            };
            Ok((old, new))
        }
        (None, Some(old), Some(new)) => Ok((Schema::load(&[old])?, Schema::load(&[new])?)),
        // clap requires one of the two forms.
        _ => Err(Failure::Input("pass OLD and NEW, or --against".to_owned())),
    }
}
