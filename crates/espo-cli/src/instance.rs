//! The metadata of a live instance.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use espo_core::{Auth, Client, Error};
use espo_schema::Schema;
use serde_json::Value;

use crate::config::{Config, FILE};
use crate::credentials::Variables;
use crate::failure::Failure;
use crate::files::Changes;
use crate::split;
use crate::{access, arguments};

/// How to connect to the instance.
#[derive(clap::Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// URL of the instance. Defaults to `url` under [instance] in espo.toml.
    #[arg(long, value_name = "URL", env = "ESPO_URL")]
    url: Option<String>,
    /// Proxy: http://, https://, socks5:// or socks5h://. Defaults to HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY.
    #[arg(long, value_name = "URL", conflicts_with = "no_proxy")]
    proxy: Option<String>,
    /// Use no proxy, regardless of the environment.
    #[arg(long)]
    no_proxy: bool,
    /// PEM file with certificates to trust in addition to the system's.
    #[arg(long, alias = "ca", value_name = "FILE")]
    ca_certificate: Option<PathBuf>,
    /// PEM file with a client certificate and its intermediate certificates.
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_certificate: Option<PathBuf>,
    /// PEM file with the private key of the client certificate.
    #[arg(long, value_name = "FILE", requires = "client_certificate")]
    client_key: Option<PathBuf>,
    /// Send a header whose value is read from an environment variable, for a gateway in front of EspoCRM. Repeatable.
    #[arg(
        long = "header-env",
        alias = "header-from-env",
        value_name = "NAME=VARIABLE"
    )]
    headers: Vec<String>,
    /// Authenticate at a gateway in front of EspoCRM (HTTP Basic) with user:password from an environment variable.
    #[arg(long, value_name = "VARIABLE")]
    gateway_auth_env: Option<String>,
    /// Connect to this address and port instead of looking up the host name in the URL.
    #[arg(long, value_name = "ADDRESS", value_parser = address, conflicts_with = "proxy")]
    connect_to: Option<SocketAddr>,
}

/// The metadata that an instance returns to the user.
pub(crate) struct Pulled {
    pub(crate) url: String,
    /// The response of `GET Metadata`.
    pub(crate) metadata: Value,
    pub(crate) schema: Schema,
    /// Whether the user is an administrator. Other users do not see everything.
    pub(crate) is_complete: bool,
    /// The user name and kind of user.
    pub(crate) user: String,
}

impl Pulled {
    /// The export as it is written to a file.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        Ok(serde_json::to_string_pretty(&self.metadata)? + "\n")
    }

    /// Plans the export at the path: one file, or a directory of small sorted files.
    pub(crate) fn write(
        &self,
        path: &Path,
        split: bool,
        force: bool,
        changes: &mut Changes,
    ) -> Result<(), Failure> {
        if !split {
            changes.write(path, self.text()?);
            return Ok(());
        }
        split::plan(&self.metadata, path, force, changes)
    }
}

/// Fetches the metadata of an instance.
pub(crate) fn pull(
    connection: &Connection,
    config: &Config,
    with_labels: bool,
) -> Result<Pulled, Failure> {
    let url = connection.url(config)?;
    let client = connection.client(&url, config)?;
    if is_readable(&url) {
        espo_stdio::note!(
            "warning: {} is not encrypted: credentials and data are readable on the network; use https:// if the instance has it",
            espo_stdio::one_line(&url)
        );
    }
    let (metadata, is_complete, user) = runtime()?.block_on(ask(&client, &url, with_labels))?;
    // An export that cannot be read must not replace one that can.
    let schema = Schema::from_value(metadata.clone(), &url).map_err(|error| {
        let found = match error {
            espo_schema::Error::Shape { path, expected, found, .. } => {
                format!("at `{path}`: expected {expected}, found {found}")
            }
            other => other.to_string(),
        };
        Failure::Unreachable(format!(
            "{url}: the response to GET Metadata is not EspoCRM's metadata: {found}; check the server's log, its \
             extensions, and proxies in between"
        ))
    })?;
    Ok(Pulled {
        url,
        metadata,
        schema,
        is_complete,
        user,
    })
}

/// Fetches roles, teams, users and settings of an instance, which only an administrator sees.
pub(crate) fn pull_access(
    connection: &Connection,
    config: &Config,
    pulled: &Pulled,
) -> Result<Value, Failure> {
    let url = &pulled.url;
    if !pulled.is_complete {
        return Err(Failure::Input(format!(
            "cannot read the users of {url} as {}: log in as an administrator, or leave out --users",
            espo_stdio::one_line(&pulled.user)
        )));
    }
    let client = connection.client(url, config)?;
    let access = runtime()?.block_on(access::ask(&client));
    access.map_err(|error| unreachable(url, &error))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Input(format!("cannot start the runtime: {error}")))
}

async fn ask(
    client: &Client,
    url: &str,
    with_labels: bool,
) -> Result<(Value, bool, String), Failure> {
    let failed = |error: Error| unreachable(url, &error);
    let user = client.app().user::<espo_core::JsonObject>().await;
    let user = user.map_err(failed)?;
    let mut metadata = client.app().metadata().await.map_err(failed)?;
    // The caller reports other values.
    if let (true, Value::Object(sections)) = (with_labels, &mut metadata) {
        let labels = client.app().i18n(true).await.map_err(|error| {
            Failure::Unreachable(format!(
                "{}; to export the metadata without labels, set `labels = false` under [metadata] in {FILE}, or pass \
                 --no-labels to `pull`",
                failed(error)
            ))
        })?;
        sections.insert("i18n".to_owned(), labels);
    }
    let name = user.user_name().unwrap_or("an unnamed user");
    let description = match user.kind() {
        Some(kind) => format!("{name} (type {kind})"),
        None => name.to_owned(),
    };
    Ok((metadata, user.is_admin(), description))
}

impl Connection {
    fn url(&self, config: &Config) -> Result<String, Failure> {
        // CI systems set variables without a value.
        let given = self.url.clone().filter(|url| !url.is_empty());
        let url = given.or_else(|| config.instance.url.clone()).ok_or_else(|| {
            Failure::Input(format!(
                "no instance given: pass --url URL, set ESPO_URL, or set `url` under [instance] in {FILE}"
            ))
        })?;
        arguments::base_url(&url)?;
        Ok(url)
    }

    fn client(&self, url: &str, config: &Config) -> Result<Client, Failure> {
        let instance = &config.instance;
        let configured = |given: &Option<PathBuf>, path: &Option<PathBuf>| {
            given
                .clone()
                .or_else(|| path.as_deref().map(|path| config.path(path)))
        };
        let mut builder = Client::builder(url).auth(auth(&Variables::load(config)?)?);
        if self.no_proxy || (self.proxy.is_none() && instance.no_proxy) {
            builder = builder.no_proxy();
        } else if let Some(proxy) = self.proxy.as_ref().or(instance.proxy.as_ref()) {
            builder = builder.proxy(proxy.clone());
        }
        if let Some(path) = configured(&self.ca_certificate, &instance.ca) {
            builder = builder.root_certificate(read(&path)?);
        }
        let certificate = configured(&self.client_certificate, &instance.client_certificate);
        let key = configured(&self.client_key, &instance.client_key);
        if let (Some(certificate), Some(key)) = (certificate, key) {
            builder = builder.client_certificate(read(&certificate)?, read(&key)?);
        }
        for (name, variable) in self.headers(config)? {
            let value = variable_of(&variable, &format!("the value of the header {name}"))?;
            builder = builder.header(name.as_str(), value.as_str());
        }
        let gateway = self.gateway_auth_env.as_ref();
        if let Some(variable) = gateway.or(instance.gateway_auth_env.as_ref()) {
            let value = variable_of(variable, "the credentials of the gateway")?;
            let Some((user, password)) = value.split_once(':') else {
                return Err(Failure::Input(format!(
                    "invalid value of the environment variable {variable}: expected user:password"
                )));
            };
            builder = builder.gateway_basic_auth(user, password);
        }
        if let Some(address) = self.connect_to {
            builder = builder.connect_to(address);
        }
        builder.build().map_err(|error| {
            Failure::Input(format!(
                "cannot set up the connection to {url}: {}",
                with_options(&error.to_string())
            ))
        })
    }

    /// Names of the headers and of their variables.
    fn headers(&self, config: &Config) -> Result<Vec<(String, String)>, Failure> {
        let mut headers: Vec<(String, String)> = config
            .instance
            .headers_from_env
            .iter()
            .map(|(name, variable)| (name.clone(), variable.clone()))
            .collect();
        for header in &self.headers {
            let parts = header.split_once('=');
            let parts = parts.filter(|(name, variable)| !name.is_empty() && !variable.is_empty());
            let (name, variable) = parts.ok_or_else(|| {
                Failure::Input(format!(
                    "invalid --header-env `{header}`: expected NAME=VARIABLE, such as X-Gateway-Token=GATEWAY_TOKEN"
                ))
            })?;
            headers.push((name.to_owned(), variable.to_owned()));
        }
        // The connection decides about them, so that values given here would have no effect.
        const FIXED: [&str; 5] = [
            "connection",
            "content-length",
            "host",
            "te",
            "transfer-encoding",
        ];
        let fixed = headers
            .iter()
            .find(|(name, _)| FIXED.contains(&name.to_lowercase().as_str()));
        if let Some((name, _)) = fixed {
            return Err(Failure::Input(format!(
                "the header {name} cannot be set: the HTTP client computes it; to reach another server with the URL's host \
                 name, pass --connect-to"
            )));
        }
        Ok(headers)
    }
}

fn variable_of(name: &str, content: &str) -> Result<String, Failure> {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        Ok(_) => Err(Failure::Input(format!(
            "the environment variable {name}, which should contain {content}, is empty; set it"
        ))),
        Err(_) => Err(Failure::Input(format!(
            "cannot read the environment variable {name}, which should contain {content}; set it"
        ))),
    }
}

/// Whether a password or key for this URL would be readable by others on the way.
fn is_readable(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_loopback = host
        .parse::<std::net::IpAddr>()
        .is_ok_and(|ip| ip.is_loopback());
    !is_loopback && host != "localhost" && !host.ends_with(".localhost")
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::file("read", path, error))
}

/// An API key, an API key with a secret key, or a user with a password, depending on the variables that are set.
fn auth(variables: &Variables) -> Result<Auth, Failure> {
    let get = |name: &str| variables.get(name);
    match (get("ESPO_API_KEY"), get("ESPO_SECRET_KEY"), get("ESPO_USERNAME"), get("ESPO_PASSWORD")) {
        (Some(key), Some(secret), ..) => Ok(Auth::hmac(key, secret).into()),
        (Some(key), None, ..) => Ok(Auth::api_key(key)),
        (None, _, Some(user), Some(password)) => Ok(Auth::password(user, password).into()),
        (None, _, Some(_), None) => Err(Failure::Input(
            "incomplete credentials: ESPO_USERNAME is set, but ESPO_PASSWORD is not; set both".to_owned(),
        )),
        (None, _, None, Some(_)) => Err(Failure::Input(
            "incomplete credentials: ESPO_PASSWORD is set, but ESPO_USERNAME is not; set both".to_owned(),
        )),
        (None, Some(_), None, None) => Err(Failure::Input(
            "incomplete credentials: ESPO_SECRET_KEY is set, but ESPO_API_KEY is not; set both".to_owned(),
        )),
        _ => Err(Failure::Input(
            "no credentials: set ESPO_API_KEY (and ESPO_SECRET_KEY for HMAC), or ESPO_USERNAME and ESPO_PASSWORD, or \
             set ESPO_CREDENTIALS to the path of a file with them"
                .to_owned(),
        )),
    }
}

fn unreachable(url: &str, error: &Error) -> Failure {
    let report = with_options(&error.report().to_string());
    // The message of a failed connection names the URL.
    Failure::Unreachable(
        if error.is_connect() && report.contains("cannot connect to") {
            report
        } else {
            format!("{url}: {report}")
        },
    )
}

/// A message of the library, without advice that refers to options that this program does not have.
fn with_options(message: &str) -> String {
    const NAMES: [(&str, &str); 8] = [
        (
            "if it is a private CA, configure its certificate",
            "if it is a private CA, pass its certificate with --ca-certificate",
        ),
        (
            "configure one with its private key",
            "pass one with --client-certificate and --client-key",
        ),
        (
            "configure separate credentials for the gateway: HTTP Basic, a header or a client certificate",
            "pass separate credentials for the gateway with --gateway-auth-env, --header-env or --client-certificate",
        ),
        (
            "log in with a second-factor code (`Client::log_in_with_code`), or use",
            "use",
        ),
        ("and `connect_to` if", "and --connect-to if"),
        ("; call `forget_refusal` to try them again", ""),
        ("raise the timeout or request less data", "try again later"),
        (
            "; if the instance issues no tokens, send the password with `on_every_request`",
            "",
        ),
    ];
    let replace = |text: String, (method, option): (&str, &str)| text.replace(method, option);
    NAMES.into_iter().fold(message.to_owned(), replace)
}

/// The address to connect to instead of the host in the URL.
fn address(text: &str) -> Result<SocketAddr, String> {
    let expected = "expected an IP address and a port, such as 192.0.2.7:443 or [2001:db8::7]:443";
    text.trim().parse().map_err(|_| expected.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{is_readable, with_options};

    #[test]
    fn only_plain_http_to_other_machines_is_readable() {
        for (url, expected) in [
            ("http://crm.example.com", true),
            ("http://10.0.0.1:8080/crm", true),
            ("http://[2001:db8::1]/", true),
            ("https://crm.example.com", false),
            ("http://localhost:8080/crm", false),
            ("http://crm.localhost", false),
            ("http://127.0.0.2", false),
            ("http://[::1]:80/x", false),
        ] {
            assert_eq!(is_readable(url), expected, "{url}");
        }
    }

    #[test]
    fn messages_advise_only_existing_options() {
        assert_eq!(
            with_options("no response within 30s; raise the timeout or request less data"),
            "no response within 30s; try again later"
        );
        for message in [
            "the issuer is not trusted; if it is a private CA, configure its certificate",
            "the server requires a client certificate; configure one with its private key",
            "use a URL with that name, and `connect_to` if the name is not in DNS",
        ] {
            let shown = with_options(message);
            assert!(shown.contains(" --c") && !shown.contains('`'), "{shown}");
        }
    }
}
