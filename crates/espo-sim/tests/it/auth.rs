//! Accepted and rejected credentials.

use crate::common::{Talk, base64, send};
use espo_sim::Sim;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

fn status(sim: &Sim, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    send(sim, method, path, headers, None).unwrap().status
}

fn hmac(sim: &Sim, method: &str, path: &str, raw: bool, upper: bool) -> String {
    let user = sim.users().hmac_user().unwrap();
    let mut mac =
        Hmac::<Sha256>::new_from_slice(user.secret_key.as_deref().unwrap().as_bytes()).unwrap();
    mac.update(format!("{method} /{path}").as_bytes());
    let digest = mac.finalize().into_bytes();
    let mut text = format!("{}:", user.api_key.as_deref().unwrap()).into_bytes();
    if raw {
        text.extend_from_slice(&digest);
    } else {
        let hex: String = digest
            .iter()
            .map(|b| {
                if upper {
                    format!("{b:02X}")
                } else {
                    format!("{b:02x}")
                }
            })
            .collect();
        text.extend_from_slice(hex.as_bytes());
    }
    base64(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_credentials_works_and_wrong_ones_do_not() {
    let sim = Sim::start().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let key = sim
            .users()
            .api_key_user()
            .and_then(|u| u.api_key.clone())
            .unwrap();
        let hmac_key = sim
            .users()
            .hmac_user()
            .and_then(|u| u.api_key.clone())
            .unwrap();
        let admin = base64("admin:admin-password");
        let accented = base64("Ädmin:admin-password");
        for (method, path, headers, expected) in [
            (
                "GET",
                "Account",
                vec![("Espo-Authorization", accented)],
                200,
            ),
            ("GET", "Account", vec![("X-Api-Key", key.clone())], 200),
            (
                "GET",
                "Account",
                vec![("X-Api-Key", key.to_uppercase())],
                200,
            ),
            ("GET", "Account", vec![("x-api-key", hmac_key)], 401),
            ("GET", "Account", vec![("X-Api-Key", "0".repeat(32))], 401),
            ("GET", "Account", vec![("X-Api-Key", String::new())], 401),
            (
                "GET",
                "Account",
                vec![(
                    "X-Hmac-Authorization",
                    hmac(&sim, "GET", "Account", false, false),
                )],
                200,
            ),
            (
                "GET",
                "Account?maxSize=1",
                vec![(
                    "X-Hmac-Authorization",
                    hmac(&sim, "GET", "Account", false, false),
                )],
                200,
            ),
            (
                "GET",
                "Account",
                vec![(
                    "X-Hmac-Authorization",
                    hmac(&sim, "GET", "Account", true, false),
                )],
                200,
            ),
            (
                "GET",
                "Account",
                vec![(
                    "X-Hmac-Authorization",
                    hmac(&sim, "GET", "Account", false, true),
                )],
                401,
            ),
            (
                "GET",
                "Contact",
                vec![(
                    "X-Hmac-Authorization",
                    hmac(&sim, "GET", "Account", false, false),
                )],
                401,
            ),
            (
                "GET",
                "Account",
                vec![("Authorization", format!("Basic {admin}"))],
                200,
            ),
            (
                "GET",
                "Account",
                vec![("Espo-Authorization", admin.clone())],
                200,
            ),
            (
                "GET",
                "Account",
                vec![("Espo-Authorization", base64("admin:wrong"))],
                401,
            ),
            (
                "GET",
                "Account",
                vec![
                    ("Espo-Authorization", base64("admin")),
                    ("X-Api-Key", key.clone()),
                ],
                400,
            ),
            (
                "GET",
                "Account",
                vec![("Espo-Authorization", "no base64".to_owned())],
                400,
            ),
            (
                "GET",
                "Account",
                vec![("Authorization", "Bearer x".to_owned())],
                401,
            ),
            ("GET", "Metadata", vec![], 401),
            ("GET", "Settings", vec![], 200),
            ("GET", "I18n", vec![], 200),
        ] {
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(k, v)| (*k, v.as_str())).collect();
            assert_eq!(
                status(&sim, method, path, &headers),
                expected,
                "{path} {headers:?}"
            );
        }
        let bare = send(&sim, "GET", "Account", &[], None).unwrap();
        assert_eq!(
            bare.headers.get("www-authenticate").map(String::as_str),
            Some("Basic realm=\"\"")
        );
        assert!(bare.body.is_empty() && !bare.headers.contains_key("x-status-reason"));
        let quiet = send(
            &sim,
            "GET",
            "Account",
            &[("X-Requested-With", "XMLHttpRequest")],
            None,
        )
        .unwrap();
        assert!(!quiet.headers.contains_key("www-authenticate"));
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_replace_the_password_until_destroyed() {
    let sim = Sim::start().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let token = Talk::admin(&sim).get("App/user").ok()["token"]
            .as_str()
            .unwrap()
            .to_owned();
        let header = base64(format!("admin:{token}"));
        let by_token = [
            ("Espo-Authorization", header.as_str()),
            ("Espo-Authorization-By-Token", "true"),
        ];
        assert_eq!(status(&sim, "GET", "Account", &by_token), 200);
        assert_eq!(
            Talk::admin(&sim)
                .post("App/destroyAuthToken", json!({"token": token}))
                .text(),
            "true"
        );
        assert_eq!(status(&sim, "GET", "Account", &by_token), 401);
        assert!(Talk::api(&sim).get("App/user").ok()["token"].is_null());
        // With a secret, the token needs its cookie.
        let login = Talk::admin(&sim)
            .with("Espo-Authorization-Create-Token-Secret", "true")
            .get("App/user");
        let cookie = login
            .headers
            .get("set-cookie")
            .unwrap()
            .split(';')
            .next()
            .unwrap()
            .to_owned();
        let header = base64(format!("admin:{}", login.ok()["token"].as_str().unwrap()));
        assert_eq!(
            status(&sim, "GET", "Account", &[("Espo-Authorization", &header)]),
            401
        );
        assert_eq!(
            status(
                &sim,
                "GET",
                "Account",
                &[("Espo-Authorization", &header), ("Cookie", &cookie)]
            ),
            200
        );
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inactive_users_are_rejected() {
    let sim = Sim::start().await.unwrap();
    tokio::task::spawn_blocking(move || {
        let id = sim.users().api_key_user().unwrap().id.clone();
        Talk::admin(&sim)
            .put(&format!("User/{id}"), json!({"isActive": false}))
            .ok();
        assert_eq!(Talk::api(&sim).get("Account").status, 401);
        Talk::admin(&sim)
            .put(&format!("User/{id}"), json!({"isActive": true}))
            .ok();
        assert_eq!(Talk::api(&sim).get("Account").status, 200);
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eleven_failures_lock_out_an_address_if_enabled() {
    for (on, expected) in [(false, 200), (true, 403)] {
        let sim = Sim::builder().lockout(on).start().await.unwrap();
        tokio::task::spawn_blocking(move || {
            for _ in 0..11 {
                assert_eq!(
                    status(&sim, "GET", "Account", &[("X-Api-Key", "wrong")]),
                    401
                );
            }
            let answer = Talk::api(&sim).get("Account");
            assert_eq!(answer.status, expected);
            assert!(!answer.headers.contains_key("x-status-reason"));
        })
        .await
        .unwrap();
    }
}
