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

/// Runs `work` and its yardstick in turns, for at least this much of this thread's CPU time each: a core's speed changes with
/// what its neighbours do, and so it changes for both.
pub fn in_turns(at_least: Duration, mut work: impl FnMut(), mut yardstick: impl FnMut()) -> (Cost, Cost) {
    // The kernel counts by ticks of some milliseconds.
    const TURN: Duration = Duration::from_millis(100);
    let (mut of_work, mut of_yardstick) = (Cost::NOTHING, Cost::NOTHING);
    work();
    yardstick();
    while of_work.cpu < at_least || of_yardstick.cpu < at_least {
        of_work += turn(TURN, &mut work);
        of_yardstick += turn(TURN, &mut yardstick);
    }
    (of_work, of_yardstick)
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
    /// The rate by the clock, the CPU time of each, how much of it is our own, and the share of it that went into this many
    /// private-key operations.
    pub fn told(&self, operations: u32, signing: &Cost) -> String {
        let each = self.cpu.as_secs_f64() * 1e6 / f64::from(self.times);
        let raw = f64::from(operations) * signing.micros();
        format!(
            "{:6.0} a second by the clock; {each:5.0} µs CPU each, our own {:5.0} µs; share {:.2}",
            f64::from(self.times) / self.clock.as_secs_f64(),
            each - raw,
            raw / each
        )
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
