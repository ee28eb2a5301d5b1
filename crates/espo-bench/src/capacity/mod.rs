//! Search for the highest load that meets the SLOs.
//!
//! The load is raised by 50 % per step until an SLO is missed; then the gap is bisected down to the precision. A single
//! probe can meet or miss the SLOs by chance, so near the limit every load is tried up to three times and the majority
//! counts.

use std::time::Duration;

use crate::drive::{Limit, Load, RunOptions, run};
use crate::error::{Error, Result};
use crate::report::{
    ALL_MET, CapacityResult, INTERRUPTED, MISSED_AT_ONCE, NEXT_MISSED, Probe, Report, Verdict,
    by_load, saturation,
};
use crate::schedule::Arrivals;
use crate::units::{counted, show_load, show_micros, show_some_micros};

/// Options of [`capacity`].
#[derive(Debug, Clone)]
pub struct CapacityOptions {
    /// The run. Each probe replaces its load and duration; its SLOs (`slos`) decide.
    pub run: RunOptions,
    /// Search over workers of the closed model instead of rates of the open model.
    pub workers: bool,
    /// Lowest load to try.
    pub from: f64,
    /// Highest load to try.
    pub to: f64,
    /// Precision: 0.05 stops when the gap is 5 % of the load.
    pub precision: f64,
    /// Duration of a probe.
    pub probe: Duration,
    /// Maximum number of probes; the search then ends with the precision that it has reached.
    pub max_probes: u32,
}

/// Maximum number of repetitions of a probe that other processes on the load generator's machine disturbed.
const DISTURBED: u32 = 2;

/// The result of a search.
#[derive(Debug)]
pub struct Capacity {
    /// The capacity and how the search ended.
    pub result: CapacityResult,
    /// The report of the best probe (or of the first, if none met the SLOs), with all probes in `capacity`.
    pub report: Report,
    /// The error that ended the search early.
    pub error: Option<Error>,
}

impl Capacity {
    /// Returns the exit code of the process: the exit code of the error that ended the search, 1 if no load met the
    /// SLOs, else 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let none = u8::from(self.result.load.is_none());
        self.error.as_ref().map_or(none, Error::exit_code)
    }
}

/// Decides whether a load meets the SLOs; `None` if the load generator was saturated before the target.
pub(crate) trait Prober {
    fn probe(&mut self, load: f64) -> Result<Option<bool>>;
}

/// Searches for the capacity of the target.
///
/// # Errors
///
/// Returns [`Error::Usage`] without SLOs or with an invalid range, and the error of the first run if it fails. A later
/// error ends the search and is part of the result.
pub fn capacity(options: CapacityOptions, mut say: impl FnMut(&str)) -> Result<Capacity> {
    if options.run.slos.is_empty() {
        return Err(Error::usage(
            "the capacity is the highest load that meets the SLOs; pass at least one --slo",
        ));
    }
    let is_range = options.from > 0.0 && options.to > options.from && options.to.is_finite();
    let is_precise = options.precision > 0.0 && options.precision.is_finite();
    if !(is_range && is_precise) {
        return Err(Error::usage(
            "invalid search range: expected 0 < --from < --to and a --precision above 0",
        ));
    }
    if options.workers && options.to > f64::from(u32::MAX) {
        return Err(Error::usage(format!(
            "invalid --to {}: expected at most {} workers",
            options.to,
            u32::MAX
        )));
    }
    if let Some(warning) = too_short(&options) {
        (options.run.warn)(&warning);
    }
    let mut runs = Runs {
        options: &options,
        tries: Vec::new(),
        held: Vec::new(),
        first: None,
        interrupted: false,
        error: None,
        say: &mut say,
    };
    let range = Range {
        from: options.from,
        to: options.to,
        precision: options.precision,
        whole: options.workers,
        max_probes: options.max_probes,
    };
    let found = search(&mut runs, range)?;
    let Runs {
        mut tries,
        mut held,
        first,
        interrupted,
        error,
        ..
    } = runs;
    tries.sort_by(|a, b| a.load.total_cmp(&b.load));
    // Above the capacity, a load may have met the SLOs in one probe; such probes do not count.
    held.retain(|(load, _)| found.load.is_some_and(|capacity| *load <= capacity));
    let report = held
        .into_iter()
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, report)| report)
        .or(first);
    let Some(mut report) = report else {
        return Err(error.unwrap_or_else(|| Error::usage("no load was tested")));
    };
    let ended = match &error {
        Some(error) => format!("the search stopped: {error}"),
        None if interrupted => "interrupted: the search was not finished".to_owned(),
        None => found.ended,
    };
    let result = result(&tries, found.load, ended);
    report.capacity = tries;
    report.capacity_result = Some(result.clone());
    Ok(Capacity {
        result,
        report,
        error,
    })
}

/// Returns a warning if a probe of the lowest rate has too few iterations for a verdict.
fn too_short(options: &CapacityOptions) -> Option<String> {
    const ENOUGH: f64 = 20.0;
    let seconds = options.probe.as_secs_f64();
    let expected = options.from * seconds;
    (!options.workers && expected < ENOUGH).then(|| {
        format!(
            "a probe of {} has about {} at {}/s (--from), too few to judge an SLO; use a longer --probe",
            show_micros(seconds * 1e6),
            counted(expected.round().max(1.0) as u64, "iteration"),
            show_load(options.from),
        )
    })
}

fn result(tries: &[Probe], load: Option<f64>, ended: String) -> CapacityResult {
    let loads = by_load(tries);
    let saturated = saturation(&loads);
    let below = saturated
        .map(|s| s.load)
        .filter(|s| load.is_some_and(|l| *s < l));
    CapacityResult {
        load,
        recommended: below.or(load),
        saturated_from: saturated.map(|s| s.load),
        saturated_rate: saturated.map(|s| s.rate),
        ended,
    }
}

struct Runs<'a> {
    options: &'a CapacityOptions,
    tries: Vec<Probe>,
    /// The load and the report of the first probe that met the SLOs at each load.
    held: Vec<(f64, Report)>,
    first: Option<Report>,
    interrupted: bool,
    error: Option<Error>,
    say: &'a mut dyn FnMut(&str),
}

impl Prober for Runs<'_> {
    fn probe(&mut self, load: f64) -> Result<Option<bool>> {
        let report = match self.run(load) {
            Ok(report) => report,
            // The results so far are kept.
            Err(error) if self.first.is_some() => {
                self.error = Some(error);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let verdict = report.generator.verdict;
        let decided = if report.run.stopped.as_deref() == Some(INTERRUPTED) {
            self.interrupted = true;
            None
        } else if verdict == Verdict::GeneratorSaturated {
            (self.say)(&format!(
                "{:>9}  the load generator was saturated: {}",
                show_load(load),
                report.generator.reasons.join("; ")
            ));
            None
        } else {
            let is_met = report.exit_code() == 0 && verdict == Verdict::Trustworthy;
            self.note(load, is_met, &report);
            Some(is_met)
        };
        self.first.get_or_insert(report);
        Ok(decided)
    }
}

impl Runs<'_> {
    /// Runs the load, and repeats it if another process on the load generator's machine disturbed it.
    fn run(&mut self, load: f64) -> Result<Report> {
        let mut options = self.options.run.clone();
        options.load = Some(if self.options.workers {
            Load::Closed {
                concurrency: load as u32,
            }
        } else {
            Load::Open {
                rate: load,
                // Random arrivals, as from independent users; evenly spaced requests would give lower response times.
                arrivals: self.options.run.arrivals.unwrap_or(Arrivals::Poisson),
            }
        });
        options.limit = Some(Limit::Duration(self.options.probe));
        options.run_id = None;
        if self.first.is_some() {
            // The warnings of the first probe apply to all.
            options.warn = |_| {};
        }
        let mut report = run(options.clone())?;
        for _ in 0..DISTURBED {
            let disturbed = report.generator.verdict == Verdict::GeneratorSaturated;
            if !disturbed || report.run.stopped.as_deref() == Some(INTERRUPTED) {
                break;
            }
            (self.say)(&format!(
                "{:>9}  the load generator was saturated ({}); repeating the probe",
                show_load(load),
                report.generator.reasons.join("; ")
            ));
            options.warn = |_| {};
            report = run(options.clone())?;
        }
        Ok(report)
    }

    /// Stores a probe and prints its figures.
    fn note(&mut self, load: f64, is_met: bool, report: &Report) {
        let earlier = self.tries.iter().filter(|t| t.load == load).count();
        let attempt = u32::try_from(earlier + 1).unwrap_or(u32::MAX);
        let judged = report.slos.iter().map(|slo| {
            let measured = slo.measured.as_deref().unwrap_or("nothing");
            let word = if slo.held { "met" } else { "missed" };
            format!("{} {word} ({measured})", slo.expression)
        });
        let judged = judged.collect::<Vec<_>>().join(", ");
        let why = if report.generator.verdict == Verdict::RateNotHeld {
            ", target rate not sustained"
        } else {
            ""
        };
        (self.say)(&format!(
            "{:>9}  probe {attempt}  {:9.1} requests/s  p50 {}  p99 {}  {judged}{why}",
            show_load(load),
            report.totals.rate,
            show_some_micros(report.all.p50),
            show_some_micros(report.all.p99),
        ));
        self.tries.push(Probe {
            load,
            attempt,
            rate: report.totals.rate,
            p50: report.all.p50,
            p99: report.all.p99,
            errors: report.totals.failed as f64 / report.totals.requests.max(1) as f64,
            held: is_met,
            judged: report.slos.clone(),
        });
        if is_met && self.held.iter().all(|(other, _)| *other != load) {
            self.held.push((load, report.clone()));
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    pub(crate) load: Option<f64>,
    pub(crate) ended: String,
}

/// The loads to try, and when to stop.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) precision: f64,
    /// Whether loads are workers and thus integers.
    pub(crate) whole: bool,
    pub(crate) max_probes: u32,
}

/// The result of the probes of one load.
enum Decided {
    Met,
    Missed,
    /// The load generator was saturated before the target.
    Saturated,
    /// The search has no probes left.
    OutOfProbes,
}

/// Probes up to a limit.
struct Probes<'a> {
    prober: &'a mut dyn Prober,
    left: u32,
}

impl Probes<'_> {
    /// Returns the majority of three probes; the third is skipped if the first two agree.
    fn majority(&mut self, load: f64) -> Result<Decided> {
        let (mut held, mut broken) = (0, 0);
        while held < 2 && broken < 2 {
            if self.left == 0 {
                return Ok(Decided::OutOfProbes);
            }
            self.left -= 1;
            match self.prober.probe(load)? {
                None => return Ok(Decided::Saturated),
                Some(true) => held += 1,
                Some(false) => broken += 1,
            }
        }
        Ok(if held == 2 {
            Decided::Met
        } else {
            Decided::Missed
        })
    }
}

/// Searches for the capacity, independently of how a load is tried.
pub(crate) fn search(prober: &mut dyn Prober, range: Range) -> Result<Found> {
    let Range { to, whole, .. } = range;
    let round = |v: f64| if whole { v.round().max(1.0) } else { v };
    let found = |load: Option<f64>, ended: &str| Found {
        load,
        ended: ended.to_owned(),
    };
    const GENERATOR: &str =
        "the load generator was saturated before the target was; the capacity is at least this";
    const AT_ONCE: &str =
        "the load generator was saturated at the lowest load, so the capacity is unknown";
    let mut probes = Probes {
        prober,
        left: range.max_probes,
    };
    let (mut low, mut high) = (None, None);
    let mut load = round(range.from);
    while high.is_none() {
        match probes.majority(load)? {
            Decided::Saturated if low.is_none() => return Ok(found(low, AT_ONCE)),
            Decided::Saturated => return Ok(found(low, GENERATOR)),
            Decided::OutOfProbes => return Ok(found(low, &out_of_probes(range, low, None))),
            Decided::Met => {
                low = Some(load);
                if load >= to {
                    return Ok(found(low, ALL_MET));
                }
                load = round((load * 1.5).max(load + f64::from(u8::from(whole)))).min(to);
            }
            Decided::Missed => high = Some(load),
        }
    }
    let (Some(mut low), Some(mut high)) = (low, high) else {
        return Ok(found(None, MISSED_AT_ONCE));
    };
    while high - low > range.precision * high {
        let middle = round((low + high) / 2.0);
        // There is no load in between.
        if middle <= low || middle >= high {
            break;
        }
        match probes.majority(middle)? {
            Decided::Saturated => return Ok(found(Some(low), GENERATOR)),
            Decided::OutOfProbes => {
                let ended = out_of_probes(range, Some(low), Some(high));
                return Ok(found(Some(low), &ended));
            }
            Decided::Met => low = middle,
            Decided::Missed => high = middle,
        }
    }
    Ok(found(Some(low), NEXT_MISSED))
}

/// Describes what is known when the search has used all probes.
fn out_of_probes(range: Range, low: Option<f64>, high: Option<f64>) -> String {
    let known = match (low, high) {
        (Some(low), Some(high)) => {
            // Enough decimals to show the difference.
            let decimals = (1.0 - (high - low).log10().floor()).clamp(1.0, 12.0) as usize;
            let decimals = if range.whole { 0 } else { decimals };
            format!("the capacity is between {low:.decimals$} and {high:.decimals$}")
        }
        (Some(_), None) => "the capacity is at least this".to_owned(),
        (None, _) => "the lowest load (--from) is undecided".to_owned(),
    };
    format!(
        "the search ended after {} (--max-probes), before it reached the precision; {known}",
        counted(u64::from(range.max_probes), "probe")
    )
}

#[cfg(test)]
mod tests;
