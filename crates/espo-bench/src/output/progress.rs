//! A progress line on the terminal. Nothing is printed if stderr is not a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::record::Snapshot;
use crate::units::{show_count, show_micros};

/// The progress display.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(crate) fn new(shown: bool, length: Option<Duration>) -> Self {
        let bar = match length {
            Some(length) => ProgressBar::new(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)),
            None => ProgressBar::new_spinner(),
        };
        // indicatif itself hides the bar if stderr is not a terminal.
        bar.set_draw_target(if shown {
            ProgressDrawTarget::stderr_with_hz(5)
        } else {
            ProgressDrawTarget::hidden()
        });
        let template = match length {
            Some(_) => "{bar:24} {percent:>3}% {msg}",
            None => "{spinner} {msg}",
        };
        // The template is a constant that parses; otherwise the default style would be used.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(crate) fn update(&self, elapsed: Duration, warming_up: bool, now: &Snapshot) {
        self.bar
            .set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        let message = match (&now.last, warming_up) {
            (_, true) => "warming up".to_owned(),
            (None, false) => "measuring".to_owned(),
            (Some(second), false) => format!(
                "{}/s  p50 {}  p99 {}  errors {}  total {}",
                show_count(second.ok + second.failed),
                show_micros(second.p50 as f64),
                show_micros(second.p99 as f64),
                show_count(now.failed),
                show_count(now.ok + now.failed)
            ),
        };
        self.bar.set_message(message);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
