//! The highest load at which the limits hold.
//!
//! The load is raised by steps of half as much again until the limits break, then the gap is halved until it
//! is as narrow as asked for. A probe can break by chance and hold by chance: near the edge every load is
//! tried up to three times and the majority counts, so that noise does not pass for the knee.

use std::time::Duration;

use crate::drive::{Limit, Load, RunOptions, run};
use crate::error::{Error, Result};
use crate::report::{INTERRUPTED, Probe, Report, Verdict};
use crate::schedule::Arrivals;

/// What a search is told.
#[derive(Debug, Clone)]
pub struct CapacityOptions {
    /// The run: its load and limit are replaced by each probe's, its limits (`slos`) decide.
    pub run: RunOptions,
    /// Search over workers of the closed model instead of rates of the open one.
    pub workers: bool,
    /// Where to begin.
    pub from: f64,
    /// Where to stop raising.
    pub to: f64,
    /// How close to the edge: 0.05 stops when the gap is 5 % of the load.
    pub precision: f64,
    /// Length of a probe.
    pub probe: Duration,
}

/// Something else on the generator's machine can spoil a probe: it is then made again, so many times.
const DISTURBED: u32 = 2;

/// The result of a search.
#[derive(Debug, Clone)]
pub struct Capacity {
    /// The highest load at which all limits held; none when they did not even hold at the first.
    pub load: Option<f64>,
    /// Why the search ended where it did.
    pub ended: String,
    /// The report of the best probe (or of the first, when none held), with all probes in `capacity`.
    pub report: Report,
}

/// Decides about one load; `None` when the generator, not the target, was the limit.
pub(crate) trait Prober {
    fn probe(&mut self, load: f64) -> Result<Option<bool>>;
}

/// Searches for the capacity of the target.
///
/// # Errors
///
/// [`Error::Usage`] without limits or with a senseless range; whatever a run can fail with.
pub fn capacity(options: CapacityOptions, mut say: impl FnMut(&str)) -> Result<Capacity> {
    if options.run.slos.is_empty() {
        return Err(Error::usage(
            "a capacity is the load at which limits hold: give at least one --slo",
        ));
    }
    if !(options.from > 0.0 && options.to > options.from && options.precision > 0.0) {
        return Err(Error::usage(
            "the search needs 0 < from < to and a precision above 0",
        ));
    }
    let mut runs = Runs {
        options: &options,
        probes: Vec::new(),
        held: Vec::new(),
        first: None,
        interrupted: false,
        say: &mut say,
    };
    let found = search(
        &mut runs,
        options.from,
        options.to,
        options.precision,
        options.workers,
    )?;
    let Runs {
        mut probes,
        mut held,
        first,
        interrupted,
        ..
    } = runs;
    probes.sort_by(|a, b| a.load.total_cmp(&b.load));
    // Above the capacity there may be a load at which a try held before the generator became the limit: undecided.
    let within = |load: f64| found.load.is_some_and(|capacity| load <= capacity);
    for probe in &mut probes {
        probe.held &= within(probe.load);
    }
    held.retain(|(load, _)| within(*load));
    let mut report = held
        .into_iter()
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, report)| report)
        .or(first)
        .ok_or_else(|| Error::usage("no probe was made"))?;
    report.capacity = probes;
    let ended = if interrupted {
        "interrupted: the search was not finished".to_owned()
    } else {
        found.ended
    };
    Ok(Capacity {
        load: found.load,
        ended,
        report,
    })
}

struct Runs<'a> {
    options: &'a CapacityOptions,
    probes: Vec<Probe>,
    /// The report of the first try that held at a load.
    held: Vec<(f64, Report)>,
    first: Option<Report>,
    interrupted: bool,
    say: &'a mut dyn FnMut(&str),
}

impl Prober for Runs<'_> {
    fn probe(&mut self, load: f64) -> Result<Option<bool>> {
        let mut run_options = self.options.run.clone();
        run_options.load = Some(if self.options.workers {
            Load::Closed {
                concurrency: load as u32,
            }
        } else {
            Load::Open {
                rate: load,
                // As users come: evenly spaced requests would flatter the target.
                arrivals: self.options.run.arrivals.unwrap_or(Arrivals::Poisson),
            }
        });
        run_options.limit = Some(Limit::Duration(self.options.probe));
        run_options.run_id = None;
        let mut report = run(run_options.clone())?;
        for _ in 0..DISTURBED {
            if report.generator.verdict != Verdict::GeneratorSaturated
                || report.run.stopped.as_deref() == Some(INTERRUPTED)
            {
                break;
            }
            (self.say)(&format!(
                "{load:9.1}  the generator was disturbed, once more: {}",
                report.generator.reasons.join("; ")
            ));
            report = run(run_options.clone())?;
        }
        if report.run.stopped.as_deref() == Some(INTERRUPTED) {
            self.interrupted = true;
            self.first.get_or_insert(report);
            return Ok(None);
        }
        if report.generator.verdict == Verdict::GeneratorSaturated {
            (self.say)(&format!(
                "{load:9.1}  the generator is the limit: {}",
                report.generator.reasons.join("; ")
            ));
            if self.first.is_none() {
                self.first = Some(report);
            }
            return Ok(None);
        }
        let held = report.exit_code() == 0 && report.generator.verdict == Verdict::Trustworthy;
        (self.say)(&format!(
            "{load:9.1}  {:9.1}/s  p50 {}  p99 {}  {}",
            report.totals.rate,
            crate::units::show_micros(report.all.p50 as f64),
            crate::units::show_micros(report.all.p99 as f64),
            if held { "held" } else { "broken" }
        ));
        self.note(load, held, &report);
        if self.first.is_none() {
            self.first = Some(report);
        }
        Ok(Some(held))
    }
}

impl Runs<'_> {
    fn note(&mut self, load: f64, held: bool, report: &Report) {
        if held && self.held.iter().all(|(other, _)| *other != load) {
            self.held.push((load, report.clone()));
        }
        let errors = report.totals.failed as f64 / report.totals.requests.max(1) as f64;
        match self.probes.iter_mut().find(|p| p.load == load) {
            Some(known) => {
                known.tries += 1;
                known.held = held;
                known.p50 = known.p50.max(report.all.p50);
                known.p99 = known.p99.max(report.all.p99);
                known.errors = known.errors.max(errors);
            }
            None => self.probes.push(Probe {
                load,
                rate: report.totals.rate,
                p50: report.all.p50,
                p99: report.all.p99,
                errors,
                held,
                tries: 1,
            }),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) load: Option<f64>,
    pub(crate) ended: String,
}

/// The search itself, apart from how a load is tried.
pub(crate) fn search(
    prober: &mut dyn Prober,
    from: f64,
    to: f64,
    precision: f64,
    whole: bool,
) -> Result<Found> {
    let round = |v: f64| if whole { v.round().max(1.0) } else { v };
    let found = |load: Option<f64>, ended: &str| Found {
        load,
        ended: ended.to_owned(),
    };
    const GENERATOR: &str =
        "the generator was the limit before the target was: the capacity is at least this";
    const AT_ONCE: &str =
        "the generator was the limit at the lowest load already: nothing is known of the target";
    let (mut low, mut high) = (None, None);
    let mut load = round(from);
    while high.is_none() {
        match majority(prober, load)? {
            None if low.is_none() => return Ok(found(low, AT_ONCE)),
            None => return Ok(found(low, GENERATOR)),
            Some(true) => {
                low = Some(load);
                if load >= to {
                    return Ok(found(
                        low,
                        "all limits held up to the highest load asked for",
                    ));
                }
                load = round((load * 1.5).max(load + f64::from(u8::from(whole)))).min(to);
            }
            Some(false) => high = Some(load),
        }
    }
    let (Some(mut low), Some(mut high)) = (low, high) else {
        return Ok(found(
            None,
            "the limits did not even hold at the lowest load asked for",
        ));
    };
    while high - low > precision * high && !(whole && high - low <= 1.0) {
        let middle = round((low + high) / 2.0);
        match majority(prober, middle)? {
            None => return Ok(found(Some(low), GENERATOR)),
            Some(true) => low = middle,
            Some(false) => high = middle,
        }
    }
    Ok(found(
        Some(low),
        "the limits break at the next higher load that was tried",
    ))
}

/// Two of three: a load that holds or breaks twice is not tried a third time.
fn majority(prober: &mut dyn Prober, load: f64) -> Result<Option<bool>> {
    let (mut held, mut broken) = (0, 0);
    while held < 2 && broken < 2 {
        match prober.probe(load)? {
            None => return Ok(None),
            Some(true) => held += 1,
            Some(false) => broken += 1,
        }
    }
    Ok(Some(held == 2))
}

#[cfg(test)]
mod tests;
