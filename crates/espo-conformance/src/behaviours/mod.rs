//! The behaviours, by theme.

use futures_util::future::LocalBoxFuture;

use crate::answer::Outcome;
use crate::test::Test;

mod envelope;

/// One behaviour of a server.
pub(crate) struct Behaviour {
    theme: &'static str,
    name: &'static str,
    /// Section of the API facts, or number of the quirks.
    pub(crate) fact: &'static str,
    run: Box<Run>,
}

type Run = dyn for<'a> Fn(&'a Test) -> LocalBoxFuture<'a, Outcome>;

impl Behaviour {
    pub(crate) fn full_name(&self) -> String {
        format!("{}.{}", self.theme, self.name)
    }

    pub(crate) async fn run(&self, test: &Test) -> Outcome {
        (self.run)(test).await
    }
}

/// A behaviour: its name within the theme, the fact, and how to ask for it.
fn check<F>(name: &'static str, fact: &'static str, ask: F) -> Behaviour
where
    F: for<'a> AsyncFn(&'a Test) -> Outcome + Copy + 'static,
{
    Behaviour { theme: "", name, fact, run: Box::new(move |test| Box::pin(async move { ask(test).await })) }
}

type Theme = (&'static str, fn() -> Vec<Behaviour>);

const THEMES: &[Theme] = &[("envelope", envelope::all)];

/// All behaviours, in the order in which they run.
pub(crate) fn all() -> Vec<Behaviour> {
    let themed = |(theme, behaviours): &Theme| behaviours().into_iter().map(|b| Behaviour { theme, ..b });
    THEMES.iter().flat_map(themed).collect()
}

/// The names of the themes.
pub(crate) fn themes() -> Vec<&'static str> {
    THEMES.iter().map(|(name, _)| *name).collect()
}
