//! Looks into any file of the pipeline; prints JSON lines.

use clap::Args;
use examples::command::{self, Common, Failure, OrUsage, required};
use examples::contents::contents;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Args, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Settings {
    /// A web archive, document file, token shard, stage directory, checkpoint or weights
    path: Option<PathBuf>,
    /// Stop after N lines
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Read everything that has a checksum and compare
    #[arg(long)]
    verify: bool,
}

fn run(settings: Settings, _: &Common) -> Result<Value, Failure> {
    let path = required(settings.path, "path")?;
    if !pretrain_store::exists(&path) {
        return Err(anyhow::anyhow!("{} does not exist", path.display())).or_usage();
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut lines = 0;
    for line in contents(&path, settings.verify)?.take(settings.limit.unwrap_or(usize::MAX)) {
        writeln!(out, "{}", line?)?;
        lines += 1;
    }
    out.flush()?;
    Ok(json!({ "path": path, "lines": lines }))
}

fn main() -> ExitCode {
    command::main("Look into any file of the pipeline", run)
}
