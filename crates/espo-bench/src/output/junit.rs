//! Results as JUnit XML, which CI systems show as test results.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::compare::{changes, notes, verdict};
use super::headline;
use crate::compare::{Comparison, Verdict as Change};
use crate::report::{Report, Verdict, Writes};

/// Returns the report as JUnit XML. A test case fails exactly if its requirement makes the exit code of the run
/// non-zero; it is skipped if the load generator was saturated.
#[must_use]
pub fn junit(report: &Report) -> String {
    let seconds = Duration::try_from_secs_f64(report.run.seconds).unwrap_or_default();
    let mut suite = TestSuite::new(format!("espo-bench.{}", report.run.workload));
    suite.set_time(seconds);
    suite.set_system_out(headline(report));
    suite.add_test_case(completed(report));
    for slo in &report.slos {
        let missed = (!slo.held).then(|| slo.sentence());
        let mut case = case(&format!("SLO {}", slo.expression), missed);
        case.set_system_out(slo.sentence());
        suite.add_test_case(case);
    }
    if let Some(result) = &report.capacity_result {
        let none = result.load.is_none().then(|| result.ended.clone());
        suite.add_test_case(case("a load meets the SLOs", none));
    }
    if let Some(writes) = &report.writes {
        let left = writes.is_incomplete().then(|| Writes::sentence(writes));
        suite.add_test_case(case("created records were deleted", left));
    }
    for problem in &report.problems {
        suite.add_test_case(case("the run had no problems", Some(problem.clone())));
    }
    let mut status = TestCaseStatus::success();
    if report.generator.verdict != Verdict::Trustworthy {
        status = TestCaseStatus::skipped();
        status.set_message(report.generator.reasons.join("; "));
    }
    suite.add_test_case(test_case("the figures reflect the target", status));
    document(suite)
}

/// Returns the comparison as JUnit XML with one test case per operation. A regression is a failure. If all requests
/// together are undecided, their test case is an error; other undecided operations are skipped.
#[must_use]
pub fn comparison_junit(comparison: &Comparison) -> String {
    let mut suite = TestSuite::new("espo-bench.compare");
    let notes = notes(comparison);
    if !notes.is_empty() {
        suite.set_system_out(notes.join("\n"));
    }
    for (index, row) in std::iter::once(&comparison.all)
        .chain(&comparison.operations)
        .enumerate()
    {
        let mut status = match row.verdict {
            Change::Worse => TestCaseStatus::non_success(NonSuccessKind::Failure),
            Change::Undecided if index == 0 => TestCaseStatus::non_success(NonSuccessKind::Error),
            Change::Undecided => TestCaseStatus::skipped(),
            Change::Better | Change::NoDifference => TestCaseStatus::success(),
        };
        if matches!(row.verdict, Change::Worse | Change::Undecided) {
            status.set_message(format!("{}: {}", verdict(row), changes(comparison, row)));
        }
        suite.add_test_case(test_case(&format!("{} is not slower", row.name), status));
    }
    document(suite)
}

/// A run that was interrupted is a failure only if it has SLOs, which are then not checked to the end.
fn completed(report: &Report) -> TestCase {
    const NAME: &str = "the run was completed";
    let failure = report.incomplete();
    if failure.is_none() && report.run.stopped.is_some() {
        let mut status = TestCaseStatus::skipped();
        status.set_message("interrupted");
        return test_case(NAME, status);
    }
    case(NAME, failure)
}

/// Returns a test case that fails with the message, if there is one.
fn case(name: &str, failure: Option<String>) -> TestCase {
    let mut status = TestCaseStatus::success();
    if let Some(message) = failure {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(message);
    }
    test_case(name, status)
}

fn test_case(name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname("espo-bench");
    case
}

fn document(suite: TestSuite) -> String {
    let mut document = Junit::new("espo-bench");
    document.add_test_suite(suite);
    // Writing to memory cannot fail, and characters that XML does not allow were removed.
    document.to_string().expect("JUnit is plain data")
}
