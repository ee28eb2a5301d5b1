//! Scopes whose access does not depend on roles alone.

use super::{Action, Level};

/// Levels for create, read, edit, delete and stream.
pub(super) type Levels = [Level; 5];

/// Records that belong to single users: every user may create them and use their own.
const OWN: Levels = [Level::All, Level::Own, Level::Own, Level::Own, Level::No];
/// Records that others create.
const GIVEN: Levels = [Level::No, Level::Own, Level::Own, Level::Own, Level::No];

/// Records that can only be read.
const fn read(level: Level) -> Levels {
    [Level::No, level, Level::No, Level::No, Level::No]
}

/// Scopes that all users may access at this level, without any role.
pub(super) const MINIMUM: &[(&str, Levels)] = &[
    ("Note", OWN),
    ("Attachment", OWN),
    ("EmailFilter", OWN),
    ("EmailFolder", OWN),
    ("EmailAccount", OWN),
    ("Notification", GIVEN),
    ("Preferences", GIVEN),
    ("ActionHistoryRecord", read(Level::Own)),
    ("GroupEmailFolder", read(Level::Team)),
    ("Portal", read(Level::All)),
    ("User", read(Level::Own)),
    ("Team", read(Level::Team)),
    ("Stream", [Level::All; 5]),
];

/// Scopes whose permissions are those of another scope.
pub(super) const DERIVED: &[(&str, &str)] = &[
    ("ImportError", "Import"),
    ("ImportEml", "Import"),
    ("WorkingTimeRange", "WorkingTimeCalendar"),
    ("CurrencyRecord", "Currency"),
    ("CurrencyRecordRate", "Currency"),
    ("MassEmail", "Campaign"),
    ("CampaignLogRecord", "Campaign"),
    ("CampaignTrackingUrl", "Campaign"),
];

/// Entity types whose controllers reject all users except administrators.
pub(crate) const ADMIN_ONLY: &[&str] = &[
    "AddressCountry",
    "AppLogRecord",
    "AppSecret",
    "AuthLogRecord",
    "AuthToken",
    "AuthenticationProvider",
    "DashboardTemplate",
    "EmailQueueItem",
    "Extension",
    "InboundEmail",
    "Job",
    "LayoutSet",
    "OAuthAccount",
    "OAuthProvider",
    "ScheduledJob",
    "ScheduledJobLogRecord",
    "WebhookEventQueueItem",
    "WebhookQueueItem",
];

/// Actions that exist for a scope, if some do not.
pub(super) fn actions(scope: &str) -> &'static [Action] {
    match scope {
        "Team" => &[Action::Read],
        "User" | "Currency" => &[Action::Read, Action::Edit],
        _ => &Action::ALL,
    }
}
