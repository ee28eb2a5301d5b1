//! Controllers that do not belong to an entity type: the users that they reject, and the message of a missing action.

use http::Method;

use crate::acl::Kind;
use crate::app::Caller;
use crate::http::{Refusal, Request};

/// Who may use a controller. All others are rejected before the action is looked up.
#[derive(Clone, Copy)]
enum Gate {
    Everyone,
    Administrators,
    /// Users who log in by password.
    Persons,
    /// Users with this permission.
    Permission(&'static str),
}

const CONTROLLERS: &[(&str, Gate)] = &[
    ("Activities", Gate::Everyone),
    ("Admin", Gate::Administrators),
    ("DataPrivacy", Gate::Permission("dataPrivacyPermission")),
    ("EntityManager", Gate::Administrators),
    ("FieldManager", Gate::Administrators),
    ("Formula", Gate::Administrators),
    ("Integration", Gate::Administrators),
    ("LabelManager", Gate::Administrators),
    ("LastViewed", Gate::Everyone),
    ("Layout", Gate::Everyone),
    ("Metadata", Gate::Everyone),
    ("Pdf", Gate::Everyone),
    ("Preferences", Gate::Everyone),
    ("Settings", Gate::Everyone),
    ("Stream", Gate::Everyone),
    ("TwoFactorEmail", Gate::Persons),
    ("UserSecurity", Gate::Persons),
];

/// The error of a controller of no entity type, which has fixed routes only.
pub(super) fn refusal(
    request: &Request,
    caller: &Caller,
    name: &str,
    rest: &[String],
) -> Option<Refusal> {
    let (_, gate) = CONTROLLERS.iter().find(|(n, _)| *n == name)?;
    let open = match gate {
        Gate::Everyone => true,
        Gate::Administrators => caller.acl.is_admin(),
        Gate::Persons => caller.acl.kind != Kind::Api,
        Gate::Permission(permission) => caller.acl.is_admin() || caller.acl.permission(permission),
    };
    if !open {
        return Some(Refusal::forbidden_silently());
    }
    // Layouts are read by everyone and written by administrators.
    if name == "Layout" && rest.len() < 2 {
        match request.method {
            Method::GET if rest.len() == 1 => return Some(Refusal::bad_request("")),
            Method::GET => {}
            _ if caller.acl.is_admin() => {}
            _ => return Some(Refusal::forbidden_silently()),
        }
    }
    // It also requires the name of a field.
    if name == "FieldManager" && rest.len() == 1 {
        return Some(Refusal::bad_request(""));
    }
    Some(missing(&request.method, name, rest))
}

/// 404 of a controller that has no method for the request.
fn missing(method: &Method, name: &str, rest: &[String]) -> Refusal {
    let action = match rest {
        [] if *method == Method::POST => "create",
        [] => "index",
        [_] => match *method {
            Method::DELETE => "delete",
            Method::PUT | Method::PATCH => "update",
            _ => "read",
        },
        [a, action, ..] if a == "action" => action,
        _ => link_action(method),
    };
    Refusal::not_found(format!(
        "Action {method} '{action}' does not exist in controller '{name}'."
    ))
}

/// The controller's method for a link.
pub(super) fn link_action(method: &Method) -> &'static str {
    match *method {
        Method::GET | Method::HEAD => "listLinked",
        Method::POST => "createLink",
        _ => "removeLink",
    }
}
