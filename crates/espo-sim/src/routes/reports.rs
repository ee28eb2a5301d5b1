//! Reports on opportunities, and the possible recipients of an email about one.

use std::sync::Arc;

use http::Method;
use indexmap::IndexMap;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};

use super::{Call, Fixed};
use crate::acl::Action;
use crate::http::{Refusal, Reply, Result};
use crate::layout::Layout;
use crate::search::params::SearchParams;
use crate::search::{self, where_};
use crate::store::Row;
use crate::view;

pub(crate) const ROUTES: &[Fixed] = &[
    Fixed::controller(Method::GET, "Opportunity/action/reportByStage", by_stage),
    Fixed::controller(
        Method::GET,
        "Opportunity/action/reportByLeadSource",
        by_lead_source,
    ),
    Fixed::controller(
        Method::GET,
        "Opportunity/action/reportSalesByMonth",
        sales_by_month,
    ),
    Fixed::controller(
        Method::GET,
        "Opportunity/action/reportSalesPipeline",
        sales_pipeline,
    ),
];

/// The opportunities that close in the requested period and that the caller may read.
struct Report<'a> {
    call: &'a Call<'a>,
    layout: &'a Layout,
    rows: Vec<Arc<Row>>,
    /// First and last day of the period, if it has them.
    days: Option<(Date, Date)>,
}

/// Returns first and last day of a period by its name; `None` for a period without bounds.
fn period(call: &Call) -> Result<Option<(Date, Date)>> {
    let param = |name: &str| call.request.param(name).filter(|v| !v.is_empty());
    let today = jiff::tz::TimeZone::UTC
        .to_datetime(call.app.clock.now())
        .date();
    let whole = |first: Date, months: i32| {
        let last = first
            .saturating_add(months.months())
            .saturating_sub(1.days());
        Some((first, last))
    };
    let month = today.first_of_month();
    let quarter = |date: Date| {
        let back = i32::from((date.month() - 1) % 3);
        date.first_of_month().saturating_sub(back.months())
    };
    let Some(filter) = param("dateFilter") else {
        return Err(Refusal::bad_request("No `dateFilter` parameter."));
    };
    Ok(match filter {
        "currentYear" => whole(today.first_of_year(), 12),
        "lastYear" => whole(today.first_of_year().saturating_sub(1.years()), 12),
        "currentQuarter" => whole(quarter(today), 3),
        "lastQuarter" => whole(quarter(today).saturating_sub(3.months()), 3),
        "currentMonth" => whole(month, 1),
        "lastMonth" => whole(month.saturating_sub(1.months()), 1),
        "ever" => None,
        _ => {
            let day = |name: &str| -> Result<Date> {
                let text =
                    param(name).ok_or_else(|| Refusal::bad_request("No dateFrom or dateTo."))?;
                text.parse().map_err(|_| Refusal::internal())
            };
            Some((day("dateFrom")?, day("dateTo")?))
        }
    })
}

impl<'a> Report<'a> {
    fn of(call: &'a Call<'a>) -> Result<Report<'a>> {
        let (app, caller) = (call.app, call.caller);
        let layout = app.layout("Opportunity")?;
        if caller.acl.check_scope(&layout.name, Action::Read).is_err() {
            return Err(Refusal::forbidden_silently());
        }
        let days = period(call)?;
        let mut conditions = search::conditions(app, caller, layout, &SearchParams::default())?;
        conditions.extend(search::readable(app, caller, layout));
        let rows = app.store.table(layout.index).snapshot();
        let slot = layout.slot("closeDate");
        let rows = where_::matching(rows.iter(), &conditions)
            .into_iter()
            .filter(|row| match days {
                None => true,
                Some((from, to)) => slot
                    .and_then(|s| row.get(s).as_str()?.parse::<Date>().ok())
                    .is_some_and(|d| from <= d && d <= to),
            })
            .collect();
        Ok(Report {
            call,
            layout,
            rows,
            days,
        })
    }

    fn text<'r>(&self, row: &'r Row, attr: &str) -> Option<&'r str> {
        self.layout.slot(attr).and_then(|s| row.get(s).non_empty())
    }

    /// Returns an amount in the base currency.
    fn amount(&self, row: &Row) -> f64 {
        let ix = self.layout.find("amountConverted");
        ix.and_then(|ix| view::value(self.call.app, self.layout, row, ix, "").as_f64())
            .unwrap_or_default()
    }

    /// Returns an amount weighted by its probability.
    fn weighted(&self, row: &Row) -> f64 {
        let probability = self.layout.slot("probability");
        let probability = probability.and_then(|s| row.get(s).as_f64());
        self.amount(row) * probability.unwrap_or_default() / 100.0
    }

    /// Returns the stages in order, with the probability of each.
    fn stages(&self) -> Vec<(String, i64)> {
        let field = self
            .call
            .app
            .layouts
            .entity(self.layout)
            .fields
            .get("stage");
        let map = field.and_then(|f| f.raw.get("probabilityMap"));
        let options = field.and_then(|f| f.options.listed()).unwrap_or_default();
        options
            .iter()
            .map(|s| {
                let probability = crate::record::rules::stage_probability(map, s);
                (s.clone(), probability.unwrap_or_default())
            })
            .collect()
    }

    fn is_won(&self, row: &Row) -> bool {
        let stages = self.stages();
        self.text(row, "stage")
            .is_some_and(|s| stages.iter().any(|(name, p)| name == s && *p == 100))
    }

    fn is_lost(&self, row: &Row) -> bool {
        let stages = self.stages();
        self.text(row, "stage")
            .is_some_and(|s| stages.iter().any(|(name, p)| name == s && *p == 0))
    }

    fn answer(&self, body: &Json) -> Reply {
        self.call.app.json(body)
    }
}

/// Returns a sum, rounded to remove floating-point errors.
fn sum(values: impl Iterator<Item = f64>) -> Json {
    json!((values.sum::<f64>() * 1e9).round() / 1e9)
}

/// Amounts of open opportunities by stage: first the stages with opportunities, then the empty ones.
fn by_stage(call: &Call) -> Result<Reply> {
    let report = Report::of(call)?;
    let stages = report.stages();
    let (mut filled, mut empty) = (Map::new(), Map::new());
    for (stage, _) in stages.iter().filter(|(_, p)| !matches!(p, 0 | 100)) {
        let rows = report
            .rows
            .iter()
            .filter(|r| report.text(r, "stage") == Some(stage))
            .collect::<Vec<_>>();
        if rows.is_empty() {
            empty.insert(stage.clone(), json!(0));
        } else {
            filled.insert(stage.clone(), sum(rows.iter().map(|r| report.amount(r))));
        }
    }
    filled.extend(empty);
    Ok(report.answer(&Json::Object(filled)))
}

/// Weighted amounts of opportunities that are not lost, by lead source.
fn by_lead_source(call: &Call) -> Result<Reply> {
    let report = Report::of(call)?;
    let mut sums: IndexMap<String, f64> = IndexMap::new();
    for row in report.rows.iter().filter(|r| !report.is_lost(r)) {
        if let Some(source) = report.text(row, "leadSource") {
            *sums.entry(source.to_owned()).or_default() += report.weighted(row);
        }
    }
    sums.sort_keys();
    let map = sums
        .into_iter()
        .map(|(source, n)| (source, sum([n].into_iter())))
        .collect();
    Ok(report.answer(&Json::Object(map)))
}

/// Amounts of won opportunities, by the month of closing.
fn sales_by_month(call: &Call) -> Result<Reply> {
    let report = Report::of(call)?;
    let Some((from, to)) = report.days else {
        return Err(Refusal::internal());
    };
    // PHP adds months without clamping the day: the 30th of February is in March.
    let mut months: Vec<String> = Vec::new();
    let mut day = from;
    while day <= to.last_of_month() {
        months.push(day.strftime("%Y-%m").to_string());
        let next = day.first_of_month().saturating_add(1.months());
        day = next.saturating_add(i64::from(day.day() - 1).days());
    }
    let mut data: IndexMap<String, Json> = IndexMap::new();
    let mut sums: IndexMap<String, f64> = IndexMap::new();
    for row in report.rows.iter().filter(|r| report.is_won(r)) {
        if let Some(date) = report.text(row, "closeDate") {
            *sums.entry(date.chars().take(7).collect()).or_default() += report.amount(row);
        }
    }
    sums.sort_keys();
    let last = sums.keys().last().cloned();
    for (month, n) in sums {
        data.insert(month, sum([n].into_iter()));
    }
    for month in &months {
        data.entry(month.clone()).or_insert_with(|| json!(0));
    }
    // The axis ends with the current month, or with the last one that has sales.
    let now = call
        .app
        .clock
        .datetime()
        .chars()
        .take(7)
        .collect::<String>();
    let end = last.filter(|l| *l > now).unwrap_or(now);
    months.retain(|month| *month <= end);
    Ok(report.answer(&json!({"keyList": months, "dataMap": data})))
}

/// Amounts by stage, except lost ones.
fn sales_pipeline(call: &Call) -> Result<Reply> {
    let report = Report::of(call)?;
    let list: Vec<Json> = report
        .stages()
        .iter()
        .filter(|(_, p)| *p != 0)
        .map(|(stage, _)| {
            let rows = report
                .rows
                .iter()
                .filter(|r| report.text(r, "stage") == Some(stage));
            json!({"stage": stage, "value": sum(rows.map(|r| report.amount(r)))})
        })
        .collect();
    Ok(report.answer(&json!({"dataList": list})))
}
