//! Turns a request into a response: faults, login, the handler, errors.

use std::net::SocketAddr;
use std::sync::OnceLock;

use http::Method;

use crate::app::{App, Caller};
use crate::faults::Fault;
use crate::http::{ErrorContext, Refusal, Reply, Request, Result};

/// Handles a request.
pub(crate) fn answer(
    app: &App,
    request: &Request,
    peer: SocketAddr,
    fault: Option<&Fault>,
) -> Reply {
    if let Some(fault) = fault {
        if let Some((status, body, retry_after)) = &fault.status {
            let mut reply = Reply::json(body.clone().unwrap_or_default());
            reply.status = *status;
            return match retry_after {
                Some(n) => reply.header("retry-after", &n.to_string()),
                None => reply,
            };
        }
        if fault.maintenance {
            let mut reply = Reply::json(r#"{"message":"Application is in maintenance mode."}"#);
            reply.status = 503;
            reply.reason = Some("Application is in maintenance mode.".to_owned());
            return reply;
        }
    }
    match handle(app, request, peer, fault) {
        Ok(reply) => reply,
        Err(refusal) => {
            let mut reply = refusal.reply(&error_context(app, request));
            if refusal.status == 405 {
                reply = reply.header("allow", refusal.reason.as_deref().unwrap_or_default());
                reply.reason = None;
            }
            if refusal.status == 401 && refusal.reason.as_deref() == Some("none") {
                reply.reason = None;
                let quiet = request.method == Method::POST
                    || request.header("referer").is_some()
                    || request.header("x-requested-with") == Some("XMLHttpRequest");
                if !quiet {
                    reply = reply.header("www-authenticate", "Basic realm=\"\"");
                }
            }
            reply
        }
    }
}

fn handle(app: &App, request: &Request, peer: SocketAddr, fault: Option<&Fault>) -> Result<Reply> {
    let route = match super::find(request) {
        Ok(route) => route,
        // OPTIONS is handled before the route's method is checked.
        Err(refusal)
            if request.method == Method::OPTIONS && matches!(refusal.status, 404 | 405) =>
        {
            let mut reply = refusal.reply(&error_context(app, request));
            reply.status = 200;
            reply.reason = None;
            return Ok(match refusal.reason.as_deref() {
                Some(allow) => reply.header("allow", allow),
                None => reply,
            });
        }
        Err(refusal) => return Err(refusal),
    };
    let login = app.auth.login(&app.gate(), request, peer.ip());
    super::logins::record(app, request, &login);
    let caller = match login? {
        Some(login) => Some(Caller {
            acl: app.acl(&login.user_id),
            login,
            action: OnceLock::new(),
        }),
        None => None,
    };
    let Some(caller) = caller else {
        if route.public() {
            super::check_head(request, &route)?;
            return super::dispatch_public(app, request, route);
        }
        return Err(Refusal::auth(401, Some("none".to_owned())));
    };
    super::check_head(request, &route)?;
    let new_secret = caller.login.new_secret.clone();
    let mut reply = super::dispatch(
        app,
        request,
        &caller,
        route,
        fault.is_some_and(|f| f.no_total),
    )?;
    if let Some(secret) = new_secret {
        reply = reply.header(
            "set-cookie",
            &format!("auth-token-secret={secret}; path=/; HttpOnly; SameSite=Lax"),
        );
    }
    Ok(reply)
}

fn error_context<'a>(app: &App, request: &'a Request) -> ErrorContext<'a> {
    ErrorContext {
        version: app.version,
        php_json: app.options.php_json,
        action_route: super::is_action_route(request),
        accept: request.header("accept").unwrap_or_default(),
    }
}
