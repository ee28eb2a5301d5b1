//! Waits for send times more precisely than the runtime's own timer.
//!
//! tokio's timer has a resolution of one millisecond: it wakes 0.6 to 1.2 ms late at the median, which would be added
//! to every response time of the open model. On Linux a `timerfd` wakes about 0.05 ms late; on other systems a thread
//! sleeps and wakes the task. All tasks of a sending thread share one timer, because one per worker would
//! double the number of file descriptors.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

#[cfg(target_os = "linux")]
mod timer {
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
    use tokio::io::unix::AsyncFd;

    #[derive(Debug)]
    pub(super) struct Timer {
        fd: AsyncFd<OwnedFd>,
    }

    impl Timer {
        pub(super) fn new() -> std::io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            let fd = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // The successor of this function is unsafe and thus not allowed in this crate. It only requires that the
            // descriptor remains open, which an `OwnedFd` guarantees.
            #[allow(
                deprecated,
                reason = "the successor is unsafe and adds nothing for an OwnedFd"
            )]
            let fd = AsyncFd::new(fd)?;
            Ok(Self { fd })
        }

        pub(super) async fn wait(&mut self, due: Instant) -> std::io::Result<()> {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let once = Itimerspec {
                it_interval: spec(Duration::ZERO),
                it_value: spec(left),
            };
            rustix::time::timerfd_settime(self.fd.get_ref(), TimerfdTimerFlags::empty(), &once)?;
            loop {
                let mut ready = self.fd.readable_mut().await?;
                let mut count = [0_u8; 8];
                let read = ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut count)?));
                match read {
                    Ok(result) => return result.map(|_| ()),
                    Err(_would_block) => {}
                }
            }
        }
    }

    fn spec(duration: Duration) -> Timespec {
        Timespec {
            tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: duration.subsec_nanos().into(),
        }
    }
}

#[cfg(any(not(target_os = "linux"), test))]
mod thread {
    use std::sync::mpsc;
    use std::time::Instant;

    use tokio::sync::oneshot;

    /// A thread that sleeps until the earliest due time; it ends when the timer is dropped.
    #[derive(Debug)]
    pub(super) struct Timer {
        orders: mpsc::Sender<(Instant, oneshot::Sender<()>)>,
    }

    impl Timer {
        pub(super) fn new() -> std::io::Result<Self> {
            let (orders, receiver) = mpsc::channel::<(Instant, oneshot::Sender<()>)>();
            std::thread::Builder::new()
                .name("pacer".into())
                .spawn(move || run(&receiver))?;
            Ok(Self { orders })
        }

        pub(super) async fn wait(&mut self, due: Instant) -> std::io::Result<()> {
            if due <= Instant::now() {
                return Ok(());
            }
            let (done, woken) = oneshot::channel();
            let gone = || std::io::Error::other("the pacing thread ended");
            self.orders.send((due, done)).map_err(|_| gone())?;
            woken.await.map_err(|_| gone())
        }
    }

    fn run(orders: &mpsc::Receiver<(Instant, oneshot::Sender<()>)>) {
        let mut next = orders.recv().ok();
        while let Some((due, done)) = next.take() {
            let left = due.saturating_duration_since(Instant::now());
            next = match orders.recv_timeout(left) {
                // The earlier wait was dropped and replaced by this one.
                Ok(order) => Some(order),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    // An error means that the waiting task was dropped, so there is no task to wake.
                    let _ = done.send(());
                    orders.recv().ok()
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => None,
            };
        }
    }
}

#[cfg(target_os = "linux")]
use timer::Timer;

#[cfg(not(target_os = "linux"))]
use thread::Timer;

/// The shared timer of one runtime, which clones share. It ends with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct Pacer {
    shared: Arc<Shared>,
    _driver: Arc<Driver>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Signals a wait that is due before all others.
    earlier: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Due times, earliest first. A dropped wait remains until it is due, but has no waker.
    due: BinaryHeap<Reverse<(Instant, u64)>>,
    wakers: HashMap<u64, Waker>,
    next: u64,
    failed: Option<io::ErrorKind>,
}

/// The task that waits for the earliest due time; it ends when this value is dropped.
#[derive(Debug)]
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Pacer {
    /// Creates a timer. Must be called within a tokio runtime with I/O enabled.
    pub(crate) fn new() -> io::Result<Self> {
        let mut timer = Timer::new()?;
        let shared = Arc::new(Shared::default());
        let driven = Arc::clone(&shared);
        let driver = tokio::spawn(async move {
            loop {
                let next = driven.waiting.lock().due.peek().map(|Reverse(d)| d.0);
                let Some(due) = next else {
                    driven.earlier.notified().await;
                    continue;
                };
                tokio::select! {
                    biased;
                    waited = timer.wait(due) => match waited {
                        Ok(()) => driven.wake_due(),
                        Err(error) => return driven.fail(&error),
                    },
                    () = driven.earlier.notified() => {}
                }
            }
        });
        Ok(Self {
            shared,
            _driver: Arc::new(Driver(driver)),
        })
    }

    /// Waits until `due`, or returns immediately if it has passed. Returns the delay.
    ///
    /// Cancel safe: a dropped wait leaves no state behind.
    pub(crate) async fn wait_until(&self, due: Instant) -> io::Result<Duration> {
        Wait {
            shared: &self.shared,
            due,
            id: None,
        }
        .await?;
        Ok(Instant::now().saturating_duration_since(due))
    }
}

impl Shared {
    fn wake_due(&self) {
        let now = Instant::now();
        let mut woken = Vec::new();
        let mut waiting = self.waiting.lock();
        while let Some(Reverse((due, id))) = waiting.due.peek().copied() {
            if due > now {
                break;
            }
            waiting.due.pop();
            woken.extend(waiting.wakers.remove(&id));
        }
        drop(waiting);
        for waker in woken {
            waker.wake();
        }
    }

    fn fail(&self, error: &io::Error) {
        let mut waiting = self.waiting.lock();
        waiting.failed = Some(error.kind());
        for (_, waker) in waiting.wakers.drain() {
            waker.wake();
        }
    }
}

/// One wait of one task.
struct Wait<'a> {
    shared: &'a Shared,
    due: Instant,
    id: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if Instant::now() >= self.due {
            return Poll::Ready(Ok(()));
        }
        let mut waiting = self.shared.waiting.lock();
        if let Some(kind) = waiting.failed {
            return Poll::Ready(Err(kind.into()));
        }
        let id = match self.id {
            Some(id) => id,
            None => {
                let id = waiting.next;
                waiting.next += 1;
                let first = waiting.due.peek().is_none_or(|Reverse(d)| self.due < d.0);
                waiting.due.push(Reverse((self.due, id)));
                if first {
                    self.shared.earlier.notify_one();
                }
                id
            }
        };
        waiting.wakers.insert(id, cx.waker().clone());
        drop(waiting);
        self.id = Some(id);
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.shared.waiting.lock().wakers.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_never_end_early_and_passed_times_return_at_once() {
        let pacer = Pacer::new().unwrap();
        for millis in [0, 1, 3, 7] {
            let due = Instant::now() + Duration::from_millis(millis);
            pacer.wait_until(due).await.unwrap();
            assert!(Instant::now() >= due);
        }
        let passed = Instant::now() - Duration::from_secs(1);
        assert!(pacer.wait_until(passed).await.unwrap() >= Duration::from_secs(1));
    }

    #[tokio::test]
    async fn dropped_waits_leave_no_state() {
        let pacer = Pacer::new().unwrap();
        let far = Instant::now() + Duration::from_secs(3_600);
        tokio::select! {
            biased;
            _ = pacer.wait_until(far) => panic!("an hour has not passed"),
            () = tokio::task::yield_now() => {}
        }
        assert!(pacer.shared.waiting.lock().wakers.is_empty());
        let due = Instant::now() + Duration::from_millis(5);
        pacer.wait_until(due).await.unwrap();
        assert!(Instant::now() >= due);
    }

    #[tokio::test]
    async fn all_waits_of_many_tasks_end() {
        let pacer = Pacer::new().unwrap();
        let start = Instant::now();
        let order = Arc::new(Mutex::new(Vec::new()));
        // Later waits start first, so that each new one is the earliest.
        let tasks: Vec<_> = (0..50_u64)
            .rev()
            .map(|n| {
                let (pacer, order) = (pacer.clone(), Arc::clone(&order));
                tokio::spawn(async move {
                    let due = start + Duration::from_millis(n);
                    pacer.wait_until(due).await.unwrap();
                    assert!(Instant::now() >= due);
                    order.lock().push(n);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(order.lock().len(), 50);
    }

    #[tokio::test]
    async fn failed_timers_end_all_waits_with_an_error() {
        let pacer = Pacer::new().unwrap();
        let waiting = pacer.clone();
        let far = Instant::now() + Duration::from_secs(3_600);
        let task = tokio::spawn(async move { waiting.wait_until(far).await });
        tokio::task::yield_now().await;
        pacer.shared.fail(&io::ErrorKind::OutOfMemory.into());
        let error = task.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
    }

    #[tokio::test]
    async fn thread_timers_behave_like_timerfd() {
        let mut timer = thread::Timer::new().unwrap();
        for millis in [0, 2, 5] {
            let due = Instant::now() + Duration::from_millis(millis);
            timer.wait(due).await.unwrap();
            assert!(Instant::now() >= due);
        }
    }
}
