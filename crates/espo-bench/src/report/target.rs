//! The target of a run, and its connection.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The target of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetInfo {
    /// Address without credentials.
    pub url: String,
    /// Whether the server ran in the load tester; it then shares the machine's cores with the load generator.
    pub embedded: bool,
    /// EspoCRM's version, as returned by `GET App/about`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// Number of records by entity type at the start, for entity types that the workload uses and that can be listed.
    pub records: BTreeMap<String, u64>,
    /// Microseconds to open a TCP connection, including the name lookup: five attempts before the load.
    pub connect_micros: Vec<u64>,
    /// Microseconds of the full TLS handshake on each of these connections; empty if the target does not use HTTPS.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tls_micros: Vec<u64>,
    /// How connections reached the target; absent in reports of older versions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub connection: Option<ConnectionInfo>,
}

/// How connections reached the target. It contains no header values and no secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionInfo {
    /// IP address and port at the other end; absent behind a proxy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// HTTP version of the responses, such as `HTTP/1.1`.
    pub http_version: String,
    /// TLS version and cipher suite; absent without TLS and behind a proxy.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tls: Option<String>,
    /// The proxy and where it was set; absent for direct connections.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proxy: Option<String>,
    /// Names of additional headers.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub headers: Vec<String>,
}

impl ConnectionInfo {
    /// Returns a description of the connection in one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut parts = vec![self.http_version.clone()];
        parts.extend(self.tls.clone());
        parts.extend(self.address.as_ref().map(|a| format!("to {a}")));
        parts.extend(
            self.proxy
                .as_ref()
                .map(|p| format!("through the proxy {p}")),
        );
        if !self.headers.is_empty() {
            parts.push(format!("with headers {}", self.headers.join(", ")));
        }
        parts.join(", ")
    }
}
