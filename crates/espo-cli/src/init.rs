//! `espo init`.

use std::path::{Path, PathBuf};

use crate::arguments;
use crate::config::FILE;
use crate::failure::{Failure, program};
use crate::files::Changes;

const EXAMPLE: &str = "https://crm.example.com";

/// Write espo.toml, so that the other commands need no arguments.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// URL of the instance. Defaults to the environment variable ESPO_URL or, if it is not set, to
    /// https://crm.example.com.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Directory of the crate to generate.
    #[arg(long = "crate", value_name = "DIR", default_value = "crm")]
    package: String,
    /// Generate only these entity types, separated by commas. Defaults to all entity types.
    #[arg(long, value_name = "ENTITY TYPES", value_delimiter = ',', value_parser = arguments::entity_type)]
    only: Vec<String>,
    /// espo-core dependency of the crate: a version such as `"0.1"`, or a table such as `{ path = "…" }` with a path
    /// relative to espo.toml. Defaults to the version of this program.
    #[arg(long, value_name = "DEPENDENCY")]
    espo_core: Option<String>,
    /// Replace an existing file.
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, path: Option<&Path>) -> Result<(), Failure> {
    let path = path.map_or_else(|| PathBuf::from(FILE), Path::to_path_buf);
    // CI systems set variables without a value.
    let from_environment = || std::env::var("ESPO_URL").ok().filter(|url| !url.is_empty());
    let url = args.url.clone().or_else(from_environment);
    let has_url = url.is_some();
    let url = url.unwrap_or_else(|| EXAMPLE.to_owned());
    arguments::base_url(&url)?;
    arguments::crate_name(None, Path::new(&args.package))?;
    let espo_core = match &args.espo_core {
        Some(dependency) => arguments::dependency(dependency)?,
        None => String::new(),
    };
    if path.exists() && !args.force {
        return Err(Failure::Input(format!(
            "{} exists; edit it, or pass --force to replace it",
            path.display()
        )));
    }
    if let Some(other) = in_parent(&path) {
        espo_stdio::note!(
            "note: in this directory, commands will read this file instead of {}",
            other.display()
        );
    }
    let mut changes = Changes::default();
    changes.write(&path, template(&url, args, &espo_core));
    changes.commit()?;
    let edit = if has_url {
        ""
    } else {
        "set `url` in it to the URL of your instance, "
    };
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let has_credentials =
        is_set("ESPO_API_KEY") || is_set("ESPO_USERNAME") || is_set("ESPO_CREDENTIALS");
    let log_in = if has_credentials {
        ""
    } else {
        "set ESPO_USERNAME and ESPO_PASSWORD (or ESPO_API_KEY), then "
    };
    espo_stdio::outln!(
        "wrote {}; {edit}{log_in}run `{} update`",
        path.display(),
        program()
    )?;
    Ok(())
}

/// The file that commands in this directory have read so far.
fn in_parent(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let folders = path.parent()?.ancestors().skip(1);
    folders
        .map(|folder| folder.join(FILE))
        .find(|path| path.is_file())
}

fn template(url: &str, args: &Args, espo_core: &str) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let only = if args.only.is_empty() {
        "# Generate only these entity types; for the others, only their ID types are generated.\n# entity-types = [\"Account\", \"Contact\"]"
            .to_owned()
    } else {
        let names = toml::Value::from(args.only.clone());
        format!(
            "# Generate only these entity types; for the others, only their ID types are generated.\nentity-types = {names}"
        )
    };
    let espo_core = if espo_core.is_empty() {
        r#"# espo-core = { path = "../espo-typed/crates/espo-core" }"#.to_owned()
    } else {
        format!("espo-core = {espo_core}")
    };
    format!(
        r#"# Configuration of the `espo` command-line tool. Paths are relative to the directory of this file.

# Versions of espo that may be used with this file.
tool-version = "{major}.{minor}"

[instance]
url = {url}
# File with lines such as ESPO_API_KEY=…, readable by its owner only (chmod 600). Environment variables take precedence.
# credentials = "/home/me/.config/espo/crm.env"
# proxy = "http://proxy.example.com:3128"
# ca = "company-ca.pem"
# client-certificate = "client.pem"
# client-key = "client-key.pem"
# Extra headers for a gateway; the value is read from the named environment variable.
# headers-from-env = {{ X-Gateway-Token = "GATEWAY_TOKEN" }}
# Environment variable with user:password, for HTTP Basic authentication at a gateway.
# gateway-auth-env = "GATEWAY_AUTH"

[metadata]
# Written by `espo pull` and `espo update`. Keep it in version control.
export = "metadata.json"
# Layers, merged in this order. Defaults to the export alone.
# layers = ["metadata.json", "custom/Espo/Custom/Resources/metadata"]

[generate]
crate = {package}
{only}
# TOML file that overrides the names and types of entity types and attributes.
# overrides = "overrides.toml"
# Dependency of the crate on espo-core; by default, the version of this program. A path is relative to this file.
{espo_core}
"#,
        major = env!("CARGO_PKG_VERSION_MAJOR"),
        minor = env!("CARGO_PKG_VERSION_MINOR"),
        url = quoted(url),
        package = quoted(&args.package),
    )
}
