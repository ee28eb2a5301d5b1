//! One walk: records of a few entity types, and the requests that use them.

use espo_schema::{EntityType, FieldKind, LinkType};
use http::Method;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use serde_json::json;

use super::acts::{ACTS, Act, READS};
use super::{Generator, object, pick, placeholder, search, values, weighted};
use crate::differential::step::{As, Step};

/// Number of requests of a walk after those that create its first records.
const LENGTH: usize = 26;

/// A walk that is being generated. Steps are generated one by one, so that later steps can use the records of earlier
/// ones.
pub(crate) struct Walk<'g> {
    pub(super) generator: &'g Generator<'g>,
    pub(super) random: Pcg64Mcg,
    number: u64,
    /// Entity types and names of the records so far.
    records: Vec<(&'g EntityType, String)>,
    focus: Vec<&'g EntityType>,
    count: usize,
}

impl<'g> Walk<'g> {
    pub(super) fn new(generator: &'g Generator<'g>, number: u64, random: Pcg64Mcg) -> Walk<'g> {
        let mut walk = Walk {
            generator,
            random,
            number,
            records: Vec::new(),
            focus: Vec::new(),
            count: 0,
        };
        if !generator.types.is_empty() {
            for _ in 0..4 {
                let entity = *pick(&mut walk.random, &generator.types);
                walk.focus.push(entity);
            }
        }
        walk
    }

    /// All steps of the walk.
    pub(crate) fn steps(mut self) -> Vec<Step> {
        if self.focus.is_empty() {
            return Vec::new();
        }
        let mut steps = Vec::new();
        let acts = match &self.generator.existing {
            Some(existing) => {
                for (n, (name, ids)) in existing.iter().enumerate() {
                    let entity = self.generator.schema.entity_types.get(name);
                    if let Some(entity) = entity {
                        let names = (0..ids.len()).map(|i| format!("e{n}x{i}"));
                        self.records.extend(names.map(|name| (entity, name)));
                    }
                }
                self.focus
                    .retain(|e| self.records.iter().any(|(r, _)| r.name == e.name));
                if self.focus.is_empty() {
                    return Vec::new();
                }
                READS
            }
            None => {
                for entity in self.focus.clone() {
                    steps.push(self.create(entity, true));
                }
                for _ in 0..3 {
                    let entity = self.entity();
                    steps.push(self.create(entity, false));
                }
                ACTS
            }
        };
        while steps.len() < LENGTH {
            let act = weighted(&mut self.random, acts);
            if let Some(step) = self.step(act) {
                // The next read shows the effects of a write.
                let read = (step.method == Method::PUT && self.random.random_bool(0.4))
                    .then(|| step.path.clone());
                let as_ = step.as_;
                steps.push(step);
                if let Some(path) = read {
                    let entity = path.split('/').next().unwrap_or_default();
                    let label = format!("read after update {entity}");
                    steps.push(Step::new(label, as_, Method::GET, path));
                }
            }
        }
        steps
    }

    fn step(&mut self, act: Act) -> Option<Step> {
        match act {
            Act::Create => {
                let entity = self.entity();
                Some(self.create(entity, false))
            }
            Act::Update => self.update(),
            Act::Read => {
                let (entity, name) = self.record()?;
                Some(self.get("read", entity, format!("{}/{{{{{name}}}}}", entity.name)))
            }
            Act::List => {
                let entity = self.entity();
                Some(search::list(self, entity))
            }
            Act::Users => {
                let entity = self.generator.schema.entity_types.get("User")?;
                Some(search::list(self, entity))
            }
            Act::Related => {
                let (entity, name) = self.record()?;
                let links: Vec<&str> = entity.links.keys().map(String::as_str).collect();
                if links.is_empty() {
                    return None;
                }
                let link = *pick(&mut self.random, &links);
                let path = format!("{}/{{{{{name}}}}}/{link}", entity.name);
                let step = self.get("related", entity, path);
                Some(search::related(self, step, entity, link))
            }
            Act::Link | Act::Unlink => self.link(matches!(act, Act::Unlink)),
            Act::Delete => {
                let (entity, name) = self.record()?;
                let path = format!("{}/{{{{{name}}}}}", entity.name);
                Some(self.send("delete", entity, Method::DELETE, path))
            }
            Act::Stream => {
                let (entity, name) = self.record()?;
                let what = *pick(
                    &mut self.random,
                    &["stream", "stream", "posts", "updateStream"],
                );
                let path = format!("{}/{{{{{name}}}}}/{what}", entity.name);
                Some(self.get(what, entity, path))
            }
            Act::Post => {
                let (entity, name) = self.record()?;
                let step = self.send("post", entity, Method::POST, "Note".to_owned());
                Some(step.body(json!({
                    "type": "Post", "post": format!("{} post", self.marker()),
                    "parentType": entity.name, "parentId": placeholder(&name),
                })))
            }
            Act::Follow => {
                let (entity, name) = self.record()?;
                let method = [Method::PUT, Method::DELETE];
                let method = pick(&mut self.random, &method).clone();
                let path = format!("{}/{{{{{name}}}}}/subscription", entity.name);
                Some(self.send("follow", entity, method, path))
            }
            Act::Star => {
                let (entity, name) = self.record()?;
                let method = [Method::PUT, Method::DELETE];
                let method = pick(&mut self.random, &method).clone();
                let path = format!("{}/{{{{{name}}}}}/starSubscription", entity.name);
                Some(self.send("star", entity, method, path))
            }
            Act::Mass => self.mass(),
            Act::Kanban => {
                let entity = self.entity();
                let step = self.get("kanban", entity, format!("Kanban/{}", entity.name));
                Some(search::restricted(self, step, entity))
            }
            Act::Activities => {
                let (entity, name) = self.record()?;
                let what = *pick(&mut self.random, &["activities", "history"]);
                let path = format!("Activities/{}/{{{{{name}}}}}/{what}", entity.name);
                Some(self.get(what, entity, path))
            }
            Act::Global => {
                let entity = self.entity();
                let step = self.get("global search", entity, "GlobalSearch".to_owned());
                let q = format!("{} {}", self.marker(), self.random.random_range(0..9));
                Some(step.query("q", q).query("maxSize", "10"))
            }
            Act::Action => self.action(),
            Act::Document => {
                let entity = self.entity();
                let path = *pick(
                    &mut self.random,
                    &["App/about", "Nothing", "Account/action/noSuch"],
                );
                Some(self.get("document", entity, path.to_owned()))
            }
            Act::Missing => {
                let entity = self.entity();
                let methods: &[Method] = match self.generator.existing {
                    Some(_) => &[Method::GET],
                    None => &[Method::GET, Method::PUT, Method::DELETE],
                };
                let method = pick(&mut self.random, methods).clone();
                let path = format!("{}/nosuchid000000000", entity.name);
                let step = self.send("missing", entity, method.clone(), path);
                Some(if method == Method::PUT {
                    step.body(json!({"description": "x"}))
                } else {
                    step
                })
            }
        }
    }

    fn create(&mut self, entity: &'g EntityType, valid: bool) -> Step {
        let name = format!("w{}r{}", self.number, self.count);
        self.count += 1;
        let mut attributes = Vec::new();
        for field in entity.fields.values() {
            if field.read_only || field.disabled || field.composite_of.is_some() {
                continue;
            }
            let needed = field.required || field.name == "name";
            let share = if valid { 0.15 } else { 0.3 };
            if !needed && !self.random.random_bool(share) {
                continue;
            }
            if !needed && entity.name == "Email" && field.name == "status" {
                continue;
            }
            attributes.extend(values::of(self, entity, field));
        }
        for (key, value) in &mut attributes {
            if key == "name" && value.is_string() && self.random.random_bool(0.9) {
                let word = values::text(self, Some(40));
                *value = json!(format!("{} {} {word}", self.marker(), self.count));
            }
        }
        if entity.name == "Email" {
            attributes.push(("status".to_owned(), json!("Draft")));
        }
        let as_ = self.user_of_step();
        self.records.push((entity, name.clone()));
        let mut step = Step::new(
            format!("create {}", entity.name),
            as_,
            Method::POST,
            entity.name.clone(),
        )
        .body(object(attributes));
        if self.random.random_bool(0.5) {
            step.header("x-skip-duplicate-check", "true");
        }
        step.binds = Some(name);
        step
    }

    fn update(&mut self) -> Option<Step> {
        let (entity, name) = self.record()?;
        let fields: Vec<_> = entity
            .fields
            .values()
            .filter(|f| !f.disabled && f.composite_of.is_none())
            .filter(|f| !(entity.name == "Email" && f.name == "status"))
            .collect();
        let mut attributes = Vec::new();
        for _ in 0..self.random.random_range(0..4) {
            let field = *pick(&mut self.random, &fields);
            attributes.extend(values::of(self, entity, field));
        }
        let path = format!("{}/{{{{{name}}}}}", entity.name);
        let mut step = self
            .send("update", entity, Method::PUT, path)
            .body(object(attributes));
        if self.random.random_bool(0.1) {
            let version = self.random.random_range(1..4);
            step.header("x-version-number", &version.to_string());
        }
        Some(step)
    }

    fn link(&mut self, unlink: bool) -> Option<Step> {
        let (entity, name) = self.record()?;
        let links: Vec<_> = entity
            .links
            .values()
            .filter(|l| l.type_ != LinkType::BelongsToParent)
            .collect();
        if links.is_empty() {
            return None;
        }
        let link = *pick(&mut self.random, &links);
        let target = link.entity.clone()?;
        let id = match target.as_str() {
            "User" => json!(self.user()?),
            "Team" => json!(self.team()?),
            target => placeholder(&self.record_of(target)?),
        };
        let path = format!("{}/{{{{{name}}}}}/{}", entity.name, link.name);
        let (what, method) = if unlink {
            ("unlink", Method::DELETE)
        } else {
            ("link", Method::POST)
        };
        Some(
            self.send(what, entity, method, path)
                .body(json!({"id": id})),
        )
    }

    fn mass(&mut self) -> Option<Step> {
        let (entity, name) = self.record()?;
        let mut ids = vec![placeholder(&name)];
        ids.extend(self.record_of(&entity.name).map(|r| placeholder(&r)));
        let (action, data) = match self.random.random_range(0..4) {
            0 => ("delete", json!({})),
            1 => ("follow", json!({})),
            _ => {
                let writable: Vec<_> = entity
                    .fields
                    .values()
                    .filter(|f| super::is_text(f.kind) || f.kind == FieldKind::Enum)
                    .filter(|f| !f.read_only && f.composite_of.is_none() && f.name != "name")
                    .filter(|f| !(entity.name == "Email" && f.name == "status"))
                    .collect();
                if writable.is_empty() {
                    return None;
                }
                let field = *pick(&mut self.random, &writable);
                ("update", object(values::of(self, entity, field)))
            }
        };
        let step = self.send("mass action", entity, Method::POST, "MassAction".to_owned());
        Some(step.body(json!({
            "entityType": entity.name, "action": action, "data": data, "params": {"ids": ids},
        })))
    }

    fn action(&mut self) -> Option<Step> {
        let (entity, name) = self.record()?;
        let id = placeholder(&name);
        Some(match self.random.random_range(0..4) {
            0 => {
                let path = format!("{}/action/getDuplicateAttributes", entity.name);
                self.send("duplicate attributes", entity, Method::POST, path)
                    .body(json!({"id": id}))
            }
            1 => {
                let path = format!("{}/action/restoreDeleted", entity.name);
                self.send("restore", entity, Method::POST, path)
                    .body(json!({"id": id}))
            }
            2 => {
                let other = self.record_of(&entity.name)?;
                self.send("merge", entity, Method::POST, "Action".to_owned())
                    .body(json!({
                        "entityType": entity.name, "id": id, "action": "merge",
                        "data": {"sourceIdList": [placeholder(&other)], "attributes": {}},
                    }))
            }
            _ => {
                let what = *pick(&mut self.random, &["followers", "usersAccess", "attendees"]);
                let path = format!("{}/{{{{{name}}}}}/{what}", entity.name);
                self.get(what, entity, path)
            }
        })
    }

    fn get(&mut self, what: &str, entity: &EntityType, path: String) -> Step {
        self.send(what, entity, Method::GET, path)
    }

    fn send(&mut self, what: &str, entity: &EntityType, method: Method, path: String) -> Step {
        let as_ = self.user_of_step();
        Step::new(format!("{what} {}", entity.name), as_, method, path)
    }

    /// The user of the next request: mostly the first one.
    pub(super) fn user_of_step(&mut self) -> As {
        let users = &self.generator.users;
        let Some(first) = users.first() else {
            return As::Api;
        };
        if self.random.random_bool(0.75) {
            *first
        } else {
            *pick(&mut self.random, users)
        }
    }

    /// An entity type of the walk.
    fn entity(&mut self) -> &'g EntityType {
        let at = self.random.random_range(0..self.focus.len());
        self.focus[at]
    }

    /// A record of the walk.
    fn record(&mut self) -> Option<(&'g EntityType, String)> {
        if self.records.is_empty() {
            return None;
        }
        let at = self.random.random_range(0..self.records.len());
        Some(self.records[at].clone())
    }

    /// A record of an entity type, by name.
    pub(super) fn record_of(&mut self, entity: &str) -> Option<String> {
        let names: Vec<String> = self.records_of(entity);
        (!names.is_empty()).then(|| pick(&mut self.random, &names).clone())
    }

    /// Names of all records of an entity type.
    pub(super) fn records_of(&self, entity: &str) -> Vec<String> {
        let of = self.records.iter().filter(|(e, _)| e.name == entity);
        of.map(|(_, name)| name.clone()).collect()
    }

    /// A record of any of these entity types, or of any entity type.
    pub(super) fn some_record(&mut self, types: &[String]) -> Option<(String, String)> {
        let fitting: Vec<(String, String)> = self
            .records
            .iter()
            .filter(|(e, _)| types.is_empty() || types.contains(&e.name))
            .map(|(e, name)| (e.name.clone(), name.clone()))
            .collect();
        (!fitting.is_empty()).then(|| pick(&mut self.random, &fitting).clone())
    }

    pub(super) fn user(&mut self) -> Option<String> {
        let users = &self.generator.known_users;
        (!users.is_empty()).then(|| pick(&mut self.random, users).clone())
    }

    pub(super) fn team(&mut self) -> Option<String> {
        let teams = &self.generator.known_teams;
        (!teams.is_empty()).then(|| pick(&mut self.random, teams).clone())
    }

    pub(super) fn currency(&self) -> String {
        self.generator.currency.clone()
    }

    pub(super) fn marker(&self) -> String {
        format!("{} {}", self.generator.marker, self.number)
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// An address that no other walk uses, sometimes one that this walk has used.
    pub(super) fn email(&mut self) -> String {
        let n = self.random.random_range(0..6);
        let tag: String = self
            .generator
            .marker
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        format!("{}.{}.{n}@example.com", tag.to_lowercase(), self.number)
    }
}
