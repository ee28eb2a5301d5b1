//! Waits for injected latencies more precisely than the runtime's own timer.
//!
//! tokio's timer has a resolution of one millisecond and wakes 0.6 to 1.2 ms late at the median, so a client would not
//! measure the configured latency. Instead, one thread per process sleeps with the system's timer, which is about 0.1
//! ms late. The thread starts with the first injected latency.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

/// A waiting task. The earliest task is the greatest, because the heap returns the greatest first.
struct Waiter {
    due: Reverse<Instant>,
    wake: oneshot::Sender<()>,
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl Eq for Waiter {}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}

#[derive(Default)]
struct Alarm {
    waiting: Mutex<BinaryHeap<Waiter>>,
    earlier: Condvar,
}

impl Alarm {
    fn run(&self) {
        let mut waiting = self.waiting.lock();
        loop {
            let now = Instant::now();
            match waiting.peek().map(|w| w.due.0) {
                None => self.earlier.wait(&mut waiting),
                Some(due) if due > now => {
                    self.earlier.wait_until(&mut waiting, due);
                }
                Some(_) => {
                    if let Some(waiter) = waiting.pop() {
                        // The receiver is gone if the client has disconnected.
                        let _ = waiter.wake.send(());
                    }
                }
            }
        }
    }
}

/// The thread's queue; `None` if the system cannot start a thread.
fn alarm() -> Option<&'static Alarm> {
    static ALARM: OnceLock<Option<&'static Alarm>> = OnceLock::new();
    *ALARM.get_or_init(|| {
        let alarm: &'static Alarm = Box::leak(Box::default());
        let thread = std::thread::Builder::new().name("latency".into());
        thread.spawn(|| alarm.run()).ok().map(|_| alarm)
    })
}

/// Waits for this time.
pub(crate) async fn wait(time: Duration) {
    let due = Instant::now().checked_add(time);
    let (Some(due), Some(alarm)) = (due, alarm()) else {
        return tokio::time::sleep(time).await;
    };
    let (wake, woken) = oneshot::channel();
    let first = {
        let mut waiting = alarm.waiting.lock();
        let first = waiting.peek().is_none_or(|w| due < w.due.0);
        waiting.push(Waiter {
            due: Reverse(due),
            wake,
        });
        first
    };
    if first {
        alarm.earlier.notify_one();
    }
    // The thread never ends and never drops a waiter unwoken.
    let _ = woken.await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn shorter_waits_end_first_and_none_ends_early() {
        let order = std::sync::Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for millis in [300_u64, 20, 150, 0] {
            let order = std::sync::Arc::clone(&order);
            tasks.push(tokio::spawn(async move {
                let (started, time) = (Instant::now(), Duration::from_millis(millis));
                wait(time).await;
                order.lock().push(millis);
                started.elapsed() >= time
            }));
        }
        for task in tasks {
            assert!(task.await.unwrap(), "woken too early");
        }
        assert_eq!(*order.lock(), [0, 20, 150, 300]);
    }
}
