//! Runs one target until its time is over.

use std::fmt::Debug;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestCaseError, TestError, TestRunner};

/// How long a target runs within the suite.
const SECONDS: u64 = 5;
/// With what it begins there.
const SEED: u64 = 20_261_127;
/// No input takes so long, also on a machine that is busy with other tests.
const HANG: Duration = Duration::from_secs(60);

/// A number of the environment.
fn number(name: &str, usual: u64) -> u64 {
    let Some(text) = std::env::var_os(name) else { return usual };
    text.to_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{name} is a number"))
}

/// Tries inputs for `REGULARS_FUZZ_SECONDS`. The first that fails is made as small as it can be, and shown.
pub fn run<S>(strategy: &S, check: impl Fn(S::Value) -> Result<(), TestCaseError>)
where
    S: Strategy,
    S::Value: Debug + Clone,
{
    let seed = number("REGULARS_FUZZ_SEED", SEED);
    let time = Duration::from_secs(number("REGULARS_FUZZ_SECONDS", SECONDS));
    let config = Config {
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let (watched, start) = (watch(), Instant::now());
    let mut tried = 0_u64;
    while start.elapsed() < time {
        let input = strategy.new_tree(&mut runner).expect("an input");
        tried += 1;
        let result = runner.run_one(input, |input| {
            watched.send(Some(format!("{input:?}"))).expect("the watch runs as long as the target");
            let result = check(input);
            watched.send(None).expect("the watch runs as long as the target");
            result
        });
        match result {
            Ok(_) => {}
            Err(TestError::Fail(why, input)) => panic!("seed {seed}, after {tried} inputs: {why}\n{input:?}"),
            Err(TestError::Abort(why)) => panic!("seed {seed}: {why}"),
        }
    }
    println!("{tried} inputs in {} s", start.elapsed().as_secs());
    // A target that is begun and does nothing would be found here.
    assert!(tried > time.as_secs(), "{tried} inputs");
}

/// Ends the process when an input takes too long: nothing else stops a loop that never ends.
fn watch() -> Sender<Option<String>> {
    let (watched, inputs) = channel::<Option<String>>();
    std::thread::spawn(move || {
        let mut current = None;
        loop {
            match inputs.recv_timeout(HANG) {
                Ok(next) => current = next,
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(input) = &current {
                        eprintln!("no end after {} s: {input}", HANG.as_secs());
                        std::process::exit(101);
                    }
                }
            }
        }
    });
    watched
}

#[test]
fn a_target_that_fails_is_told_with_its_smallest_input() {
    let check = |n: u32| match n > 1000 {
        true => panic!("too large"),
        false => Ok(()),
    };
    let failed = std::panic::catch_unwind(|| run(&proptest::prelude::any::<u32>(), check)).unwrap_err();
    let told = failed.downcast_ref::<String>().unwrap();
    assert!(told.contains("too large") && told.ends_with("\n1001"), "{told}");
}
