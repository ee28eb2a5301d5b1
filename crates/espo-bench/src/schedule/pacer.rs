//! Waiting until a send time, closer than the runtime's own timer.
//!
//! tokio's timer has a grain of one millisecond: it wakes 0.6 to 1.2 ms late at the median and would add
//! that to every response time of the open model. On Linux a `timerfd` wakes some 0.05 ms late; elsewhere
//! a thread sleeps and wakes the task.

use std::time::{Duration, Instant};

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
            // An `OwnedFd` keeps its descriptor as long as it lives, which is all that the successor of this
            // function (unsafe, so not for this crate) asks for.
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

    /// A thread that sleeps on behalf of one task; it ends when the timer is dropped.
    #[derive(Debug)]
    pub(super) struct Timer {
        orders: mpsc::Sender<(Instant, oneshot::Sender<()>)>,
    }

    impl Timer {
        pub(super) fn new() -> std::io::Result<Self> {
            let (orders, receiver) = mpsc::channel::<(Instant, oneshot::Sender<()>)>();
            std::thread::Builder::new()
                .name("pacer".into())
                .spawn(move || {
                    while let Ok((due, done)) = receiver.recv() {
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                        // An error means that the waiting task was dropped: nothing left to wake.
                        let _ = done.send(());
                    }
                })?;
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
}

#[cfg(target_os = "linux")]
use timer::Timer;

#[cfg(not(target_os = "linux"))]
use thread::Timer;

/// Waits until given instants. One for each task that paces itself.
#[derive(Debug)]
pub(crate) struct Pacer {
    timer: Timer,
}

impl Pacer {
    /// Needs a tokio runtime with I/O enabled around it.
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            timer: Timer::new()?,
        })
    }

    /// Returns at `due` or a little later, at once when it has passed; and how late it is.
    ///
    /// Cancel safe: a dropped wait leaves nothing behind, the next one sets the timer anew.
    pub(crate) async fn wait_until(&mut self, due: Instant) -> std::io::Result<Duration> {
        self.timer.wait(due).await?;
        Ok(Instant::now().saturating_duration_since(due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_never_wakes_early_and_passed_times_return_at_once() {
        let mut pacer = Pacer::new().unwrap();
        for millis in [0, 1, 3, 7] {
            let due = Instant::now() + Duration::from_millis(millis);
            pacer.wait_until(due).await.unwrap();
            assert!(Instant::now() >= due);
        }
        let passed = Instant::now() - Duration::from_secs(1);
        assert!(pacer.wait_until(passed).await.unwrap() >= Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_dropped_wait_does_not_shorten_the_next() {
        let mut pacer = Pacer::new().unwrap();
        let dropped = tokio::time::timeout(
            Duration::from_millis(1),
            pacer.wait_until(Instant::now() + Duration::from_millis(5)),
        )
        .await;
        assert!(dropped.is_err());
        let due = Instant::now() + Duration::from_millis(20);
        pacer.wait_until(due).await.unwrap();
        assert!(Instant::now() >= due);
    }

    #[tokio::test]
    async fn the_sleeping_thread_of_other_systems_keeps_the_same_promise() {
        let mut timer = thread::Timer::new().unwrap();
        for millis in [0, 2, 5] {
            let due = Instant::now() + Duration::from_millis(millis);
            timer.wait(due).await.unwrap();
            assert!(Instant::now() >= due);
        }
    }
}
