//! What the kernel knows about the machine and about a process: cores, processor time, memory.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

/// Processor time in /proc is counted in ticks of 1/100 s on every Linux that Rust runs on (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// What the figures were measured on.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Processor cores that this process may use.
    pub cores: usize,
    /// The processor's name.
    pub cpu: String,
    /// The kernel's release.
    pub kernel: String,
}

/// Looks around.
pub fn describe() -> Machine {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = text("/proc/cpuinfo");
    let cpu = info.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    Machine {
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        cpu: cpu.unwrap_or("unknown").to_owned(),
        kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
    }
}

/// Processor time that a process has used so far, all threads, user and system.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path)
        .with_context(|| format!("{path}: processor time needs Linux and a running process"))?;
    ticks(&stat).map(|n| TICK * n).with_context(|| format!("{path} has an unexpected form"))
}

/// Processor time of a server that has a process for each connection, and of all its processes so far.
pub fn family_time(pid: u32) -> Result<Duration> {
    let mut all = 0;
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(one) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // Processes end while one looks.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{one}/stat")) else { continue };
        if one == pid {
            all += ticks(&stat).unwrap_or(0) + gone(&stat).unwrap_or(0);
        } else if parent(&stat) == Some(pid) {
            all += ticks(&stat).unwrap_or(0);
        }
    }
    Ok(TICK * all)
}

/// The fields behind the name of the program, which may contain anything.
fn fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    Some(stat.get(stat.rfind(')')? + 1..)?.split_whitespace())
}

/// Field 4.
fn parent(stat: &str) -> Option<u32> {
    fields(stat)?.nth(1)?.parse().ok()
}

/// Fields 16 and 17: what children used that have ended.
fn gone(stat: &str) -> Option<u32> {
    let mut fields = fields(stat)?.skip(13);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(system)
}

/// Fields 14 and 15.
fn ticks(stat: &str) -> Option<u32> {
    let mut fields = fields(stat)?.skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    user.checked_add(system)
}

/// Resident memory of a process in KiB.
pub fn resident_kib(pid: u32) -> Result<u64> {
    let path = Path::new("/proc").join(pid.to_string()).join("status");
    let status = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    line.split_whitespace().next().context("no number")?.parse().context("not a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_brackets_does_not_shift_the_fields() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194304 100 0 0 0 170 30 0 0 20 0 4 0 5 1 2";
        assert_eq!(ticks(stat), Some(200));
        assert_eq!(ticks("nonsense"), None);
        let stat = stat.replace("170 30 0 0", "170 30 7 5");
        assert_eq!((parent(&stat), gone(&stat)), (Some(1), Some(12)));
    }

    #[test]
    fn this_process_has_memory_and_time() {
        assert!(resident_kib(std::process::id()).unwrap() > 100);
        let own = cpu_time(std::process::id()).unwrap();
        assert!(family_time(std::process::id()).unwrap() >= own);
    }
}
