//! CPU time, of a thread, of this process and of another one; and what a run came to.

use std::ops::AddAssign;
use std::time::{Duration, Instant};

/// What one thing costs.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub cpu: Duration,
    pub times: u32,
}

impl Cost {
    pub const NOTHING: Self = Self { cpu: Duration::ZERO, times: 0 };

    pub fn micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / f64::from(self.times)
    }

    pub fn rate(&self) -> f64 {
        1e6 / self.micros()
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, more: Self) {
        self.cpu += more.cpu;
        self.times += more.times;
    }
}

/// Runs `work` again and again for at least this much of this thread's CPU time.
pub fn on_this_thread(at_least: Duration, mut work: impl FnMut()) -> Cost {
    work();
    turn(at_least, &mut work)
}

/// Runs pieces of work in turns, for at least this much of this thread's CPU time each: a core's speed changes with what its
/// neighbours do, and so it changes for all of them.
pub fn in_turns<const N: usize>(at_least: Duration, mut works: [Box<dyn FnMut()>; N]) -> [Cost; N] {
    // The kernel counts by ticks of some milliseconds.
    const TURN: Duration = Duration::from_millis(100);
    let mut costs = [Cost::NOTHING; N];
    works.iter_mut().for_each(|work| work());
    while costs.iter().any(|cost| cost.cpu < at_least) {
        for (work, cost) in works.iter_mut().zip(&mut costs) {
            *cost += turn(TURN, work);
        }
    }
    costs
}

fn turn(at_least: Duration, mut work: impl FnMut()) -> Cost {
    // Looking at the clock costs some twenty microseconds.
    const BETWEEN_LOOKS: u32 = 16;
    let begin = thread_cpu();
    let mut times = 0;
    loop {
        for _ in 0..BETWEEN_LOOKS {
            work();
        }
        times += BETWEEN_LOOKS;
        let cpu = thread_cpu() - begin;
        if cpu >= at_least {
            return Cost { cpu, times };
        }
    }
}

/// A run of many.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub times: u32,
    pub cpu: Duration,
    pub clock: Duration,
}

impl Run {
    pub fn cost(&self) -> Cost {
        Cost { cpu: self.cpu, times: self.times }
    }

    /// How many of them by the clock.
    pub fn a_second(&self) -> f64 {
        f64::from(self.times) / self.clock.as_secs_f64()
    }
}

/// What this machine's OpenSSL costs for one signature of a key, and for one verification by RSA-2048: V.
#[derive(Debug, Clone, Copy)]
pub struct Yardstick {
    pub signature: Cost,
    pub verification: Cost,
}

impl AddAssign for Yardstick {
    fn add_assign(&mut self, more: Self) {
        self.signature += more.signature;
        self.verification += more.verification;
    }
}

impl Yardstick {
    /// What a task costs, less its private-key operations, in V: its own work.
    pub fn told(&self, words: &str, cost: &Cost, operations: u32, aim: f64) {
        let (v, signature) = (self.verification.micros(), self.signature.micros());
        let own = cost.micros() - f64::from(operations) * signature;
        println!(
            "  {words:42} {:6.0} µs CPU, {operations} × {signature:4.0} µs by private keys, own {:6.1} V (V = {v:.1} µs), aim {aim:4.1}{}",
            cost.micros(),
            own / v,
            if own / v <= aim { "" } else { ", missed" }
        );
    }
}

/// Measures a run of `times` by the CPU time of a process (`self`, or a process id).
pub struct Stopwatch {
    process: String,
    cpu: Duration,
    clock: Instant,
}

impl Stopwatch {
    pub fn of(process: &str) -> Self {
        Self { process: process.to_owned(), cpu: process_cpu(process), clock: Instant::now() }
    }

    pub fn stop(self, times: u32) -> Run {
        Run { times, cpu: process_cpu(&self.process) - self.cpu, clock: self.clock.elapsed() }
    }
}

/// The CPU time of this thread, in nanoseconds by the kernel's count.
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux with scheduler statistics");
    Duration::from_nanos(text.split_whitespace().next().expect("a number").parse().expect("a number"))
}

/// The CPU time of a process, user and system, threads that ended included: in hundredths of a second (`USER_HZ`).
fn process_cpu(process: &str) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("the process");
    let after_name = text.rsplit(')').next().expect("its name ends");
    let field = |at: usize| after_name.split_whitespace().nth(at).expect("a field").parse::<u64>().expect("a number");
    Duration::from_millis(10 * (field(11) + field(12)))
}

/// The CPU time of the threads that a process has now, in nanoseconds by the kernel's count.
pub fn threads_cpu(process: &str) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("the process");
    let spent = threads.map(|thread| {
        let text = std::fs::read_to_string(thread.expect("a thread").path().join("schedstat")).unwrap_or_default();
        text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
    });
    Duration::from_nanos(spent.sum())
}

/// A line of `/proc/PID/status` in MiB.
pub fn memory_mib(process: &str, line: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the process");
    let rest = text.lines().find_map(|text| text.strip_prefix(line)).expect("the line");
    rest.split_whitespace().next().expect("a number").parse::<f64>().expect("a number") / 1024.0
}
