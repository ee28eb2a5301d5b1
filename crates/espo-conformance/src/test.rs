//! The context of a check: the server, the user, and unique names.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::answer::{Answer, Body, Outcome, skip};
use crate::call::Call;
use crate::ledger::Ledger;
use crate::users::{Login, Users};
use crate::wire::Wire;
use crate::world::World;

/// The currency that a run adds if it may change settings: an ISO 4217 code that few instances use.
const SECOND: &str = "NOK";

/// The server's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) u32);

impl Version {
    /// Parses `9.3.10`. Anything else counts as newer than all versions, because development copies report a placeholder.
    pub(crate) fn parse(text: &str) -> Version {
        let mut parts = text.split(['.', '-']).map_while(|part| part.parse().ok());
        match (parts.next(), parts.next()) {
            (Some(major), Some(minor)) => Version(major, minor),
            _ => Version(u32::MAX, 0),
        }
    }
}

pub(crate) struct Shared {
    pub(crate) wire: Wire,
    pub(crate) users: Users,
    pub(crate) version: Version,
    pub(crate) marker: String,
    pub(crate) counter: Cell<u32>,
    pub(crate) ledger: Ledger,
    pub(crate) world: RefCell<Option<Rc<World>>>,
    pub(crate) assignee: RefCell<Option<String>>,
    pub(crate) may_change_settings: bool,
    /// The currencies that the server listed before the run added one.
    pub(crate) currencies: RefCell<Option<Value>>,
}

/// A server as seen by one user.
#[derive(Clone)]
pub(crate) struct Test {
    pub(crate) shared: Rc<Shared>,
    pub(crate) login: Login,
}

impl Test {
    // Users.

    fn speaking_as(&self, login: Option<&Login>, who: &str) -> Outcome<Test> {
        match login {
            Some(login) => Ok(Test {
                shared: Rc::clone(&self.shared),
                login: login.clone(),
            }),
            None => skip(format!("no credentials given for {who}")),
        }
    }

    /// The server as seen by the API user with a plain key.
    pub(crate) fn as_api(&self) -> Outcome<Test> {
        let users = &self.shared.users;
        self.speaking_as(users.api.as_ref().or(users.hmac.as_ref()), "an API user")
    }

    pub(crate) fn as_hmac(&self) -> Outcome<Test> {
        self.speaking_as(
            self.shared.users.hmac.as_ref(),
            "an API user with a secret key",
        )
    }

    pub(crate) fn as_weak(&self) -> Outcome<Test> {
        self.speaking_as(
            self.shared.users.weak.as_ref(),
            "an API user with few permissions",
        )
    }

    pub(crate) fn as_admin(&self) -> Outcome<Test> {
        self.speaking_as(self.shared.users.admin.as_ref(), "an administrator")
    }

    pub(crate) fn as_regular(&self) -> Outcome<Test> {
        self.speaking_as(self.shared.users.regular.as_ref(), "a regular user")
    }

    /// The server as seen by a user with a password: the regular user, or the administrator.
    pub(crate) fn as_person(&self) -> Outcome<Test> {
        self.as_regular().or_else(|_| self.as_admin())
    }

    /// The current user's access level for an action: `all`, `own`, `no` and so on; `no` if the scope is disabled.
    pub(crate) async fn level(&self, scope: &str, action: &str) -> Outcome<String> {
        let user = self.get("App/user").await?.ok()?;
        let table = &user["acl"]["table"][scope];
        Ok(table[action]
            .as_str()
            .unwrap_or(if table == &json!(true) { "all" } else { "no" })
            .to_owned())
    }

    /// Skips the check unless the current user's access level is `wanted`.
    pub(crate) async fn needs_level(&self, scope: &str, action: &str, wanted: &str) -> Outcome {
        let level = self.level(scope, action).await?;
        if level == wanted {
            return Ok(());
        }
        skip(format!(
            "requires a user with access level `{wanted}` for {action} on {scope}; this user has `{level}`"
        ))
    }

    // Properties of the server.

    pub(crate) fn at_least(&self, major: u32, minor: u32) -> bool {
        self.shared.version >= Version(major, minor)
    }

    /// Skips the check unless the run may change settings: on a faulty server the request would change data that does
    /// not belong to the run.
    pub(crate) fn may_touch_everything(&self) -> Outcome {
        if self.shared.may_change_settings {
            return Ok(());
        }
        skip(
            "requires permission to change settings, because a faulty server would change data of others",
        )
    }

    // Names.

    /// A unique name that starts with the run's marker.
    pub(crate) fn name(&self, label: &str) -> String {
        let n = self.shared.counter.get() + 1;
        self.shared.counter.set(n);
        format!("{} {label} {n}", self.shared.marker)
    }

    /// A unique email address.
    pub(crate) fn email(&self) -> String {
        format!(
            "{}@example.com",
            self.name("mail").to_lowercase().replace(' ', "-")
        )
    }

    // Requests.

    /// A request for `target`: path and query after the API's base, percent-encoded.
    pub(crate) fn call<'a>(&'a self, method: &str, target: &str) -> Call<'a> {
        Call {
            test: self,
            // The suite uses only valid method names.
            method: Method::from_bytes(method.as_bytes()).unwrap_or(Method::GET),
            target: target.to_owned(),
            headers: HeaderMap::new(),
            body: None,
            login: Some(&self.login),
        }
    }

    pub(crate) async fn get(&self, target: &str) -> Outcome<Answer> {
        self.call("GET", target).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Outcome<Answer> {
        self.call("POST", path).json(body).send().await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Outcome<Answer> {
        self.call("PUT", path).json(body).send().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Outcome<Answer> {
        self.call("DELETE", path).send().await
    }

    pub(crate) async fn unlink(&self, path: &str, body: &Value) -> Outcome<Answer> {
        self.call("DELETE", path).json(body).send().await
    }

    /// A list with JSON search parameters.
    pub(crate) async fn list(&self, path: &str, parameters: &Value) -> Outcome<Answer> {
        self.call("GET", path)
            .query(&[("searchParams", &parameters.to_string())])
            .send()
            .await
    }

    /// A list with query parameters.
    pub(crate) async fn query(&self, path: &str, parameters: &[(&str, &str)]) -> Outcome<Answer> {
        self.call("GET", path).query(parameters).send().await
    }

    // Records.

    /// Creates a record, which is deleted at the end. Skips the check if the user may not create one.
    pub(crate) async fn create(&self, entity: &str, values: &Value) -> Outcome<Body> {
        let answer = self.post(entity, values).await?;
        if answer.status == 403
            && answer
                .reason_text()
                .is_some_and(|reason| reason.contains("create access"))
        {
            return skip(format!("the user may not create a record of {entity}"));
        }
        let body = answer.ok()?;
        body.that("id", "an id", Value::is_string)?;
        Ok(body)
    }

    /// Creates an account with a unique name and these values.
    pub(crate) async fn account(&self, values: Value) -> Outcome<Body> {
        self.create("Account", &self.named("account", values)).await
    }

    /// Creates a valid opportunity with a unique name; these values override the defaults.
    pub(crate) async fn opportunity(&self, values: Value) -> Outcome<Body> {
        self.create("Opportunity", &self.deal(values)).await
    }

    /// Values of a valid opportunity; these values override the defaults.
    pub(crate) fn deal(&self, values: Value) -> Value {
        let default = self.currency();
        self.named(
            "deal",
            merged(
                json!({"amount": 10, "amountCurrency": default, "closeDate": "2030-01-31"}),
                values,
            ),
        )
    }

    /// Creates a contact with a unique last name and these values.
    pub(crate) async fn contact(&self, values: Value) -> Outcome<Body> {
        self.create(
            "Contact",
            &merged(json!({"lastName": self.name("contact")}), values),
        )
        .await
    }

    /// Creates a valid task that is assigned to a user; these values override the defaults.
    pub(crate) async fn task(&self, values: Value) -> Outcome<Body> {
        let somebody = self.assignee().await?;
        self.create(
            "Task",
            &self.named("task", merged(json!({"assignedUserId": somebody}), values)),
        )
        .await
    }

    /// Creates a record of any type that has a name.
    pub(crate) async fn make(&self, entity: &str, values: Value) -> Outcome<Body> {
        self.create(entity, &self.named("record", values)).await
    }

    pub(crate) fn named(&self, label: &str, values: Value) -> Value {
        merged(json!({"name": self.name(label)}), values)
    }

    /// Updates a record and requires that the server accepts it.
    pub(crate) async fn update(
        &self,
        entity: &str,
        record: &Body,
        values: &Value,
    ) -> Outcome<Body> {
        self.put(&format!("{entity}/{}", record.id()), values)
            .await?
            .ok()
    }

    /// Reads a record.
    pub(crate) async fn read(&self, entity: &str, record: &Body) -> Outcome<Body> {
        self.get(&format!("{entity}/{}", record.id())).await?.ok()
    }

    /// Registers a record for deletion that was not created by a `POST` of its type.
    pub(crate) fn owe(&self, entity: &str, id: &str) {
        self.shared.ledger.add(entity, id, &self.login);
    }

    /// The ID of a user to whom records can be assigned.
    pub(crate) async fn assignee(&self) -> Outcome<String> {
        let known = self.shared.assignee.borrow().clone();
        if let Some(id) = known {
            return Ok(id);
        }
        let id = match self.as_person() {
            Ok(person) => person
                .get("App/user")
                .await?
                .ok()?
                .text("/user/id")
                .to_owned(),
            Err(_) => self
                .get("User?maxSize=1&select=id")
                .await?
                .ok()?
                .text("/list/0/id")
                .to_owned(),
        };
        if id.is_empty() {
            return skip("there is no user to assign records to");
        }
        *self.shared.assignee.borrow_mut() = Some(id.clone());
        Ok(id)
    }

    /// The ID of a team.
    pub(crate) async fn team(&self) -> Outcome<String> {
        match self
            .get("Team?maxSize=1&select=id")
            .await?
            .ok()?
            .ids()
            .first()
        {
            Some(id) => Ok((*id).to_owned()),
            None => skip("there is no team that the user may see"),
        }
    }

    /// The default currency: that of a new installation, unless the server reports another when the world is created.
    pub(crate) fn currency(&self) -> String {
        self.shared
            .world
            .borrow()
            .as_ref()
            .map_or_else(|| "USD".to_owned(), |world| world.currency.clone())
    }

    /// Adds a second currency worth 1.25 of the base currency. Returns false if the run may not change settings.
    pub(crate) async fn second_currency(&self) -> Outcome<bool> {
        let Some(admin) = self
            .as_admin()
            .ok()
            .filter(|_| self.shared.may_change_settings)
        else {
            return Ok(false);
        };
        let before = admin.get("Settings").await?.ok()?["currencyList"].clone();
        let mut list = before.as_array().cloned().unwrap_or_default();
        list.push(json!(SECOND));
        self.shared.currencies.borrow_mut().get_or_insert(before);
        admin
            .put("Settings", &json!({"currencyList": list}))
            .await?
            .is(200)?;
        admin
            .put("CurrencyRate", &json!({SECOND: 1.25}))
            .await?
            .is(200)?;
        Ok(true)
    }

    /// Restores the list of currencies from before the run. Returns what could not be restored.
    pub(crate) async fn restore_settings(&self) -> Option<String> {
        let before = self.shared.currencies.borrow_mut().take()?;
        let restored = match self.as_admin() {
            Ok(admin) => admin
                .put("Settings", &json!({"currencyList": before}))
                .await
                .and_then(|answer| answer.is(200)),
            Err(stop) => Err(stop),
        };
        restored
            .err()
            .map(|_| format!("Settings: the list of currencies was {before}"))
    }

    /// The records for the search checks, created on first use.
    pub(crate) async fn world(&self) -> Outcome<Rc<World>> {
        let known = self.shared.world.borrow().clone();
        match known {
            Some(world) => Ok(world),
            None => {
                let world = Rc::new(World::make(self).await?);
                *self.shared.world.borrow_mut() = Some(Rc::clone(&world));
                Ok(world)
            }
        }
    }
}

/// The keys of `base`, overridden by those of `over`.
pub(crate) fn merged(mut base: Value, over: Value) -> Value {
    if let (Value::Object(base), Value::Object(over)) = (&mut base, over) {
        base.extend(over);
    }
    base
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(Version::parse("9.10.1") > Version::parse("9.2.7"));
        assert!(Version::parse("10.0.0-beta1") > Version::parse("9.3.10"));
        assert_eq!(Version::parse("8.4.2"), Version(8, 4));
        assert!(Version::parse("@@version") > Version::parse("9.3.10"));
    }
}
