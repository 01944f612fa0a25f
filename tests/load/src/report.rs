//! What was measured, as tables, and beside each target whether it is met.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use mission_control_shared::Timestamp;

use crate::cases::{self, Case};
use crate::jobs::{Drain, JOBS};
use crate::server::Writer;
use crate::start::{self, Start};
use crate::{process, streams};

/// Between these lines of a document stands the last measurement.
const BEGIN: &str = "<!-- measured -->";
const END: &str = "<!-- end of measured -->";
/// The same for the table of growth.
const BEGIN_GROWTH: &str = "<!-- growth -->";
const END_GROWTH: &str = "<!-- end of growth -->";

const KIBIBYTE: f64 = 1_024.0;
const MEBIBYTE: f64 = 1_048_576.0;

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Report {
    /// What else ran on the machine before.
    pub load: String,
    /// How long each side of each case ran.
    pub time: Duration,
    /// The requests.
    pub rows: Vec<cases::Row>,
    /// Microseconds of knowing who calls.
    pub key_check: Option<f64>,
    /// Writes while jobs are run.
    pub jobs: Option<Drain>,
    /// The streams.
    pub streams: Vec<streams::Row>,
    /// Start and rest.
    pub start: Option<Start>,
}

/// A target beside what was measured.
pub(crate) struct Verdict {
    what: &'static str,
    target: &'static str,
    measured: String,
    /// Whether the target is met.
    pub met: bool,
}

/// Microseconds below which this share of the sample lies.
fn micros(nanos: &[u64], share: f64) -> f64 {
    let mut sorted = nanos.to_vec();
    sorted.sort_unstable();
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).map_or(0.0, |nanos| *nanos as f64 / 1e3)
}

/// A time in microseconds, in the unit that suits it.
fn time(micros: f64) -> String {
    match micros {
        small if small < 1_000.0 => format!("{small:.0} µs"),
        medium if medium < 10_000.0 => format!("{:.2} ms", medium / 1e3),
        large => format!("{:.0} ms", large / 1e3),
    }
}

fn percent(part: f64, whole: f64) -> String {
    format!("{:.0} %", 100.0 * part / whole)
}

impl Report {
    /// Every target of which something was measured.
    pub(crate) fn verdicts(&self) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        let row = |case, connections| {
            self.rows.iter().find(|row| row.case == case && row.connections == connections)
        };
        let share = |verdicts: &mut Vec<Verdict>, what, target, row: Option<&cases::Row>, least: f64| {
            if let Some(row) = row {
                let share = row.server.rate() / row.baseline.rate();
                let cpu = row.baseline.cpu_micros() / row.server.cpu_micros();
                let measured =
                    format!("{} (of its processor time: {})", percent(share, 1.0), percent(cpu, 1.0));
                verdicts.push(Verdict { what, target, measured, met: share >= least });
            }
        };
        share(&mut verdicts, "get a task, 32 connections", "≥ 40 % of (a)", row(Case::Get, 32), 0.40);
        share(
            &mut verdicts,
            "list 25 of 1,000 tasks, 32 connections",
            "≥ 12 % of (a)",
            row(Case::List, 32),
            0.12,
        );
        share(&mut verdicts, "create a task, 256 connections", "≥ 25 % of (a)", row(Case::Create, 256), 0.25);
        self.write_verdicts(&mut verdicts);
        if let Some(micros) = self.key_check {
            let measured = format!("{micros:.1} µs");
            verdicts.push(Verdict {
                what: "API key check",
                target: "≤ 20 µs",
                measured,
                met: micros <= 20.0,
            });
        }
        if let Some(drain) = &self.jobs {
            let times = micros(&drain.with, 0.99) / micros(&drain.without, 0.99);
            verdicts.push(Verdict {
                what: "create a task while 10,000 jobs are run, p99",
                target: "≤ 2 × without",
                measured: format!("{times:.2} ×"),
                met: times <= 2.0,
            });
        }
        self.stream_verdicts(&mut verdicts);
        if let Some(start) = &self.start {
            let (ready, idle) = (median(&start.ready), start.idle.max(start.idle_seeded) as f64 / MEBIBYTE);
            verdicts.push(Verdict {
                what: "ready on 100,000 tasks",
                target: "≤ 100 ms",
                measured: time(ready),
                met: ready <= 100_000.0,
            });
            let measured = format!("{idle:.1} MiB");
            verdicts.push(Verdict {
                what: "idle, in memory",
                target: "≤ 30 MiB",
                measured,
                met: idle <= 30.0,
            });
        }
        verdicts
    }

    fn write_verdicts(&self, verdicts: &mut Vec<Verdict>) {
        let created = |connections| {
            self.rows.iter().find(|row| row.case == Case::Create && row.connections == connections)
        };
        if let Some((writer, bare)) = created(256).and_then(|row| row.writer.zip(row.bare.as_ref())) {
            let share = writer.rate() / bare.done.rate();
            verdicts.push(Verdict {
                what: "writer thread, tasks per second of work",
                target: "≥ 50 % of (b)",
                measured: percent(share, 1.0),
                met: share >= 0.5,
            });
        }
        let alone = created(1).and_then(|row| Some((row, row.fsync.as_ref()?, row.bare.as_ref()?)));
        if let Some((row, fsync, bare)) = alone {
            let median = |nanos: &[u64]| micros(nanos, 0.5);
            let created = median(&row.server.sample.nanos);
            let times = created / median(&fsync.row);
            verdicts.push(Verdict {
                what: "create a task, 1 connection, p50",
                target: "≤ 1.3 × one durable row",
                measured: format!(
                    "{times:.2} × ({:.2} × append and `fdatasync`, {:.2} × (b) with a task in a commit)",
                    created / median(&fsync.append),
                    created / median(&bare.nanos)
                ),
                met: times <= 1.3,
            });
        }
    }

    fn stream_verdicts(&self, verdicts: &mut Vec<Verdict>) {
        let of = |streams| self.streams.iter().find(|row| row.streams == streams);
        if let Some(row) = of(1_000) {
            let times = micros(&row.server.nanos, 0.99) / micros(&row.baseline.nanos, 0.99);
            verdicts.push(Verdict {
                what: "message to 1,000 streams, p99",
                target: "≤ 3 × (c)",
                measured: format!("{times:.2} ×"),
                met: times <= 3.0,
            });
        }
        if let Some(row) = of(5_000) {
            let kibibytes = row.server.bytes_per_stream / KIBIBYTE;
            verdicts.push(Verdict {
                what: "5,000 streams",
                target: "every event to every stream",
                measured: format!("{} of {}", row.server.nanos.len(), row.events * row.streams),
                met: row.server.nanos.len() == row.events * row.streams,
            });
            verdicts.push(Verdict {
                what: "memory of a stream, of 5,000",
                target: "≤ 16 KiB",
                measured: format!("{kibibytes:.1} KiB"),
                met: kibibytes <= 16.0,
            });
        }
    }

    /// Everything as Markdown.
    pub(crate) fn markdown(&self) -> Result<String> {
        let mut text = format!("{}\n\n", self.heading()?);
        let verdicts = self.verdicts();
        if !verdicts.is_empty() {
            text.push_str("| target | | measured | |\n|---|---|---|---|\n");
            for verdict in &verdicts {
                let met = if verdict.met { "met" } else { "**missed**" };
                writeln!(text, "| {} | {} | {} | {met} |", verdict.what, verdict.target, verdict.measured)?;
            }
            text.push('\n');
        }
        self.requests(&mut text)?;
        self.writes(&mut text)?;
        self.stream_table(&mut text)?;
        if let Some(drain) = &self.jobs {
            let both =
                |nanos: &[u64]| format!("{} (p99 {})", time(micros(nanos, 0.5)), time(micros(nanos, 0.99)));
            writeln!(
                text,
                "{JOBS} due jobs, each with a write of its own, were run in {:.1} s. Creating a task meanwhile, on one \
                 connection: {}; without: {}.\n",
                drain.drained.as_secs_f64(),
                both(&drain.with),
                both(&drain.without)
            )?;
        }
        if let Some(start) = &self.start {
            let worst = start.ready.iter().max().map_or(0.0, |ready| ready.as_secs_f64() * 1e6);
            writeln!(
                text,
                "Start on {} tasks (a database of {:.0} MiB): ready after {} in the median of {} starts, {} at worst. \
                 Idle: {:.1} MiB in memory there, {:.1} MiB on the seeded database.",
                start::TASKS,
                start.database as f64 / MEBIBYTE,
                time(median(&start.ready)),
                start.ready.len(),
                time(worst),
                start.idle as f64 / MEBIBYTE,
                start.idle_seeded as f64 / MEBIBYTE
            )?;
        }
        Ok(text)
    }

    fn heading(&self) -> Result<String> {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
        let date = Timestamp(now).to_string();
        let described = Command::new("git")
            .args(["describe", "--always", "--dirty", "--abbrev=10"])
            .current_dir(crate::root())
            .output();
        let commit = described.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        Ok(format!(
            "Measured {}, commit {}, on {} (load average at the start {}); {:.1} s for each side of each case.",
            &date[..10],
            commit.unwrap_or_default(),
            process::machine(),
            self.load,
            self.time.as_secs_f64()
        ))
    }

    fn requests(&self, text: &mut String) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        text.push_str(
            "| request | connections | req/s | p50 | p99 | CPU/req | RSS | (a) req/s | p50 | p99 | CPU/req | bytes | of (a) |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for row in &self.rows {
            let side = |side: &cases::Side| {
                let (p50, p99) = (micros(&side.sample.nanos, 0.5), micros(&side.sample.nanos, 0.99));
                (
                    format!(
                        "{:.0} | {} | {} | {:.0} µs",
                        side.rate(),
                        time(p50),
                        time(p99),
                        side.cpu_micros()
                    ),
                    side.rate(),
                )
            };
            let ((server, rate), (baseline, most)) = (side(&row.server), side(&row.baseline));
            writeln!(
                text,
                "| {} | {} | {server} | {:.0} MiB | {baseline} | {} | {} |",
                row.case.name(),
                row.connections,
                row.resident as f64 / MEBIBYTE,
                row.bytes,
                percent(rate, most)
            )?;
        }
        text.push('\n');
        Ok(())
    }

    fn writes(&self, text: &mut String) -> Result<()> {
        let rows: Vec<_> = self.rows.iter().filter_map(|row| Some((row, row.writer?))).collect();
        if rows.is_empty() {
            return Ok(());
        }
        text.push_str(
            "| write | connections | requests in a commit | commit | CPU/write | writes per s of work | (b) commit | CPU/write | writes per s of work | writes per s | of (b) |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for (row, writer) in rows {
            let side = |writer: Writer| {
                let commit = writer.commit_seconds * 1e6 / writer.commits.max(1.0);
                let cpu = writer.cpu_seconds * 1e6 / writer.requests.max(1.0);
                format!("{} | {cpu:.1} µs | {:.0}", time(commit), writer.rate())
            };
            let bare = row.bare.as_ref().map_or("| | | |".to_owned(), |bare| {
                let share = percent(writer.rate(), bare.done.rate());
                format!("{} | {:.0} | {share} |", side(bare.done), bare.done.requests / bare.seconds)
            });
            writeln!(
                text,
                "| {} | {} | {:.1} | {} | {bare}",
                row.case.name(),
                row.connections,
                writer.batch(),
                side(writer)
            )?;
        }
        text.push('\n');
        if let Some(fsync) = self.rows.iter().find_map(|row| row.fsync.as_ref()) {
            let both =
                |nanos: &[u64]| format!("{} (p99 {})", time(micros(nanos, 0.5)), time(micros(nanos, 0.99)));
            writeln!(
                text,
                "One fsync: append and `fdatasync` {}; one row in a durable transaction {}.\n",
                both(&fsync.append),
                both(&fsync.row)
            )?;
        }
        Ok(())
    }

    fn stream_table(&self, text: &mut String) -> Result<()> {
        if self.streams.is_empty() {
            return Ok(());
        }
        text.push_str(
            "| streams | events | opened in | delivered p50 | p99 | CPU/delivery | memory/stream | (c) p50 | p99 | CPU/delivery | memory/stream | event bytes |\n\
             |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for row in &self.streams {
            let side = |side: &streams::Side| {
                let cpu = side.cpu_seconds * 1e6 / (side.nanos.len() as f64).max(1.0);
                let (p50, p99) = (time(micros(&side.nanos, 0.5)), time(micros(&side.nanos, 0.99)));
                format!("{p50} | {p99} | {cpu:.1} µs | {:.1} KiB", side.bytes_per_stream / KIBIBYTE)
            };
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                row.streams,
                row.events,
                time(row.opened.as_secs_f64() * 1e6),
                side(&row.server),
                side(&row.baseline),
                row.bytes
            )?;
        }
        text.push('\n');
        Ok(())
    }
}

/// The median in microseconds.
fn median(times: &[Duration]) -> f64 {
    let nanos: Vec<u64> = times.iter().filter_map(|time| u64::try_from(time.as_nanos()).ok()).collect();
    micros(&nanos, 0.5)
}

/// Puts `measured` into a document, in place of the measurement that stands in it.
pub(crate) fn keep(file: &Path, measured: &str) -> Result<()> {
    keep_between(file, BEGIN, END, measured)
}

/// The same for the table of growth.
pub(crate) fn keep_growth(file: &Path, measured: &str) -> Result<()> {
    keep_between(file, BEGIN_GROWTH, END_GROWTH, measured)
}

fn keep_between(file: &Path, begin: &str, end: &str, measured: &str) -> Result<()> {
    let document = std::fs::read_to_string(file).unwrap_or_default();
    let (before, after) = match (document.split_once(begin), document.split_once(end)) {
        (Some((before, _)), Some((_, after))) => (before, after),
        _ => (document.as_str(), "\n"),
    };
    std::fs::write(file, format!("{before}{begin}\n\n{}\n\n{end}{after}", measured.trim_end()))
        .with_context(|| format!("write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_sample() {
        let nanos: Vec<u64> = (0..=100).rev().map(|number| number * 1_000).collect();
        assert_eq!(micros(&nanos, 0.5), 50.0);
        assert_eq!(micros(&nanos, 0.99), 99.0);
        assert_eq!(micros(&[], 0.5), 0.0);
    }

    #[test]
    fn a_measurement_replaces_the_one_before_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("README.md");
        std::fs::write(&file, format!("# Load\n\n{BEGIN}\nold\n{END}\n\nThe rest.\n")).expect("write");
        keep(&file, "new\n").expect("keep");
        let text = std::fs::read_to_string(&file).expect("read");
        assert_eq!(text, format!("# Load\n\n{BEGIN}\n\nnew\n\n{END}\n\nThe rest.\n"));
    }
}
