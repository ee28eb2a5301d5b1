use super::collect::Collector;
use super::*;

fn sample(operation: u16, outcome: Outcome, ended: u64, response: u64) -> Sample {
    Sample {
        operation,
        outcome,
        ended,
        service: response,
        response,
        decode_nanos: Sample::NOT_DECODED,
        bytes_in: 10,
        bytes_out: 1,
    }
}

struct Log(std::sync::mpsc::Sender<(f64, String, u64)>);

impl IntervalSink for Log {
    fn interval(&mut self, start: f64, _length: f64, tag: &str, histogram: &Histogram<u64>) {
        self.0
            .send((start, tag.to_owned(), histogram.len()))
            .unwrap();
    }
}

#[test]
fn samples_count_in_the_second_of_their_end() {
    let recorder = Recorder::default();
    let (sender, lines) = std::sync::mpsc::channel();
    let tags = vec![("list:Account".to_owned(), false)];
    let mut collector = Collector::new(
        tags,
        vec![recorder.clone()],
        1_000_000,
        None,
        Some(Box::new(Log(sender))),
    );
    recorder.sample(sample(0, Outcome::Ok, 1_000_100, 100));
    recorder.sample(sample(0, Outcome::Client, 1_500_000, 50));
    recorder.sample(sample(0, Outcome::Ok, 2_000_001, 200)); // next second, drained before this one closes
    collector.drain(1_900_000);
    collector.drain(2_100_000);
    recorder.sample(sample(0, Outcome::Ok, 2_200_000, 300));
    let done = collector.finish(3_500_000);
    let lines: Vec<_> = lines.try_iter().collect();
    assert_eq!(
        lines,
        [
            (1.0, "list:Account".to_owned(), 1),
            (1.0, "list:Account.failed".to_owned(), 1),
            (2.0, "list:Account".to_owned(), 2)
        ]
    );
    let ok = &done.operations[0].outcomes[&Outcome::Ok];
    assert_eq!(
        (ok.response.len(), ok.bytes_in, ok.response.max()),
        (3, 30, 300)
    );
    assert_eq!(
        done.seconds
            .iter()
            .map(|s| (s.ok, s.failed))
            .collect::<Vec<_>>(),
        [(1, 1), (2, 0), (0, 0)]
    );
}

#[test]
fn long_times_are_recorded_up_to_an_hour() {
    let recorder = Recorder::default();
    let collector = Collector::new(
        vec![("read:X".to_owned(), false)],
        vec![recorder.clone()],
        0,
        None,
        None,
    );
    for response in [50, 400_000, 7_200_000_000] {
        recorder.sample(sample(0, Outcome::Ok, 8_000_000_000, response));
    }
    let done = collector.finish(8_000_000_001);
    let data = &done.operations[0].outcomes[&Outcome::Ok].response;
    assert!(data.equivalent(data.value_at_quantile(0.5), 400_000));
    assert!(
        data.equivalent(data.max(), MAX_MICROS),
        "the maximum is one hour: {}",
        data.max()
    );
}

#[test]
fn no_sample_is_lost_by_draining() {
    let recorder = Recorder::default();
    let mut collector = Collector::new(
        vec![("read:X".to_owned(), false)],
        vec![recorder.clone()],
        0,
        None,
        None,
    );
    for i in 0..10_000_u64 {
        recorder.sample(sample(0, Outcome::Ok, i * 1_000, 1 + i % 500));
        if i % 37 == 0 {
            collector.drain(i * 1_000);
        }
    }
    let done = collector.finish(10_000_000);
    let data = &done.operations[0];
    assert_eq!(data.outcomes[&Outcome::Ok].response.len(), 10_000);
    assert_eq!(
        data.blocks.iter().map(|b| b.histogram().len()).sum::<u64>(),
        10_000
    );
    assert_eq!(done.seconds.iter().map(|s| s.ok).sum::<u64>(), 10_000);
}

#[test]
fn long_runs_have_bounded_blocks_with_every_sample() {
    let recorder = Recorder::default();
    let mut collector = Collector::new(
        vec![("read:X".to_owned(), false)],
        vec![recorder.clone()],
        0,
        Some(1000.0),
        None,
    );
    for second in 0..1000_u64 {
        recorder.sample(sample(0, Outcome::Ok, second * 1_000_000, second + 1));
        collector.drain((second + 1) * 1_000_000);
    }
    let done = collector.finish(1_000_000_000);
    let blocks = &done.operations[0].blocks;
    assert!(blocks.len() <= interval::MAX_BLOCKS, "{}", blocks.len());
    let mut sum = histogram();
    for block in blocks {
        sum.add(block.histogram()).unwrap();
    }
    assert_eq!(sum.len(), 1000 / done.block_seconds * done.block_seconds);
    assert!(done.seconds.len() <= 600);
}

#[test]
fn failures_are_counted_by_kind_with_the_first_reason() {
    let recorder = Recorder::default();
    let mut collector = Collector::new(
        vec![("read:X".to_owned(), false)],
        vec![recorder.clone()],
        0,
        None,
        None,
    );
    recorder.failure((0, Outcome::Client, 403), || "first".into());
    recorder.failure((0, Outcome::Client, 403), || "second".into());
    collector.drain(1);
    recorder.failure((0, Outcome::Client, 403), || "third".into());
    let done = collector.finish(2);
    assert_eq!(
        done.failures[&(0, Outcome::Client, 403)],
        (3, "first".to_owned())
    );
}
