//! Ctrl-C and termination signals during commands that create records.

use espo_stdio::Signals;

/// Completes at the first Ctrl-C or termination signal. Another one ends the process immediately.
pub(crate) async fn interrupted() {
    let Ok(mut signals) = Signals::listen() else {
        // Without handlers, signals end the process.
        return std::future::pending().await;
    };
    signals.next().await;
    espo_stdio::note!(
        "interrupted; deleting the records of this run (press Ctrl-C again to exit immediately)"
    );
    tokio::spawn(async move {
        signals.next().await;
        std::process::exit(1);
    });
}
