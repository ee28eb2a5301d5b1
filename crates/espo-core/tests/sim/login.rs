//! Valid and invalid credentials of every scheme, checked by the embedded server.

use espo_core::typed::Id;
use espo_core::{Auth, Client, JsonObject};
use espo_sim::{Sim, User};

use crate::with;

async fn who(sim: &Sim, auth: impl Into<Auth>) -> Result<String, espo_core::Error> {
    let user = with(sim, auth)
        .build()
        .unwrap()
        .app()
        .user::<JsonObject>()
        .await?;
    Ok(user.user_name().unwrap().to_owned())
}

fn text(of: &Option<String>) -> &str {
    of.as_deref().unwrap()
}

fn hmac_user(sim: &Sim) -> User {
    sim.users().hmac_user().unwrap().clone()
}

fn admin(sim: &Sim) -> User {
    sim.users().admin().unwrap().clone()
}

#[tokio::test]
async fn every_scheme_authenticates_its_user() {
    let sim = Sim::start().await.unwrap();
    let key = sim.users().api_key_user().unwrap().clone();
    let hmac = hmac_user(&sim);
    let admin = admin(&sim);
    let signed = || Auth::hmac(text(&hmac.api_key), text(&hmac.secret_key));
    let password = || Auth::password(admin.user_name.clone(), text(&admin.password));
    for (auth, name) in [
        (Auth::api_key(text(&key.api_key)), &key.user_name),
        (signed().into(), &hmac.user_name),
        (signed().raw_digest().into(), &hmac.user_name),
        (
            Auth::basic(admin.user_name.clone(), text(&admin.password)).into(),
            &admin.user_name,
        ),
        (password().into(), &admin.user_name),
        (password().on_every_request().into(), &admin.user_name),
        (password().with_token_secret().into(), &admin.user_name),
    ] {
        let shown = format!("{auth:?}");
        let found = who(&sim, auth)
            .await
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(found, *name, "{shown}");
    }
}

#[tokio::test]
async fn hmac_signatures_are_valid_for_any_path() {
    let sim = Sim::start().await.unwrap();
    let user = hmac_user(&sim);
    let auth = Auth::hmac(text(&user.api_key), text(&user.secret_key));
    let crm = with(&sim, auth).build().unwrap();
    for id in ["a b", "é", "a%2Fb", "a+b&c=d?e#f", "~x_y-z."] {
        let error = crm.untyped("Account").read(Id::new(id)).await.unwrap_err();
        assert!(error.is_not_found(), "{id}: {error}");
    }
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let sim = Sim::start().await.unwrap();
    let admin = admin(&sim);
    let auth = Auth::password(admin.user_name.clone(), text(&admin.password));
    let crm = with(&sim, auth).build().unwrap();
    crm.app().about().await.unwrap();
    assert!(crm.log_out().await.unwrap());
    crm.app().about().await.unwrap();
    let paths: Vec<_> = sim
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(
        paths,
        [
            "App/user",
            "App/about",
            "App/destroyAuthToken",
            "App/user",
            "App/about"
        ]
    );
}

#[tokio::test]
async fn wrong_credentials_do_not_lock_the_address_out() {
    let sim = Sim::builder().lockout(true).start().await.unwrap();
    let user = hmac_user(&sim);
    for auth in [
        Auth::api_key("wrong"),
        Auth::hmac(text(&user.api_key), "wrong").into(),
        Auth::basic("admin", "wrong").into(),
        Auth::password("admin", "wrong").into(),
    ] {
        let crm: Client = with(&sim, auth).build().unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let crm = crm.clone();
            tasks.spawn(async move { crm.app().about().await.unwrap_err() });
        }
        while let Some(error) = tasks.join_next().await {
            assert!(error.unwrap().is_unauthorized());
        }
    }
    let good = crate::client(&sim).build().unwrap();
    good.app().about().await.unwrap();
}

#[tokio::test]
async fn lockouts_are_distinguished_from_missing_permissions() {
    let sim = Sim::builder().lockout(true).start().await.unwrap();
    for _ in 0..11 {
        let wrong = with(&sim, Auth::api_key("wrong")).build().unwrap();
        wrong.app().about().await.unwrap_err();
    }
    let good = crate::client(&sim).build().unwrap();
    let error = good.app().about().await.unwrap_err();
    assert!(error.is_forbidden() && error.is_locked_out(), "{error:?}");
}
