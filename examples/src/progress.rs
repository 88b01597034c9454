//! Progress on stderr: a bar per stage on a terminal, two plain lines per stage elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// Whether and how a program shows what it is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing (`--quiet`).
    Off,
    /// Bars, for a person who watches.
    Bars,
    /// A line at the start and the end of each stage, for a log file.
    Lines,
}

impl Progress {
    /// Chooses by the flag and by what stderr is.
    pub fn new(quiet: bool) -> Self {
        match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Self::Off,
            (false, true) => Self::Bars,
            (false, false) => Self::Lines,
        }
    }

    /// Announces a stage of `total` units of work (bytes, documents, steps); 0 when unknown.
    pub fn stage(self, name: &str, unit: Unit, total: u64) -> Bar {
        let bar = match self {
            Self::Bars => ProgressBar::new(total).with_style(style(unit, total)),
            Self::Off | Self::Lines => {
                ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden())
            }
        };
        bar.set_prefix(format!("{name:<12}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        let bar = Bar { bar, name: name.to_owned(), started: Instant::now(), progress: self };
        bar.line("started");
        bar
    }

    /// Shows a line of text, unless quiet.
    pub fn say(self, text: &str) {
        if self != Self::Off {
            #[expect(clippy::print_stderr, reason = "progress goes to stderr")]
            {
                eprintln!("{text}");
            }
        }
    }
}

/// What a bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of text.
    Bytes,
    /// Documents, steps, shards.
    Items,
}

fn style(unit: Unit, total: u64) -> ProgressStyle {
    let template = match (unit, total) {
        (_, 0) => "{prefix} {spinner} {elapsed} {msg}",
        (Unit::Bytes, _) => {
            "{prefix} {bar:30} {bytes:>10}/{total_bytes} {bytes_per_sec} eta {eta} {msg}"
        }
        (Unit::Items, _) => "{prefix} {bar:30} {pos:>7}/{len} {per_sec} eta {eta} {msg}",
    };
    ProgressStyle::with_template(template).expect("the templates above are valid")
}

/// The progress of one stage. Safe to advance from many threads.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    name: String,
    started: Instant,
    progress: Progress,
}

impl Bar {
    /// `n` more units are done.
    pub fn advance(&self, n: u64) {
        self.bar.inc(n);
    }

    /// `n` units are done in all.
    pub fn set(&self, n: u64) {
        self.bar.set_position(n);
    }

    /// Words beside the bar.
    pub fn message(&self, text: String) {
        self.bar.set_message(text);
    }

    /// Ends the stage with a summary; answers how long it took in seconds.
    pub fn finish(self, summary: &str) -> f64 {
        let seconds = self.started.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        self.progress.say(&format!("{:<14} {seconds:>7.1} s  {summary}", self.name));
        seconds
    }

    fn line(&self, event: &str) {
        if self.progress == Progress::Lines {
            self.progress.say(&format!("{}: {event}", self.name));
        }
    }
}
