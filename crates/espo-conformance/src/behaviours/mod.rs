//! The checks, by topic.

use futures_util::future::LocalBoxFuture;

use crate::answer::{Outcome, skip};
use crate::report::Versions;
use crate::test::Test;

mod access;
mod app;
mod authentication;
mod bulk;
mod coercion;
mod create;
mod crm;
mod custom;
mod envelope;
mod files;
mod link_sets;
mod links;
mod lists;
mod money;
mod order;
mod protocol;
mod rules;
mod search;
mod search_dates;
mod search_links;
mod select;
mod stream;
mod update;
mod validation;
mod webhooks;

/// One check.
pub(crate) struct Behaviour {
    theme: &'static str,
    name: &'static str,
    /// Versions that have the behaviour.
    pub(crate) versions: Versions,
    run: Box<Run>,
}

type Run = dyn for<'a> Fn(&'a Test) -> LocalBoxFuture<'a, Outcome>;

impl Behaviour {
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}", self.theme, self.name)
    }

    /// Applies since this version.
    fn since(mut self, major: u32, minor: u32) -> Behaviour {
        self.versions.since = Some((major, minor));
        self
    }

    /// Applies up to and including this version.
    fn until(mut self, major: u32, minor: u32) -> Behaviour {
        self.versions.until = Some((major, minor));
        self
    }

    pub(crate) async fn run(&self, test: &Test) -> Outcome {
        let (major, minor) = (test.shared.version.0, test.shared.version.1);
        if !self.versions.contains((major, minor)) {
            return skip(self.versions.to_string());
        }
        (self.run)(test).await
    }
}

/// A check: its name within the topic, and its code.
fn check<F>(name: &'static str, ask: F) -> Behaviour
where
    F: for<'a> AsyncFn(&'a Test) -> Outcome + Copy + 'static,
{
    Behaviour {
        theme: "",
        name,
        versions: Versions::default(),
        run: Box::new(move |test| Box::pin(async move { ask(test).await })),
    }
}

type Theme = (&'static str, fn() -> Vec<Behaviour>);

const THEMES: &[Theme] = &[
    ("envelope", envelope::all),
    ("authentication", authentication::all),
    ("lists", lists::all),
    ("select", select::all),
    ("rows", rules::lists),
    ("order", order::all),
    ("order", rules::orders),
    ("search", search::all),
    ("search", rules::searches),
    ("dates", search_dates::all),
    ("link-search", search_links::all),
    ("create", create::all),
    ("coercion", coercion::all),
    ("validation", validation::all),
    ("custom", custom::all),
    ("update", update::updates),
    ("update", rules::updates),
    ("versions", update::versions),
    ("duplicates", update::duplicates),
    ("deletion", update::deletion),
    ("links", links::all),
    ("access", access::all),
    ("stream", stream::all),
    ("files", files::all),
    ("mass", bulk::mass_actions),
    ("export", bulk::exports),
    ("currency", money::all),
    ("webhooks", webhooks::all),
    ("metadata", app::metadata),
    ("app", app::routes),
    ("http", protocol::all),
    ("leads", crm::leads),
    ("crm", crm::crm),
];

/// All checks, in the order in which they run.
pub(crate) fn all() -> Vec<Behaviour> {
    let themed =
        |(theme, behaviours): &Theme| behaviours().into_iter().map(|b| Behaviour { theme, ..b });
    THEMES.iter().flat_map(themed).collect()
}

/// The names of the topics.
pub(crate) fn themes() -> Vec<&'static str> {
    let mut names: Vec<_> = THEMES.iter().map(|(name, _)| *name).collect();
    names.dedup();
    names
}
