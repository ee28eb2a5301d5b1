//! Recorded exchanges of a real server, for comparisons with a simulator while the real server is not available.

use std::io::{BufRead, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::step::{Response, Step};
use crate::run::Error;

/// The properties of a recorded server that a comparison needs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// Version of the layout of the file.
    pub schema: u32,
    /// Version of the server.
    pub version: String,
    /// Start of the recording, in seconds since 1970. The simulator's clock is set to this time.
    pub from: i64,
    /// Seed of the walks.
    pub seed: u64,
    /// Attributes that the server's database counts.
    pub counters: Vec<String>,
    /// Settings that responses depend on.
    pub settings: Value,
    /// Roles, teams and users, with keys and passwords replaced.
    pub users: Value,
}

/// One request, and the response of the real server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) walk: u64,
    pub(crate) step: Step,
    pub(crate) real: Response,
    /// ID of the record that the request created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
}

/// Exchanges of one run.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The context of the recording.
    pub header: Header,
    pub(crate) exchanges: Vec<Exchange>,
    /// Secrets, with the placeholders that replace them in the file.
    secrets: Vec<(String, String)>,
}

/// Settings that responses depend on.
const SETTINGS: &[&str] = &[
    "currencyList",
    "currencyRates",
    "defaultCurrency",
    "baseCurrency",
    "timeZone",
    "fiscalYearShift",
];

impl Recording {
    pub(super) fn new(
        version: &str,
        seed: u64,
        counters: Vec<String>,
        settings: &Value,
        declaration: &Value,
    ) -> Recording {
        let mut users = declaration.clone();
        let mut secrets = Vec::new();
        for user in users["users"].as_array_mut().into_iter().flatten() {
            for key in ["apiKey", "secretKey", "password"] {
                if let Some(secret) = user[key].as_str().map(str::to_owned) {
                    let stand_in = format!("{:032x}", secrets.len() + 1);
                    user[key] = json!(stand_in);
                    secrets.push((secret, stand_in));
                }
            }
        }
        let settings = SETTINGS
            .iter()
            .filter(|key| !settings[**key].is_null())
            .map(|key| ((*key).to_owned(), settings[*key].clone()))
            .collect();
        Recording {
            header: Header {
                schema: 1,
                version: version.to_owned(),
                from: jiff::Timestamp::now().as_second(),
                seed,
                counters,
                settings: Value::Object(settings),
                users,
            },
            exchanges: Vec::new(),
            secrets,
        }
    }

    pub(super) fn add(&mut self, walk: u64, step: &Step, real: &Response) {
        let id = (real.status == 200 && step.binds.is_some())
            .then(|| real.id().map(str::to_owned))
            .flatten();
        self.exchanges.push(Exchange {
            walk,
            step: step.clone(),
            real: real.clone(),
            id,
        });
    }

    /// Writes one JSON object per line: first the context, then the exchanges.
    ///
    /// # Errors
    /// Returns [`Error::Usage`] if the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let failed = |error: std::io::Error| {
            Error::Usage(format!("cannot write {}: {error}", path.display()))
        };
        let mut lines = vec![json!(self.header).to_string()];
        lines.extend(self.exchanges.iter().map(|e| json!(e).to_string()));
        let mut file = std::fs::File::create(path).map_err(failed)?;
        for mut line in lines {
            for (secret, stand_in) in &self.secrets {
                line = line.replace(secret, stand_in);
            }
            writeln!(file, "{line}").map_err(failed)?;
        }
        Ok(())
    }

    /// Reads a file written by [`Recording::save`].
    ///
    /// # Errors
    /// Returns [`Error::Usage`] if the file cannot be read or has another layout.
    pub fn load(path: &Path) -> Result<Recording, Error> {
        let failed = |what: String| Error::Usage(format!("cannot read {}: {what}", path.display()));
        let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
        let mut lines = std::io::BufReader::new(file).lines();
        let first = lines
            .next()
            .ok_or_else(|| failed("the file is empty".to_owned()))?
            .map_err(|error| failed(error.to_string()))?;
        let header: Header =
            serde_json::from_str(&first).map_err(|error| failed(format!("line 1: {error}")))?;
        let mut exchanges = Vec::new();
        for (n, line) in lines.enumerate() {
            let line = line.map_err(|error| failed(error.to_string()))?;
            let exchange = serde_json::from_str(&line)
                .map_err(|error| failed(format!("line {}: {error}", n + 2)))?;
            exchanges.push(exchange);
        }
        Ok(Recording {
            header,
            exchanges,
            secrets: Vec::new(),
        })
    }
}
