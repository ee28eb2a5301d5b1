//! Converts a parsed file to a workload and checks everything that does not require a target.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;

use super::file::{self, OperationFile, ThinkFile, WorkloadFile};
use super::model::{
    CredentialNames, DEFAULT_PREFIX, Defaults, Kind, MixItem, Operation, Skew, Workload,
};
use super::operation::operation;
use super::source::{Source, name, positive};
use super::{csv_columns, stages};
use crate::error::Result;

pub(super) fn check(
    file: WorkloadFile,
    origin: &str,
    text: &str,
    folder: &Path,
) -> Result<Workload> {
    let source = Source { origin, text };
    let default_name = Path::new(origin)
        .file_stem()
        .map_or(origin.into(), |s| s.to_string_lossy().into_owned());
    whole_load(&source, &file)?;
    let mut mix = Mix {
        source: &source,
        operations: Vec::new(),
        items: Vec::new(),
        names: HashSet::new(),
    };
    for operation in file.operations {
        mix.single(operation)?;
    }
    for chain in file.chains {
        mix.chain(chain)?;
    }
    let Mix {
        operations, items, ..
    } = mix;
    if items.is_empty() {
        return Err(source.error(0..0, "nothing to send; add an [[operation]] or a [[chain]]"));
    }
    if let Some(download) = operations.iter().find(|o| o.kind == Kind::Download)
        && operations.iter().all(|o| o.kind != Kind::Upload)
    {
        let place = download.places.entity.clone();
        return Err(source.error(
            place,
            "a download fetches files that the run itself uploaded; add an upload",
        ));
    }
    let stages = stages::stages(&source, file.stages)?;
    let mut csv = BTreeMap::new();
    for part in file.data.csv {
        let span = part.span();
        let part = part.into_inner();
        let columns = csv_columns::read(folder, &part)
            .map_err(|(place, message)| source.error(place, message))?;
        let entity = part.entity.into_inner();
        if csv.insert(entity.clone(), Arc::new(columns)).is_some() {
            return Err(source.error(span, format!("two CSV files for {entity}")));
        }
    }
    Ok(Workload {
        name: match file.name {
            Some(name) if !name.get_ref().trim().is_empty() => title(&source, name)?,
            _ => default_name.replace(char::is_control, " "),
        },
        description: file.description.unwrap_or_default(),
        source: text.into(),
        origin: origin.into(),
        defaults: Defaults {
            concurrency: file.concurrency.map(|c| positive(&source, c)).transpose()?,
            rate: file
                .rate
                .map(|r| load(&source, r.span(), r.into_inner()))
                .transpose()?,
            arrivals: file.arrivals,
            max_in_flight: file
                .max_in_flight
                .map(|c| positive(&source, c))
                .transpose()?,
            duration: file.duration.map(|d| d.into_inner().0),
            warmup: file.warmup.map(|d| d.into_inner().0),
            seed: file.seed,
        },
        think: file.think.map(|t| think(&source, t)).transpose()?,
        pacing: file.pacing.map(|p| p.into_inner().0),
        prefix: match file.data.prefix {
            None => DEFAULT_PREFIX.into(),
            Some(p) => prefix(&source, p)?,
        },
        skew: file.data.skew.map(|s| skew(&source, s)).transpose()?,
        csv,
        setup_places: (file.setup.records.keys())
            .map(|e| (e.get_ref().clone(), e.span()))
            .collect(),
        setup: (file.setup.records.into_iter())
            .map(|(e, n)| (e.into_inner(), n.into_inner()))
            .collect(),
        credentials: credentials(&source, file.credentials)?,
        operations,
        mix: items,
        stages,
    })
}

/// Checks that the load is defined only once.
fn whole_load(source: &Source<'_>, file: &WorkloadFile) -> Result<()> {
    if let (Some(rate), Some(_)) = (&file.rate, &file.concurrency) {
        return Err(source.error(rate.span(), "set either a rate or a concurrency, not both"));
    }
    for length in [&file.duration, &file.pacing].into_iter().flatten() {
        if length.get_ref().0.is_zero() {
            return Err(source.error(length.span(), "must be longer than 0"));
        }
    }
    if let (Some(pacing), Some(_)) = (&file.pacing, &file.think) {
        return Err(source.error(
            pacing.span(),
            "set either a think time or a pacing, not both",
        ));
    }
    if file.stages.is_empty() {
        return Ok(());
    }
    let given = [
        ("rate", file.rate.as_ref().map(Spanned::span)),
        ("concurrency", file.concurrency.as_ref().map(Spanned::span)),
        ("duration", file.duration.as_ref().map(Spanned::span)),
        ("warmup", file.warmup.as_ref().map(Spanned::span)),
    ];
    match given.into_iter().find_map(|(key, at)| Some((key, at?))) {
        None => Ok(()),
        Some((key, at)) => Err(source.error(
            at,
            format!(
                "'{key}' cannot be combined with stages, which define the load and its duration"
            ),
        )),
    }
}

fn load(source: &Source<'_>, span: Range<usize>, value: f64) -> Result<f64> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(source.error(span, "must be above 0"))
    }
}

fn think(source: &Source<'_>, think: Spanned<ThinkFile>) -> Result<(Duration, Duration)> {
    let span = think.span();
    match think.into_inner() {
        ThinkFile::Fixed(d) => Ok((d.0, d.0)),
        ThinkFile::Between(range) if range.min.0 <= range.max.0 => Ok((range.min.0, range.max.0)),
        ThinkFile::Between(_) => Err(source.error(span, "min is above max")),
    }
}

/// Checks the name of a workload, which is the title of reports in several formats.
fn title(source: &Source<'_>, name: Spanned<String>) -> Result<String> {
    if name.get_ref().contains(char::is_control) {
        return Err(source.error(
            name.span(),
            "the name contains a line break or another control character; remove it",
        ));
    }
    Ok(name.into_inner())
}

/// Checks the prefix, which is part of names, where the server rejects some characters, and of an equality filter.
fn prefix(source: &Source<'_>, prefix: Spanned<String>) -> Result<String> {
    let text = prefix.get_ref();
    let fine = (3..=24).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_ ".contains(c));
    if fine && text.trim() == text {
        Ok(prefix.into_inner())
    } else {
        Err(source.error(
            prefix.span(),
            "invalid prefix: expected 3 to 24 letters, digits, spaces, '-' or '_'",
        ))
    }
}

fn skew(source: &Source<'_>, skew: Spanned<file::SkewFile>) -> Result<Skew> {
    let file::SkewFile { hot, share } = *skew.get_ref();
    let part = |v: f64| v > 0.0 && v < 1.0;
    if part(hot) && part(share) {
        Ok(Skew { hot, share })
    } else {
        Err(source.error(skew.span(), "hot and share must be fractions between 0 and 1: { hot = 0.1, share = 0.9 } sends 90 % of the reads to 10 % of the records"))
    }
}

fn credentials(
    source: &Source<'_>,
    list: Vec<Spanned<file::CredentialsFile>>,
) -> Result<Vec<CredentialNames>> {
    list.into_iter()
        .map(|item| {
            let span = item.span();
            let c = item.into_inner();
            let by_key = c.api_key_env.is_some() && c.username_env.is_none() && c.password_env.is_none();
            let by_user = c.username_env.is_some() && c.password_env.is_some() && c.api_key_env.is_none() && c.secret_key_env.is_none();
            if !by_key && !by_user {
                return Err(source.error(span, "expected names of environment variables: api_key_env (with \
                                               secret_key_env for HMAC), or username_env and password_env"));
            }
            Ok(CredentialNames {
                api_key: c.api_key_env,
                secret_key: c.secret_key_env,
                username: c.username_env,
                password: c.password_env,
            })
        })
        .collect()
}

struct Mix<'a> {
    source: &'a Source<'a>,
    operations: Vec<Operation>,
    items: Vec<MixItem>,
    names: HashSet<String>,
}

impl Mix<'_> {
    fn single(&mut self, item: Spanned<OperationFile>) -> Result<()> {
        let span = item.span();
        let file = item.into_inner();
        let weight = weight(self.source, file.weight.clone())?;
        let operation = operation(self.source, span.clone(), file, None)?;
        let index = self.add(operation, span)?;
        self.items.push(MixItem {
            chain: None,
            weight,
            steps: vec![index],
        });
        Ok(())
    }

    fn chain(&mut self, item: Spanned<file::ChainFile>) -> Result<()> {
        let span = item.span();
        let chain = item.into_inner();
        let name = name(self.source, &chain.name)?;
        let weight = weight(self.source, chain.weight.clone())?;
        let at_steps = chain.steps.span();
        let mut steps = Vec::new();
        for step in chain.steps.into_inner() {
            let at = step.span();
            let file = step.into_inner();
            if let Some(weight) = &file.weight {
                return Err(self.source.error(
                    weight.span(),
                    "a step has no weight; set the weight of the chain",
                ));
            }
            steps.push((operation(self.source, at.clone(), file, Some(&name))?, at));
        }
        if steps.is_empty() {
            return Err(self
                .source
                .error(at_steps, "a chain needs at least one [[chain.step]]"));
        }
        let whole = Operation::new(Kind::Chain, String::new(), name);
        let whole = self.add(whole, span)?;
        let steps = steps
            .into_iter()
            .map(|(step, at)| self.add(step, at))
            .collect::<Result<_>>()?;
        self.items.push(MixItem {
            chain: Some(whole),
            weight,
            steps,
        });
        Ok(())
    }

    fn add(&mut self, operation: Operation, span: Range<usize>) -> Result<usize> {
        if !self.names.insert(operation.name.clone()) {
            return Err(self.source.error(
                span,
                format!(
                    "two operations have the name '{}'; set a different name for one of them",
                    operation.name
                ),
            ));
        }
        self.operations.push(operation);
        Ok(self.operations.len() - 1)
    }
}

fn weight(source: &Source<'_>, weight: Option<Spanned<u32>>) -> Result<u32> {
    match weight {
        None => Ok(1),
        Some(zero) if *zero.get_ref() == 0 => Err(source.error(
            zero.span(),
            "weight must be at least 1; remove the operation to disable it",
        )),
        Some(weight) => Ok(weight.into_inner()),
    }
}
