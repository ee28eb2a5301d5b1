//! Converts the stages of a file to phases of the load.

use toml::Spanned;

use super::file::{LoadFile, StageFile};
use super::model::Stages;
use super::source::Source;
use crate::error::Result;
use crate::schedule::Phase;

pub(super) fn stages(source: &Source<'_>, list: Vec<Spanned<StageFile>>) -> Result<Option<Stages>> {
    let (mut phases, mut open) = (Vec::new(), None);
    let mut unmeasured = None;
    for (index, item) in list.into_iter().enumerate() {
        let span = item.span();
        let stage = item.into_inner();
        let seconds = stage.duration.get_ref().0.as_secs_f64();
        if seconds <= 0.0 {
            return Err(source.error(stage.duration.span(), "must be longer than 0"));
        }
        let (load, is_open) = match (stage.rate, stage.concurrency) {
            (Some(rate), None) => (rate, true),
            (None, Some(workers)) => (workers, false),
            _ => return Err(source.error(span, "a stage needs either a rate or a concurrency")),
        };
        let at = load.span();
        if open.is_some_and(|o| o != is_open) {
            return Err(source.error(
                at,
                "all stages must set a rate, or all must set a concurrency",
            ));
        }
        open = Some(is_open);
        let measured = stage.measured.unwrap_or(true);
        if measured {
            unmeasured = None;
        } else {
            if phases.iter().any(|p: &Phase| p.measured) {
                return Err(source.error(span, "only stages at the start can be unmeasured"));
            }
            unmeasured = Some(span);
        }
        let base = stage.name.unwrap_or_else(|| format!("stage {}", index + 1));
        let mut push = |name: String, from: f64, to: f64| {
            let refused = [from, to].into_iter().find_map(|load| {
                let whole = is_open || load.fract() == 0.0;
                match load {
                    load if !load.is_finite() || load < 0.0 => Some("a load must be 0 or more"),
                    _ if !whole => Some("the number of workers must be an integer"),
                    _ => None,
                }
            });
            let refused =
                refused.or((from + to == 0.0).then_some("a stage must have a load above 0"));
            if let Some(refused) = refused {
                return Err(source.error(at.clone(), refused));
            }
            phases.push(Phase {
                name,
                seconds,
                from,
                to,
                measured,
            });
            Ok(())
        };
        match load.into_inner() {
            LoadFile::Hold(value) => push(base, value, value)?,
            LoadFile::Ramp([from, to]) => push(base, from, to)?,
            LoadFile::Steps(steps) if steps.steps.is_empty() => {
                return Err(source.error(at, "steps must contain at least one value"));
            }
            LoadFile::Steps(steps) => {
                for value in steps.steps {
                    push(format!("{base} at {value}"), value, value)?;
                }
            }
        }
    }
    if let Some(last) = unmeasured {
        return Err(source.error(
            last,
            "no stage is measured; add a measured stage after this one",
        ));
    }
    Ok(open.map(|o| {
        if o {
            Stages::Open(phases)
        } else {
            Stages::Closed(phases)
        }
    }))
}
