//! Charts as inline SVG, rendered by plotters.
//!
//! Plotters writes colours as attributes. The colours used here are keys: the style sheet selects elements by these
//! attributes (`[stroke="#010210"]`) and sets the page's colours, so that one image serves light mode, dark mode and
//! print. Hover values are transparent strips over the plot, each with a title, and need no script.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

const WIDTH: u32 = 920;
const HEIGHT: u32 = 300;
/// Maximum number of strips; more would be too narrow to hit with a pointer.
const MAX_STRIPS: usize = 120;

/// A line in a chart.
pub(crate) struct Series {
    pub(crate) name: String,
    /// Index into the page's palette.
    pub(crate) colour: usize,
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) filled: bool,
}

/// How an axis places and formats its numbers.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// Linear, starting at 0.
    Linear,
    /// Logarithmic, with one mark per decade.
    Log,
    /// Quantiles by their distance from 1: 0, 0.9, 0.99 and so on at equal steps.
    Percentile,
}

/// The data and labels of a chart.
pub(crate) struct Chart {
    pub(crate) series: Vec<Series>,
    pub(crate) x: Scale,
    pub(crate) x_label: &'static str,
    pub(crate) y: Scale,
    pub(crate) show_x: Box<dyn Fn(f64) -> String>,
    pub(crate) show_y: Box<dyn Fn(f64) -> String>,
    /// Positions on the x axis with a vertical line.
    pub(crate) marks: Vec<f64>,
}

/// Returns the colour key of a series: `#010210` for the first, `#010211` for the second.
fn series_key(slot: usize) -> RGBColor {
    RGBColor(1, 2, u8::try_from(16 + slot % 200).unwrap_or(16))
}
/// Colour keys of axis labels, grid lines and marks: `#010201`, `#010202` and `#010203` in the style sheet.
const TEXT: RGBColor = RGBColor(1, 2, 1);
const GRID: RGBColor = RGBColor(1, 2, 2);
const MARK: RGBColor = RGBColor(1, 2, 3);

impl Scale {
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.max(1e-9).log10(),
            Self::Percentile => -(1.0 - value).max(1e-7).log10(),
        }
    }

    /// Returns the values at which the axis has a mark.
    fn ticks(self, low: f64, high: f64) -> Vec<f64> {
        match self {
            Self::Percentile => [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999]
                .into_iter()
                .filter(|q| self.place(*q) <= self.place(high) + 0.01)
                .collect(),
            Self::Log => {
                let decades =
                    low.max(1e-9).log10().floor() as i32..=high.max(1e-9).log10().ceil() as i32;
                let steps: &[f64] = if decades.clone().count() > 4 {
                    &[1.0]
                } else {
                    &[1.0, 2.0, 5.0]
                };
                let all = decades.flat_map(|d| steps.iter().map(move |s| s * 10_f64.powi(d)));
                all.filter(|v| *v >= low * 0.999 && *v <= high * 1.001)
                    .collect()
            }
            Self::Linear => {
                let raw = (high - low).max(1e-9) / 5.0;
                let decade = 10_f64.powf(raw.log10().floor());
                let step = [1.0, 2.0, 5.0, 10.0]
                    .into_iter()
                    .map(|s| s * decade)
                    .find(|s| *s >= raw)
                    .unwrap_or(raw);
                let first = (low / step).ceil() as i64;
                (first..)
                    .map(|n| n as f64 * step)
                    .take_while(|v| *v <= high * 1.0001)
                    .collect()
            }
        }
    }

    /// Returns the range of the axis for these values: from 0, or rounded outwards to a mark.
    fn range(self, values: impl Iterator<Item = f64>) -> (f64, f64) {
        let (low, high) = values
            .filter(|v| v.is_finite())
            .fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
        match self {
            _ if low > high => (0.0, 1.0),
            Self::Linear => (0.0, if high <= 0.0 { 1.0 } else { high * 1.08 }),
            Self::Log => (low.max(1.0) * 0.8, high.max(2.0) * 1.25),
            Self::Percentile => (0.0, high.max(0.9)),
        }
    }
}

/// Renders the chart as an SVG element; returns `None` if there is nothing to draw.
pub(crate) fn svg(chart: &Chart) -> Option<Markup> {
    // A line needs two points.
    if chart.series.iter().all(|s| s.points.len() < 2) {
        return None;
    }
    let mut drawn = String::new();
    let strips = {
        let root = SVGBackend::with_string(&mut drawn, (WIDTH, HEIGHT)).into_drawing_area();
        // Drawing into a string does no I/O and cannot fail; after a failure, the page would only lack the chart.
        draw(chart, &root).ok()?
    };
    // Plotters emits a complete element with a fixed size; the page needs one that scales, so only the content is kept.
    let content = drawn.split_once("<svg")?.1.split_once('>')?.1;
    let content = content.rsplit_once("</svg>")?.0;
    let label = chart.series.iter().map(|s| s.name.as_str());
    let label = label.collect::<Vec<_>>().join(", ");
    Some(html! {
        svg.chart role="img" aria-label=(label) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } xmlns="http://www.w3.org/2000/svg" {
            (PreEscaped(content))
            (strips)
        }
    })
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
type DrawResult<T> = Result<T, Box<dyn std::error::Error>>;

fn draw(chart: &Chart, root: &Area<'_>) -> DrawResult<Markup> {
    let xs = || {
        chart
            .series
            .iter()
            .flat_map(|s| s.points.iter().map(|p| p.0))
    };
    let ys = || {
        chart
            .series
            .iter()
            .flat_map(|s| s.points.iter().map(|p| p.1))
    };
    let (x_low, x_high) = match chart.x {
        Scale::Linear => (0.0, xs().fold(0.0, f64::max).max(1e-9)),
        scale => scale.range(xs()),
    };
    let (y_low, y_high) = chart.y.range(ys());
    let (px, py) = (|v: f64| chart.x.place(v), |v: f64| chart.y.place(v));
    let (y_from, y_to) = (py(y_low), py(y_high));
    let mut plot = ChartBuilder::on(root)
        .margin(8)
        .margin_right(18)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(px(x_low)..px(x_high), y_from..y_to)?;
    let text = |anchor: Pos| ("sans-serif", 12).into_font().color(&TEXT).pos(anchor);
    for tick in chart.y.ticks(y_low, y_high) {
        let at = py(tick);
        plot.draw_series(LineSeries::new([(px(x_low), at), (px(x_high), at)], GRID))?;
        let (x, y) = plot.backend_coord(&(px(x_low), at));
        root.draw(&Text::new(
            (chart.show_y)(tick),
            (x - 8, y),
            text(Pos::new(HPos::Right, VPos::Center)),
        ))?;
    }
    for tick in chart.x.ticks(x_low, x_high) {
        let (x, y) = plot.backend_coord(&(px(tick), y_from));
        root.draw(&PathElement::new(vec![(x, y), (x, y + 4)], GRID))?;
        root.draw(&Text::new(
            (chart.show_x)(tick),
            (x, y + 7),
            text(Pos::new(HPos::Center, VPos::Top)),
        ))?;
    }
    let (x, y) = plot.backend_coord(&(px(x_high), y_from));
    root.draw(&Text::new(
        chart.x_label,
        (x, y + 22),
        text(Pos::new(HPos::Right, VPos::Top)),
    ))?;
    for (slot, series) in chart.series.iter().enumerate() {
        let points = series
            .points
            .iter()
            .map(|(x, y)| (px(*x), py(y.max(y_low))));
        let colour = series_key(slot);
        if series.filled {
            plot.draw_series(AreaSeries::new(points.clone(), y_from, colour.mix(0.16)))?;
        }
        plot.draw_series(LineSeries::new(points, colour.stroke_width(2)))?;
    }
    for mark in &chart.marks {
        plot.draw_series(LineSeries::new(
            [(px(*mark), y_from), (px(*mark), y_to)],
            MARK.stroke_width(2),
        ))?;
    }
    let strips = strips(
        chart,
        |x| plot.backend_coord(&(px(x), y_from)),
        plot.backend_coord(&(px(x_low), y_to)).1,
    );
    root.present()?;
    Ok(strips)
}

/// Returns transparent strips, each with the values of all lines at its position.
fn strips(chart: &Chart, at: impl Fn(f64) -> (i32, i32), top: i32) -> Markup {
    let Some(longest) = chart.series.iter().max_by_key(|s| s.points.len()) else {
        return html! {};
    };
    let every = longest.points.len().div_ceil(MAX_STRIPS).max(1);
    let places: Vec<f64> = longest.points.iter().step_by(every).map(|p| p.0).collect();
    let strip = |index: usize, x: f64| {
        let (centre, bottom) = at(x);
        let left = index
            .checked_sub(1)
            .map_or(centre, |i| (at(places[i]).0 + centre) / 2);
        let right = places
            .get(index + 1)
            .map_or(centre, |next| (at(*next).0 + centre) / 2);
        let (left, width) = (left.min(right - 2), (right - left).max(4));
        html! {
            g.hit {
                title { (values_at(chart, x)) }
                rect x=(left) y=(top) width=(width) height=(bottom - top) {}
                path d={ "M" (centre) " " (top) "V" (bottom) } {}
            }
        }
    };
    html! {
        @for (index, x) in places.iter().enumerate() { (strip(index, *x)) }
    }
}

/// Returns the values of all lines nearest to a position on the x axis.
fn values_at(chart: &Chart, x: f64) -> String {
    let mut text = (chart.show_x)(x);
    for series in &chart.series {
        let nearest = series
            .points
            .iter()
            .min_by(|a, b| (a.0 - x).abs().total_cmp(&(b.0 - x).abs()));
        if let Some((_, y)) = nearest {
            let _ = write!(text, "\n{}: {}", series.name, (chart.show_y)(*y));
        }
    }
    text
}
