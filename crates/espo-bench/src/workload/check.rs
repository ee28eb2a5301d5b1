//! From the shape of a file to a workload: everything that can be checked without a target.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use toml::Spanned;

use super::file::{self, OperationFile, ThinkFile, WorkloadFile};
use super::model::{CredentialNames, Defaults, Kind, MixItem, Operation, Places, Skew, Workload};
use super::{at, csv_columns, filters, near, stages};
use crate::error::{Error, Result};

/// The largest page that the server gives.
const MAX_PAGE: u32 = 200;
/// The server cuts uploads at what its administrator set; above this a workload is surely a slip.
const MAX_UPLOAD: u64 = 64 << 20;

pub(super) struct Source<'a> {
    origin: &'a str,
    text: &'a str,
}

impl Source<'_> {
    pub(super) fn error(&self, span: Range<usize>, message: impl AsRef<str>) -> Error {
        at(self.origin, self.text, span, message.as_ref())
    }
}

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
        return Err(source.error(0..0, "nothing to send: add an [[operation]] or a [[chain]]"));
    }
    if let Some(download) = operations.iter().find(|o| o.kind == Kind::Download)
        && operations.iter().all(|o| o.kind != Kind::Upload)
    {
        let place = download.places.entity.clone();
        return Err(source.error(
            place,
            "a download fetches what the run itself has uploaded: add an upload",
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
        name: file.name.unwrap_or(default_name),
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
            None => "espo-bench".into(),
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

/// Where the load is given, it is given once.
fn whole_load(source: &Source<'_>, file: &WorkloadFile) -> Result<()> {
    if let (Some(rate), Some(_)) = (&file.rate, &file.concurrency) {
        return Err(source.error(rate.span(), "a workload has either a rate or a concurrency"));
    }
    for length in [&file.duration, &file.pacing].into_iter().flatten() {
        if length.get_ref().0.is_zero() {
            return Err(source.error(length.span(), "must be longer than 0"));
        }
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
            format!("'{key}' beside stages: they say how much is sent, and for how long"),
        )),
    }
}

fn positive(source: &Source<'_>, value: Spanned<u32>) -> Result<u32> {
    match *value.get_ref() {
        0 => Err(source.error(value.span(), "must be at least 1")),
        n => Ok(n),
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

/// The prefix stands in names, where the server refuses some characters, and in a filter by equality.
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
            "a prefix has 3 to 24 letters, digits, blanks, '-' or '_'",
        ))
    }
}

fn skew(source: &Source<'_>, skew: Spanned<file::SkewFile>) -> Result<Skew> {
    let file::SkewFile { hot, share } = *skew.get_ref();
    let part = |v: f64| v > 0.0 && v < 1.0;
    if part(hot) && part(share) {
        Ok(Skew { hot, share })
    } else {
        Err(source.error(skew.span(), "hot and share are parts between 0 and 1: { hot = 0.1, share = 0.9 } sends 90 % of the reads to 10 % of the records"))
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
                return Err(source.error(span, "name the environment variables: api_key_env, with secret_key_env for HMAC; or username_env and password_env"));
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
                return Err(self
                    .source
                    .error(weight.span(), "a step has no weight: the chain has one"));
            }
            steps.push((operation(self.source, at.clone(), file, Some(&name))?, at));
        }
        if steps.is_empty() {
            return Err(self
                .source
                .error(at_steps, "a chain has at least one [[chain.step]]"));
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
                    "two operations are called '{}': give one a name",
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
            "a weight is at least 1: what must not be sent does not stand here",
        )),
        Some(weight) => Ok(weight.into_inner()),
    }
}

/// Names stand in limits (`list.p99`) and as tags in histogram logs, where ',' and blanks have a meaning.
fn name(source: &Source<'_>, name: &Spanned<String>) -> Result<String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "_:-/".contains(c);
    if !name.get_ref().is_empty()
        && name.get_ref().chars().all(fine)
        && name.get_ref() != "all"
        && name.get_ref() != "errors"
    {
        Ok(name.get_ref().clone())
    } else {
        Err(source.error(
            name.span(),
            "a name has letters, digits, '_', ':', '/' or '-', and is neither 'all' nor 'errors'",
        ))
    }
}

impl Operation {
    /// An operation with nothing but its kind, entity type and name.
    pub(crate) fn plain(kind: Kind, entity: &str, name: String) -> Self {
        Self::new(kind, entity.to_owned(), name)
    }

    fn new(kind: Kind, entity: String, name: String) -> Self {
        Self {
            name,
            kind,
            entity,
            select: Vec::new(),
            filter: Vec::new(),
            order_by: None,
            descending: false,
            max_size: 20,
            pages: 1,
            link: None,
            text: Vec::new(),
            fields: Vec::new(),
            set: Map::new(),
            batch: 1,
            field: None,
            size: 16 << 10,
            places: Places::default(),
        }
    }
}

/// The keys that an operation of a kind may have, besides kind, entity, name and weight.
fn allowed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::List => &["select", "where", "order_by", "order", "max_size", "pages"],
        Kind::Search => &["select", "text", "order_by", "order", "max_size"],
        Kind::Read | Kind::Delete | Kind::Download | Kind::Chain => &[],
        Kind::Stream => &["max_size", "pages"],
        Kind::Create | Kind::Update => &["fields", "set"],
        Kind::Related => &[
            "link", "select", "where", "order_by", "order", "max_size", "pages",
        ],
        Kind::Link | Kind::Unlink => &["link"],
        Kind::MassUpdate => &["fields", "set", "batch"],
        Kind::Upload => &["field", "size"],
    }
}

fn operation(
    source: &Source<'_>,
    span: Range<usize>,
    file: OperationFile,
    chain: Option<&str>,
) -> Result<Operation> {
    let Some(kind) = Kind::REQUESTS
        .into_iter()
        .find(|k| k.as_str() == file.kind.get_ref())
    else {
        let known: Vec<&str> = Kind::REQUESTS.iter().map(|k| k.as_str()).collect();
        let near = near(file.kind.get_ref(), known.iter().copied());
        let message = format!(
            "unknown kind '{}'{near} (known: {})",
            file.kind.get_ref(),
            known.join(", ")
        );
        return Err(source.error(file.kind.span(), message));
    };
    let given: [(&str, Option<Range<usize>>); 12] = [
        ("select", file.select.as_ref().map(Spanned::span)),
        ("where", file.filter.as_ref().map(Spanned::span)),
        ("order_by", file.order_by.as_ref().map(Spanned::span)),
        ("order", file.order.as_ref().map(Spanned::span)),
        ("max_size", file.max_size.as_ref().map(Spanned::span)),
        ("pages", file.pages.as_ref().map(Spanned::span)),
        ("link", file.link.as_ref().map(Spanned::span)),
        ("text", file.text.as_ref().map(Spanned::span)),
        ("fields", file.fields.as_ref().map(Spanned::span)),
        ("set", file.set.as_ref().map(Spanned::span)),
        ("batch", file.batch.as_ref().map(Spanned::span)),
        ("size", file.size.as_ref().map(Spanned::span)),
    ];
    for (key, at) in given
        .into_iter()
        .chain([("field", file.field.as_ref().map(Spanned::span))])
    {
        if let Some(at) = at.filter(|_| !allowed(kind).contains(&key)) {
            return Err(source.error(
                at,
                format!("'{key}' means nothing for kind '{}'", kind.as_str()),
            ));
        }
    }
    let Some(entity) = &file.entity else {
        return Err(source.error(span, format!("kind '{}' needs an entity", kind.as_str())));
    };
    let mut out = Operation::new(kind, entity.get_ref().clone(), String::new());
    out.places.entity = entity.span();
    if let Some(link) = &file.link {
        out.link = Some(link.get_ref().clone());
        out.places.link = link.span();
    } else if matches!(kind, Kind::Related | Kind::Link | Kind::Unlink) {
        return Err(source.error(span, format!("kind '{}' needs a link", kind.as_str())));
    }
    out.name = match (&file.name, chain) {
        (Some(given), _) => name(source, given)?,
        (None, None) => default_name(&out),
        (None, Some(chain)) => format!("{chain}/{}", default_name(&out)),
    };
    for list in [&file.select, &file.fields].into_iter().flatten() {
        for item in list.get_ref() {
            out.places.names.insert(item.get_ref().clone(), item.span());
        }
    }
    out.select = file.select.map_or_else(Vec::new, plain);
    out.fields = file.fields.map_or_else(Vec::new, plain);
    if let Some(order_by) = file.order_by {
        out.places
            .names
            .insert(order_by.get_ref().clone(), order_by.span());
        out.order_by = Some(order_by.into_inner());
    }
    if let Some(order) = file.order {
        out.descending = match order.get_ref().as_str() {
            "asc" => false,
            "desc" => true,
            _ => return Err(source.error(order.span(), "order is \"asc\" or \"desc\"")),
        };
    }
    if let Some(max_size) = file.max_size {
        out.max_size = *max_size.get_ref();
        if !(1..=MAX_PAGE).contains(&out.max_size) {
            return Err(source.error(
                max_size.span(),
                "a page has 1 to 200 records: the server refuses more",
            ));
        }
    }
    if let Some(pages) = file.pages {
        out.pages = positive(source, pages)?;
    }
    if let Some(batch) = file.batch {
        out.batch = positive(source, batch)?;
    }
    if let Some(text) = file.text {
        if text.get_ref().is_empty() || text.get_ref().iter().any(|t| t.trim().is_empty()) {
            return Err(source.error(text.span(), "texts to search for must not be empty"));
        }
        out.text = text.into_inner();
    }
    if let Some(size) = file.size {
        out.size = file::size(&size).map_err(|m| source.error(size.span(), m))?;
        if !(1..=MAX_UPLOAD).contains(&out.size) {
            return Err(source.error(size.span(), "an upload has 1 byte to 64MiB"));
        }
    }
    if let Some(filter) = file.filter {
        for item in filter.into_inner() {
            let at = item.span();
            let item = json(toml::Value::Table(item.into_inner()));
            let names = filters::check(&item).map_err(|m| source.error(at.clone(), m))?;
            for name in names {
                out.places.names.insert(name, at.clone());
            }
            out.filter.push(item);
        }
    }
    if let Some(set) = file.set {
        let at = set.span();
        if let Value::Object(map) = json(toml::Value::Table(set.into_inner())) {
            for key in map.keys() {
                out.places.names.insert(key.clone(), at.clone());
            }
            out.set = map;
        }
    }
    out.field = file.field.map(|field| {
        out.places
            .names
            .insert(field.get_ref().clone(), field.span());
        field.into_inner()
    });
    Ok(out)
}

fn plain(list: Spanned<Vec<Spanned<String>>>) -> Vec<String> {
    list.into_inner()
        .into_iter()
        .map(Spanned::into_inner)
        .collect()
}

fn default_name(operation: &Operation) -> String {
    let mut name = format!("{}:{}", operation.kind.as_str(), operation.entity);
    if let Some(link) = &operation.link {
        name.push('/');
        name.push_str(link);
    }
    name
}

/// TOML as the JSON that goes over the wire; dates become their text.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(s) => s.into(),
        toml::Value::Integer(i) => i.into(),
        toml::Value::Float(f) => f.into(),
        toml::Value::Boolean(b) => b.into(),
        toml::Value::Datetime(d) => d.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(k, v)| (k, json(v))).collect())
        }
    }
}
