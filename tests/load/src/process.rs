//! What Linux tells about a process: processor time, memory.

use std::fs;

use anyhow::{Context as _, Result};

/// Seconds of processor time that a process has used, in user and kernel mode.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold anything, so count from its end: the state is field 3, utime 14, stime 15.
    let (_, fields) = stat.rsplit_once(')').context("read /proc/<pid>/stat")?;
    let ticks: u64 =
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// Bytes of a process that are in memory.
pub(crate) fn resident_bytes(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok());
    kibibytes.map(|kibibytes: u64| kibibytes * 1024).context("read VmRSS")
}

/// The directory of a process's thread that has this name.
pub(crate) fn thread(pid: u32, name: &str) -> Result<String> {
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = entry?.path();
        if fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name) {
            return Ok(path.to_string_lossy().into_owned());
        }
    }
    anyhow::bail!("process {pid} has no thread `{name}`")
}

/// The directory of this thread.
pub(crate) const THIS_THREAD: &str = "/proc/thread-self";

/// Seconds that a thread has run, to the nanosecond.
pub(crate) fn thread_seconds(thread: &str) -> Result<f64> {
    let stat = fs::read_to_string(format!("{thread}/schedstat"))?;
    let nanos: u64 = stat.split_whitespace().next().context("read schedstat")?.parse()?;
    Ok(nanos as f64 / 1e9)
}

/// The machine, in one line.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or("");
        line.split_once(':').map_or("unknown", |(_, value)| value.trim()).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = value(&read("/proc/cpuinfo"), "model name");
    let memory = value(&read("/proc/meminfo"), "MemTotal");
    let gibibytes = memory.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0)
        / 1_048_576.0;
    format!("{cores} × {processor}, {gibibytes:.0} GiB, Linux {}", read("/proc/sys/kernel/osrelease").trim())
}

/// How many threads wanted a processor in the last minute, on average.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}
