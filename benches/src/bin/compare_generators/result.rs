//! Results of a comparison: medians, ratios and tables.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// One run of one generator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// Requests per second, as reported by the generator.
    pub(crate) rate: f64,
    /// Number of requests, as reported by the generator.
    pub(crate) requests: u64,
    /// Number of requests that reached the server.
    pub(crate) served: u64,
    /// User and system seconds of the process per 10,000 served requests.
    pub(crate) cpu_per_10k: f64,
}

/// The runs of one generator at one number of connections.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) name: &'static str,
    pub(crate) rounds: Vec<Measured>,
}

impl Cell {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            rounds: Vec::new(),
        }
    }

    fn median(&self, figure: impl Fn(&Measured) -> f64) -> f64 {
        median(self.rounds.iter().map(figure).collect())
    }

    /// Returns the ratios to another generator's rate in the same round.
    fn ratios(&self, other: &Self) -> Vec<f64> {
        let pairs = self.rounds.iter().zip(&other.rounds);
        pairs.map(|(a, b)| a.rate / b.rate).collect()
    }

    fn ratio(&self, other: &Self) -> f64 {
        median(self.ratios(other))
    }
}

/// Returns an interval that contains the median of the values' distribution with a confidence of at least 95 %, without
/// an assumption about that distribution; `None` for fewer than six values.
fn interval(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    // The probability that at most `k` of `n` values are below the median, summed up from `k` = 0.
    let (mut term, mut below, mut outside) = (0.5_f64.powi(i32::try_from(n).ok()?), 0.0, None);
    for k in 0..n / 2 {
        below += term;
        if 2.0 * below > 0.05 {
            break;
        }
        outside = Some(k);
        term *= (n - k) as f64 / (k + 1) as f64;
    }
    let k = outside?;
    Some((values[k], values[n - 1 - k]))
}

/// Formats a ratio with its interval.
fn shown_ratio(cell: &Cell, bare: &Cell) -> String {
    match interval(cell.ratios(bare)) {
        None => format!("{:.3}", cell.ratio(bare)),
        Some((low, high)) => format!("{:.3} [{low:.3}, {high:.3}]", cell.ratio(bare)),
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

/// Allowed deviation of the server's count from the requests that a generator reports: requests before the load, and
/// those in flight at its end.
const COUNTED: f64 = 0.02;

/// All measurements.
#[derive(Debug)]
pub(crate) struct Results {
    body_bytes: usize,
    /// Results by number of connections.
    pub(crate) tables: Vec<(u32, Vec<Cell>)>,
    /// Generators that are not installed, and how to install them.
    pub(crate) absent: Vec<(&'static str, &'static str)>,
}

impl Results {
    pub(crate) fn new(body_bytes: usize) -> Self {
        Self {
            body_bytes,
            tables: Vec::new(),
            absent: Vec::new(),
        }
    }

    /// Returns the bare loop with the same decoding as a generator, if there is one. Generators that do not decode are
    /// compared with the loop that does not.
    fn bare<'a>(cells: &'a [Cell], name: &str) -> Option<&'a Cell> {
        let decode = if name.ends_with("typed") {
            "typed"
        } else {
            "skip"
        };
        cells
            .iter()
            .find(|c| c.name.starts_with("bare reqwest") && c.name.ends_with(decode))
    }

    pub(crate) fn table(&self, seconds: u32, rounds: u32) -> String {
        let mut out = format!(
            "\nGET a list of {} bytes; server and generator each on one core; medians of {rounds} rounds of {seconds} s\n",
            self.body_bytes
        );
        for (connections, cells) in &self.tables {
            let _ = writeln!(
                out,
                "\n{:>4} connections {:>16} {:>20} {:>24}",
                connections, "requests/s", "CPU s per 10,000", "of bare reqwest"
            );
            for cell in cells {
                let ratio = Self::bare(cells, cell.name)
                    .map_or_else(|| "–".to_owned(), |bare| shown_ratio(cell, bare));
                let _ = writeln!(
                    out,
                    "{:20} {:>12.0} {:>20.3} {:>24}",
                    cell.name,
                    cell.median(|m| m.rate),
                    cell.median(|m| m.cpu_per_10k),
                    ratio
                );
            }
        }
        for (name, source) in &self.absent {
            let _ = writeln!(out, "\n{name} is not installed; install it with: {source}");
        }
        out
    }

    pub(crate) fn json(&self) -> String {
        let cell = |cells: &[Cell], cell: &Cell| -> Value {
            let rounds: Vec<Value> = cell
                .rounds
                .iter()
                .map(|m| {
                    json!({ "rate": m.rate, "requests": m.requests, "served": m.served, "cpu_per_10k": m.cpu_per_10k })
                })
                .collect();
            json!({
                "generator": cell.name,
                "rate": cell.median(|m| m.rate),
                "cpu_per_10k": cell.median(|m| m.cpu_per_10k),
                "of_bare": Self::bare(cells, cell.name).map(|bare| cell.ratio(bare)),
                "of_bare_interval": Self::bare(cells, cell.name).and_then(|bare| interval(cell.ratios(bare))),
                "rounds": rounds,
            })
        };
        let tables: Vec<Value> = self
            .tables
            .iter()
            .map(|(connections, cells)| {
                let rows: Vec<Value> = cells.iter().map(|c| cell(cells, c)).collect();
                json!({ "connections": connections, "generators": rows })
            })
            .collect();
        let absent: Vec<&str> = self.absent.iter().map(|(name, _)| *name).collect();
        json!({ "body_bytes": self.body_bytes, "tables": tables, "absent": absent }).to_string()
    }

    /// Checks that `espo-bench` reaches the fraction `least` of the bare loop's rate everywhere, and that all counts
    /// match the server's.
    pub(crate) fn check(&self, least: f64) -> Result<(), String> {
        let mut wrong = Vec::new();
        for (connections, cells) in &self.tables {
            for cell in cells {
                for m in &cell.rounds {
                    let difference = m.served.abs_diff(m.requests) as f64;
                    if difference > m.served as f64 * COUNTED + 2.0 * f64::from(*connections) {
                        wrong.push(format!(
                            "{} reported {} requests, but the server counted {}",
                            cell.name, m.requests, m.served
                        ));
                    }
                }
                if !cell.name.starts_with("espo-bench") {
                    continue;
                }
                // The check fails only if the whole interval is below, which noise does not explain.
                if let Some(bare) = Self::bare(cells, cell.name)
                    && interval(cell.ratios(bare)).is_some_and(|(_, high)| high < least)
                {
                    wrong.push(format!(
                        "{} at {connections} connections: {} of the bare loop's rate, less than {least}",
                        cell.name,
                        shown_ratio(cell, bare)
                    ));
                }
            }
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(name: &'static str, rates: &[f64]) -> Cell {
        let one = |rate: &f64| Measured {
            rate: *rate,
            requests: *rate as u64,
            served: *rate as u64,
            cpu_per_10k: 1e4 / rate,
        };
        Cell {
            name,
            rounds: rates.iter().map(one).collect(),
        }
    }

    fn results(espo: &[f64], bare: &[f64]) -> Results {
        let mut results = Results::new(13_600);
        results.tables = vec![(
            16,
            vec![
                cell("espo-bench skip", espo),
                cell("bare reqwest skip", bare),
                cell("bare reqwest typed", &[1.0, 1.0, 1.0]),
            ],
        )];
        results
    }

    #[test]
    fn rates_are_compared_by_round_and_decoding() {
        // The machine was twice as fast in the third round, which does not affect the ratio.
        let good = results(&[960.0, 1_000.0, 1_960.0], &[1_000.0, 1_010.0, 2_000.0]);
        assert_eq!(good.check(0.95), Ok(()));
        let slower = results(
            &[900.0, 910.0, 880.0, 905.0, 890.0, 920.0, 915.0],
            &[1_000.0; 7],
        );
        assert!(
            slower
                .check(0.95)
                .is_err_and(|m| m.contains("0.905 [0.880, 0.920]")),
            "{slower:?}"
        );
        assert!(slower.table(5, 7).contains("espo-bench skip"));
    }

    #[test]
    fn single_noisy_rounds_are_not_shortfalls() {
        let noisy = results(
            &[850.0, 1_010.0, 990.0, 940.0, 1_000.0, 970.0, 930.0],
            &[1_000.0; 7],
        );
        assert_eq!(noisy.check(0.95), Ok(()));
        // Too few rounds for an interval.
        let few = results(&[850.0, 860.0, 840.0], &[1_000.0; 3]);
        assert_eq!(few.check(0.95), Ok(()));
        assert_eq!(interval(vec![1.0; 5]), None);
        let nine: Vec<f64> = (1..=9).map(f64::from).collect();
        assert_eq!(interval(nine), Some((2.0, 8.0)));
    }

    #[test]
    fn wrong_counts_of_a_generator_are_reported() {
        let mut results = results(&[1_000.0], &[1_000.0]);
        results.tables[0].1[1].rounds[0].served = 900;
        assert!(
            results
                .check(0.95)
                .is_err_and(|m| m.contains("the server counted 900"))
        );
    }
}
