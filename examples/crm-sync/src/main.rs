//! `crm-sync DATABASE [--deletions]`

use std::process::ExitCode;

use crm::prelude::*;
use crm_sync::Store;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("no database given; usage: crm-sync DATABASE [--deletions]")?;
    let with_deletions = match arguments.next().as_deref() {
        None => false,
        Some("--deletions") => true,
        Some(other) => {
            return Err(format!("unknown argument `{other}`: expected --deletions").into());
        }
    };
    let variable = |name: &str| {
        std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))
    };
    let crm = Client::builder(variable("ESPO_URL")?)
        .auth(Auth::api_key(variable("ESPO_API_KEY")?))
        .build()?;
    let mut store = Store::open(path)?;

    let summary = crm_sync::sync(&crm, &mut store).await?;
    println!("{} records written", summary.written);
    if with_deletions {
        println!(
            "{} records removed",
            crm_sync::remove_deleted(&crm, &mut store).await?
        );
    }
    for reason in &summary.rejected {
        eprintln!("not copied: {reason}");
    }
    Ok(if summary.rejected.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
