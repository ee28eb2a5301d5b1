//! Finds the handler of a request.
//!
//! A table of fixed routes comes first: each submodule lists its routes in a `ROUTES` constant, and
//! [`TABLES`] joins them. All other requests are matched by the general patterns (`{Entity}`, `{Entity}/{id}`,
//! `{Entity}/{id}/{link}`, `{Entity}/action/{action}`). To add a route, write a handler and add a [`Fixed`] to a table.

mod activities;
mod addresses;
mod app_info;
mod articles;
mod attachment_sources;
mod attachments;
mod calendar;
mod capture;
mod controllers;
pub(crate) mod delivery;
mod export;
mod follow;
mod history;
mod import;
mod import_results;
mod inbox;
pub(crate) mod jobs;
mod kanban;
mod layouts;
mod lead;
mod logins;
mod mass;
mod meetings;
mod note_filter;
mod notifications;
mod openapi;
mod permissions;
mod personal;
mod posts;
mod records;
mod reports;
mod search;
mod security;
mod service;
mod settings;
mod single;
mod stream;
mod target_lists;
mod templates;
mod tree;
mod unconfigured;
mod webhooks;

use std::borrow::Cow;

use http::Method;

pub(crate) use webhooks::hear as hear_for_webhooks;

pub(crate) use attachment_sources::fetch as fetch_image;
pub(crate) use service::answer;

use crate::app::{App, Caller};
use crate::http::{Refusal, RefusalKind, Reply, Request, Result};

/// The input of a handler of a fixed route.
pub(crate) struct Call<'a> {
    pub(crate) app: &'a App,
    pub(crate) request: &'a Request,
    pub(crate) caller: &'a Caller,
    /// Values of the pattern's placeholders, in their order.
    pub(crate) params: Vec<&'a str>,
    /// Whether totals are omitted (an injected fault).
    pub(crate) no_total: bool,
}

/// A route with a fixed path.
pub(crate) struct Fixed {
    pub(crate) method: Method,
    /// Segments; `:x` matches any single segment.
    pub(crate) path: &'static str,
    pub(crate) handler: fn(&Call) -> Result<Reply>,
    /// Whether it is a separate action class instead of a controller's method; errors of action classes have no JSON
    /// content type.
    pub(crate) action: bool,
}

impl Fixed {
    pub(crate) const fn controller(
        method: Method,
        path: &'static str,
        handler: fn(&Call) -> Result<Reply>,
    ) -> Fixed {
        Fixed {
            method,
            path,
            handler,
            action: false,
        }
    }

    pub(crate) const fn action(
        method: Method,
        path: &'static str,
        handler: fn(&Call) -> Result<Reply>,
    ) -> Fixed {
        Fixed {
            method,
            path,
            handler,
            action: true,
        }
    }
}

/// All fixed routes. Earlier tables take precedence.
const TABLES: &[&[Fixed]] = &[
    app_info::ROUTES,
    settings::ROUTES,
    search::ROUTES,
    kanban::ROUTES,
    history::ROUTES,
    notifications::ROUTES,
    activities::ROUTES,
    addresses::ROUTES,
    articles::ROUTES,
    calendar::ROUTES,
    templates::ROUTES,
    import::ROUTES,
    import_results::ROUTES,
    lead::ROUTES,
    capture::ROUTES,
    reports::ROUTES,
    records::ROUTES,
    follow::ROUTES,
    stream::ROUTES,
    posts::ROUTES,
    mass::ROUTES,
    single::ROUTES,
    export::ROUTES,
    jobs::ROUTES,
    attachment_sources::ROUTES,
    attachments::ROUTES,
    openapi::ROUTES,
    webhooks::ROUTES,
    target_lists::ROUTES,
    meetings::ROUTES,
    tree::ROUTES,
    personal::ROUTES,
    security::ROUTES,
    inbox::ROUTES,
    layouts::ROUTES,
    unconfigured::ROUTES,
];

/// A handler for callers without a login; its arguments include the values of the pattern's placeholders.
type Public = fn(&App, &Request, &[&str]) -> Result<Reply>;

/// Fixed routes that need no login, with the handler for callers without one.
const PUBLIC: &[(Method, &str, Public)] = &[
    (Method::GET, "Settings", |app, request, _| {
        settings::public(app, request)
    }),
    (Method::GET, "I18n", |app, request, _| {
        app_info::public_i18n(app, request)
    }),
    (Method::POST, "LeadCapture/:key", capture::capture),
    (
        Method::POST,
        "User/changePasswordByRequest",
        |app, request, _| security::change_by_request(app, request),
    ),
    (
        Method::POST,
        "User/passwordChangeRequest",
        |app, request, _| security::forgotten(app, request),
    ),
];

/// The handler of a fixed route for callers without a login, if it accepts them.
fn public(fixed: &Fixed) -> Option<Public> {
    PUBLIC
        .iter()
        .find(|(method, path, _)| fixed.method == *method && fixed.path == *path)
        .map(|(.., handler)| *handler)
}

/// The destination of a request.
pub(crate) enum Route<'a> {
    Fixed(&'static Fixed, Vec<&'a str>),
    /// A controller's method.
    Controller {
        name: Cow<'a, str>,
        rest: &'a [String],
    },
}

impl Route<'_> {
    /// Whether the route accepts callers without a login.
    pub(crate) fn public(&self) -> bool {
        matches!(self, Route::Fixed(fixed, _) if public(fixed).is_some())
    }
}

/// Methods of the general patterns, by the number of segments.
fn general(rest: &[String]) -> &'static [Method] {
    match rest {
        [] => &[Method::GET, Method::POST],
        [a, _] if a == "action" => &[Method::GET, Method::POST, Method::DELETE, Method::PUT],
        [a, _] if a == "layout" => &[Method::GET, Method::POST, Method::DELETE, Method::PUT],
        [_] => &[Method::GET, Method::DELETE, Method::PUT, Method::PATCH],
        [_, _] => &[Method::GET, Method::POST, Method::DELETE],
        _ => &[],
    }
}

/// First segments of routes that the server compares with case. The name of a controller may begin in lower case.
const EXACT: &[&str] = &[
    "Activities",
    "Admin",
    "App",
    "GlobalSearch",
    "I18n",
    "Kanban",
    "LeadCapture",
];

fn matches<'a>(fixed: &Fixed, segments: &'a [String]) -> Option<Vec<&'a str>> {
    let mut params = Vec::new();
    let mut at = 0;
    for part in fixed.path.split('/') {
        let segment = segments.get(at)?;
        if part.starts_with(':') {
            if segment.is_empty() {
                return None;
            }
            params.push(segment.as_str());
        } else if part != segment
            && (at > 0
                || fixed.action
                || part != upper_first(segment)
                || EXACT.contains(&part)
                || (segments.len() == 1 && matches!(part, "Metadata" | "Settings")))
        {
            return None;
        }
        at += 1;
    }
    (at == segments.len()).then_some(params)
}

/// Finds the route, or returns the framework's error.
pub(crate) fn find(request: &Request) -> Result<Route<'_>> {
    let segments = &request.segments;
    let method = match request.method {
        // A controller's list rejects HEAD with its own error.
        Method::HEAD => Method::GET,
        ref m => m.clone(),
    };
    let mut allowed: Vec<Method> = Vec::new();
    // Methods of a route of exactly this path, which come first.
    let mut own: Vec<Method> = Vec::new();
    for fixed in TABLES.iter().flat_map(|t| t.iter()) {
        if let Some(params) = matches(fixed, segments) {
            if fixed.method == method {
                return Ok(Route::Fixed(fixed, params));
            }
            if fixed.action && !fixed.path.contains(':') {
                own.push(fixed.method.clone());
            }
            // A controller's own way to create comes with the general pattern.
            let general = !fixed.action && fixed.method == Method::POST && segments.len() == 1;
            if !allowed.contains(&fixed.method) && !general {
                allowed.push(fixed.method.clone());
            }
        }
    }
    let Some((controller, rest)) = segments.split_first() else {
        return Err(Refusal::no_route());
    };
    if !segments.iter().any(String::is_empty) {
        let methods = general(rest);
        if methods.contains(&method) {
            return Ok(Route::Controller {
                name: upper_first(controller),
                rest,
            });
        }
        for m in methods {
            if !allowed.contains(m) {
                allowed.push(m.clone());
            }
        }
    }
    if allowed.is_empty() {
        return Err(Refusal::no_route());
    }
    // The general patterns take precedence, except over routes of a single controller.
    if !rest.is_empty() {
        const ORDER: [Method; 5] = [
            Method::GET,
            Method::POST,
            Method::DELETE,
            Method::PUT,
            Method::PATCH,
        ];
        allowed.sort_by_key(|m| {
            let place = ORDER.iter().position(|o| o == m);
            (!own.contains(m), place)
        });
    }
    let allow = allowed
        .iter()
        .map(Method::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    Err(Refusal {
        status: 405,
        reason: Some(allow),
        ..Refusal::no_route()
    })
}

/// Controllers do not support HEAD, unless an action class or a dedicated method handles the route.
pub(crate) fn check_head(request: &Request, route: &Route) -> Result<()> {
    let Route::Fixed(fixed, _) = route else {
        return Ok(());
    };
    if request.method != Method::HEAD {
        return Ok(());
    }
    match fixed.path {
        "Settings" | "Metadata" | "I18n" | ":Entity/layout/:name" => Err(Refusal {
            kind: RefusalKind::Auth,
            ..Refusal::bad_request("No action for method `HEAD`.")
        }),
        "Attachment" | "Notification" | "Stream" | ":Entity/:id/stream" => {
            let controller = fixed.path.rsplit('/').next().unwrap_or_default();
            Err(Refusal::not_found(format!(
                "Action HEAD 'list' does not exist in controller '{}'.",
                upper_first(controller)
            )))
        }
        "" => Err(Refusal::not_found(
            "Action HEAD 'index' does not exist in controller 'ApiIndex'.",
        )),
        "Preferences/:id" => Err(Refusal::not_found(
            "Action HEAD 'read' does not exist in controller 'Preferences'.",
        )),
        _ => Ok(()),
    }
}

/// Whether errors of this request's route have no JSON content type.
pub(crate) fn is_action_route(request: &Request) -> bool {
    matches!(find(request), Ok(Route::Fixed(f, _)) if f.action)
}

/// Whether the first segment of a path names an entity type.
pub(crate) fn is_entity_type(app: &App, name: &str) -> bool {
    let layout = app.layouts.find(&upper_first(name));
    layout.is_some_and(|l| app.layouts.entity(l).scope.entity)
}

/// The first letter of a controller may be lower case.
fn upper_first(name: &str) -> Cow<'_, str> {
    match name.chars().next() {
        Some(c) if c.is_ascii_lowercase() => {
            Cow::Owned(format!("{}{}", c.to_ascii_uppercase(), &name[1..]))
        }
        _ => Cow::Borrowed(name),
    }
}

/// Handles a request of a logged-in caller.
pub(crate) fn dispatch(
    app: &App,
    request: &Request,
    caller: &Caller,
    route: Route,
    no_total: bool,
) -> Result<Reply> {
    match route {
        Route::Fixed(fixed, params) => (fixed.handler)(&Call {
            app,
            request,
            caller,
            params,
            no_total,
        }),
        Route::Controller { name, rest } => {
            records::controller(app, request, caller, &name, rest, no_total)
        }
    }
}

/// Handles a request without a login.
pub(crate) fn dispatch_public(app: &App, request: &Request, route: Route) -> Result<Reply> {
    match route {
        Route::Fixed(fixed, params) => match public(fixed) {
            Some(handler) => handler(app, request, &params),
            None => Err(Refusal::auth(401, None)),
        },
        Route::Controller { .. } => Err(Refusal::auth(401, None)),
    }
}
