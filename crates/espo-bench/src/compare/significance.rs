//! Significance levels of many tests at once.

use statrs::distribution::{ContinuousCDF as _, Normal, StudentsT};

/// One test: its p-value and its weight.
#[derive(Debug, Clone, Copy)]
pub(super) struct Test {
    pub(super) p: f64,
    /// Weights have a mean of 1 over all tests.
    pub(super) weight: f64,
}

/// Returns the level at which each test is decided, by the weighted procedure of Benjamini and Hochberg.
///
/// If nothing differs, the probability of any significant test is at most `error`, as with a correction that divides
/// the error by the number of tests. If many tests show a difference, as after a change that makes every request
/// slower, their levels approach `error`, so that each can be decided with fewer runs. A test is significant exactly if
/// its confidence interval at its level excludes "equal". No level exceeds `error`.
pub(super) fn levels(tests: &[Test], error: f64) -> Vec<f64> {
    let count = tests.len() as f64;
    let mut scaled: Vec<f64> = tests.iter().map(|test| test.p / test.weight).collect();
    scaled.sort_by(f64::total_cmp);
    let step = |rank: usize| error * rank as f64 / count;
    let found = (1..=scaled.len()).rfind(|rank| scaled[rank - 1] <= step(*rank));
    let found = found.unwrap_or(0);
    let level = |test: &Test| {
        let is_significant = test.p / test.weight <= step(found);
        let rank = if is_significant { found } else { found + 1 };
        (step(rank) * test.weight).min(error)
    };
    tests.iter().map(level).collect()
}

/// Returns the two-sided critical value of the normal distribution at this level.
pub(super) fn z(level: f64) -> f64 {
    Normal::standard().inverse_cdf(1.0 - level / 2.0)
}

/// Returns the two-sided critical value of Student's distribution at this level.
pub(super) fn t(level: f64, freedom: f64) -> f64 {
    // Fails only for zero or fewer degrees of freedom, which the callers exclude.
    StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(1.0 - level / 2.0))
}

/// Returns the two-sided p-value of a normally distributed value.
pub(super) fn p_of_z(value: f64) -> f64 {
    2.0 * Normal::standard().sf(value.abs())
}

/// Returns the two-sided p-value of a value with Student's distribution.
pub(super) fn p_of_t(value: f64, freedom: f64) -> f64 {
    if value.is_infinite() {
        return 0.0;
    }
    StudentsT::new(0.0, 1.0, freedom).map_or(1.0, |t| 2.0 * t.sf(value.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ps: &[f64], error: f64) -> Vec<bool> {
        let tests: Vec<Test> = ps.iter().map(|p| Test { p: *p, weight: 1.0 }).collect();
        let levels = levels(&tests, error);
        ps.iter()
            .zip(levels)
            .map(|(p, level)| *p <= level)
            .collect()
    }

    #[test]
    fn levels_follow_the_number_of_significant_tests() {
        assert_eq!(
            of(&[0.012, 0.9, 0.8, 0.7], 0.05),
            [true, false, false, false]
        );
        assert_eq!(of(&[0.013, 0.9, 0.8, 0.7], 0.05), [false; 4]);
        // Four tests of 0.05 each support each other; Bonferroni's level would be 0.0125.
        assert_eq!(of(&[0.05, 0.04, 0.05, 0.03], 0.05), [true; 4]);
        assert_eq!(
            of(&[0.02, 0.025, 0.9, 0.8], 0.05),
            [true, true, false, false]
        );
        assert_eq!(of(&[], 0.05), [false; 0]);
    }

    #[test]
    fn weights_give_one_test_a_share_of_the_error() {
        let mut tests = vec![Test {
            p: 0.024,
            weight: 2.0,
        }];
        tests.extend([0.9, 0.8].map(|p| Test { p, weight: 0.5 }));
        let levels = levels(&tests, 0.05);
        assert!(tests[0].p <= levels[0] && levels[0] <= 0.05, "{levels:?}");
        assert!(tests[1].p > levels[1] && tests[2].p > levels[2]);
    }

    #[test]
    fn critical_values_and_p_values_agree() {
        for level in [0.2, 0.05, 0.001, 1e-6] {
            assert!((p_of_z(z(level)) / level - 1.0).abs() < 1e-6);
            for freedom in [2.0, 4.0, 30.0] {
                let p = p_of_t(t(level, freedom), freedom);
                assert!((p / level - 1.0).abs() < 1e-3, "{level} {freedom}: {p}");
            }
        }
    }
}
