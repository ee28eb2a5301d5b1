//! Advice for a failed connection, based on the text of its causes.
//!
//! The causes come from several libraries, whose types are not part of a public interface. Their messages are stable;
//! an unrecognised text only means that the advice is missing.

/// The purpose of a failed connection.
pub(super) struct Attempted<'t> {
    pub(super) https: bool,
    pub(super) through_proxy: bool,
    pub(super) proxy_has_credentials: bool,
    /// Whether the connection to the proxy uses TLS.
    pub(super) proxy_uses_tls: bool,
    /// The messages of the causes, joined.
    pub(super) causes: &'t str,
}

/// Whether a server ended the TLS handshake because of the client's certificate, or because there was none. With TLS
/// 1.3, its alert arrives after the client has finished the handshake; the request was not processed.
pub(super) fn rejects_certificate(causes: &str) -> bool {
    let causes = causes.to_ascii_lowercase();
    causes.contains("alert")
        && [
            "certificaterequired",
            "certificate required",
            "badcertificate",
            "bad certificate",
            "unknownca",
            "unknown ca",
        ]
        .iter()
        .any(|part| causes.contains(part))
}

/// The advice for a failure, without a full stop.
pub(super) fn remedy(attempted: &Attempted<'_>) -> Option<&'static str> {
    let causes = attempted.causes.to_ascii_lowercase();
    let any = |parts: &[&str]| parts.iter().any(|part| causes.contains(part));
    if attempted.https
        && any(&[
            "invalidcontenttype",
            "wrong version number",
            "packet length too long",
        ])
    {
        return Some("the port does not speak TLS; use http:// or the port of HTTPS");
    }
    if any(&["certificaterequired", "certificate required"]) {
        return Some(
            "the server requires a client certificate; configure one with its private key",
        );
    }
    if rejects_certificate(attempted.causes) {
        return Some(
            "the server rejected the client certificate; check its issuer and expiry date",
        );
    }
    if any(&["causedasendentity", "ca used as end entity"]) {
        return Some(
            "the server's certificate is a CA certificate, which is not accepted for a server; issue it with \
             basicConstraints=CA:FALSE",
        );
    }
    if any(&[
        "protocolversion",
        "protocol version",
        "unsupported protocol",
    ]) {
        return Some(
            "the server offers no version of TLS that is considered secure; enable TLS 1.2 or 1.3 on it",
        );
    }
    if any(&[
        "badsignature",
        "bad signature",
        "certificate signature failure",
    ]) {
        return Some(
            "the certificate was not signed by the configured authority with this name; configure the authority's \
             current certificate",
        );
    }
    if any(&[
        "unknownissuer",
        "unknown issuer",
        "self-signed",
        "self signed",
        "local issuer",
    ]) {
        if attempted.proxy_uses_tls && attempted.https {
            return Some(
                "the issuer of the proxy's or the server's certificate is not trusted; if it is a private CA, \
                 configure its certificate",
            );
        }
        if attempted.proxy_uses_tls {
            return Some(
                "the issuer of the proxy's certificate is not trusted; if it is a private CA, configure its certificate",
            );
        }
        return Some(
            "the issuer of the server's certificate is not trusted; if it is a private CA, configure its certificate",
        );
    }
    if any(&[
        "not valid for name",
        "notvalidforname",
        "hostname mismatch",
        "host name mismatch",
    ]) {
        return Some(
            "the certificate was issued for another host name; use a URL with that name, and `connect_to` if the name is not in \
             DNS",
        );
    }
    if attempted.https && any(&["tls handshake eof"]) {
        return Some(
            "the server ended the TLS handshake; if the port does not speak TLS, use http://",
        );
    }
    if any(&["expired", "notvalidyet", "not yet valid"]) && causes.contains("certificate") {
        return Some("renew the server's certificate, or correct the clock of this machine");
    }
    if any(&[
        "proxy authorization required",
        "proxy authentication required",
        "407",
    ]) && attempted.through_proxy
    {
        if attempted.proxy_has_credentials {
            return Some("the proxy rejected the credentials in its URL");
        }
        return Some("the proxy requires credentials; add user and password to its URL");
    }
    if attempted.through_proxy && any(&["tunnel error: unsuccessful"]) {
        return Some("the proxy refused to connect to the host; check its rules");
    }
    if attempted.through_proxy {
        return Some("check the proxy, or name the host in the variable NO_PROXY to bypass it");
    }
    if !attempted.https && any(&["invalid http version"]) {
        return Some("the port does not speak HTTP; if it speaks TLS, use https://");
    }
    if any(&["invalid http"]) {
        return Some("the response is not valid HTTP; check which program listens on the port");
    }
    if any(&["dns error", "failed to lookup address"]) {
        return Some("check the host name");
    }
    if any(&["connection refused", "actively refused"]) {
        return Some("check the host and port, and that the server is running");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_certificates_may_be_those_of_the_proxy() {
        for (https, proxy_uses_tls, expected) in [
            (true, false, "the server's certificate"),
            (true, true, "the proxy's or the server's certificate"),
            (false, true, "the proxy's certificate"),
        ] {
            let advice = remedy(&Attempted {
                https,
                through_proxy: proxy_uses_tls,
                proxy_has_credentials: false,
                proxy_uses_tls,
                causes: "invalid peer certificate: UnknownIssuer",
            });
            assert!(advice.unwrap().contains(expected), "{advice:?}");
        }
    }

    #[test]
    fn unrecognised_causes_have_no_advice() {
        let of = |https, through_proxy, causes| {
            remedy(&Attempted {
                https,
                through_proxy,
                proxy_has_credentials: false,
                proxy_uses_tls: false,
                causes,
            })
        };
        assert_eq!(of(true, false, "connection reset"), None);
        // A connection without TLS cannot fail because of TLS.
        assert_eq!(of(false, false, "InvalidContentType"), None);
        assert!(
            of(
                true,
                false,
                "error:0A00010B:SSL routines:ssl3_get_record:wrong version number"
            )
            .unwrap()
            .contains("does not speak TLS")
        );
    }
}
