//! The contract of every program: flags, configuration file, output and exit code.
//!
//! A program's settings are one struct of `Option`s, read by clap from the flags and by serde from
//! `--config FILE.toml` under the same names; a flag wins over the file. `--threads`, `--quiet` and
//! `--json` are keys too. Exit codes: 0 success, 2 a usage or configuration error, 1 anything else.

use anyhow::{Context, anyhow};
use clap::{Args, CommandFactory, FromArgMatches, Parser};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use toml::de::DeTable;
use toml::{Spanned, Table, Value};

/// Flags that every program has.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Common {
    /// Read settings from a TOML file; every flag is a key of the same name
    #[arg(long, value_name = "FILE.toml")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Threads to work with [default: one per core]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Show no progress on stderr
    #[arg(long)]
    pub quiet: bool,
    /// Print one JSON object on stdout at the end
    #[arg(long)]
    pub json: bool,
}

/// Keys of [`Common`] that a configuration file may hold beside the program's own.
const COMMON_KEYS: [&str; 3] = ["threads", "quiet", "json"];

/// Why a program stops early.
#[derive(Debug)]
pub enum Failure {
    /// The user asked for something impossible: exit code 2.
    Usage(anyhow::Error),
    /// The work failed: exit code 1.
    Run(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Run(error.into())
    }
}

/// Marks an error as the user's: the process will end with code 2.
pub trait OrUsage<T> {
    /// The same result, its error a [`Failure::Usage`].
    ///
    /// # Errors
    /// As `self`.
    fn or_usage(self) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrUsage<T> for Result<T, E> {
    fn or_usage(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::Usage(error.into()))
    }
}

/// A flag that has no default and was given neither as flag nor as key.
///
/// # Errors
/// A usage error that names it.
pub fn required<T>(value: Option<T>, name: &str) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::Usage(anyhow!("--{name} is required (or `{name}` in --config)")))
}

/// As [`required`], for a flag that takes several values.
///
/// # Errors
/// A usage error that names it.
pub fn required_list<'a, T>(values: &'a [T], name: &str) -> Result<&'a [T], Failure> {
    required((!values.is_empty()).then_some(values), name)
}

#[derive(Parser)]
struct Program<A: Args> {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    own: A,
}

/// Runs a program: parses, calls `run`, prints its JSON if asked, and answers with the exit code.
pub fn main<A, R>(
    about: &'static str,
    run: impl FnOnce(A, &Common) -> Result<R, Failure>,
) -> ExitCode
where
    A: Args + Serialize + DeserializeOwned,
    R: Serialize,
{
    let matches = Program::<A>::command().about(about).version(env!("CARGO_PKG_VERSION"));
    let parsed = Program::<A>::from_arg_matches(&matches.get_matches()).map_err(|e| e.exit());
    let Ok(Program { common, own }) = parsed;
    let result = with_config(common, own).and_then(|(own, common)| {
        start_threads(common.threads)?;
        Ok((run(own, &common)?, common))
    });
    match result {
        Ok((outcome, common)) => {
            if common.json {
                #[expect(clippy::print_stdout, reason = "--json asks for it")]
                {
                    println!("{}", serde_json::to_string(&outcome).expect("string keys only"));
                }
            }
            ExitCode::SUCCESS
        }
        Err(Failure::Usage(error)) => fail(&error, 2),
        Err(Failure::Run(error)) => fail(&error, 1),
    }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    #[expect(clippy::print_stderr, reason = "the one clear message of a program that failed")]
    {
        eprintln!("error: {}", causes(error));
    }
    ExitCode::from(code)
}

/// The error and its causes in one line; a cause that repeats the words before it replaces them.
fn causes(error: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        match parts.last_mut() {
            Some(last) if cause.starts_with(last.as_str()) => *last = cause,
            Some(last) if last.ends_with(&cause) => {}
            _ => parts.push(cause),
        }
    }
    parts.join(": ")
}

fn start_threads(threads: Option<usize>) -> Result<(), Failure> {
    if threads == Some(0) {
        return Err(Failure::Usage(anyhow!("--threads must be at least 1")));
    }
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(n) = threads {
        pool = pool.num_threads(n);
    }
    pool.build_global().context("cannot start the thread pool")?;
    Ok(())
}

/// Lays the flags over the file.
fn with_config<A>(common: Common, own: A) -> Result<(A, Common), Failure>
where
    A: Serialize + DeserializeOwned,
{
    let Some(path) = &common.config else { return Ok((own, common)) };
    let (file_own, file_common) = read_config::<A>(path).map_err(Failure::Usage)?;
    Ok((overlay(&file_own, &own)?, Common { config: None, ..overlay(&file_common, &common)? }))
}

fn read_config<A: DeserializeOwned>(path: &Path) -> anyhow::Result<(A, Common)> {
    let text = pretrain_store::read_to_string(path)?;
    let in_file = |mut error: toml::de::Error| {
        error.set_input(Some(&text));
        anyhow!("{}: {error}", path.display())
    };
    let mut own = kebab_case(DeTable::parse(&text).map_err(in_file)?);
    let mut common = DeTable::new();
    for key in COMMON_KEYS {
        if let Some((key, value)) = own.get_mut().remove_entry(key) {
            common.insert(key, value);
        }
    }
    let common = Spanned::new(0..0, common);
    let own = A::deserialize(toml::de::Deserializer::from(own)).map_err(in_file)?;
    Ok((own, Common::deserialize(toml::de::Deserializer::from(common)).map_err(in_file)?))
}

/// `seq_len` and `seq-len` are the same key, as TOML files are written in both styles.
fn kebab_case(table: Spanned<DeTable<'_>>) -> Spanned<DeTable<'_>> {
    let span = table.span();
    let renamed = table.into_inner().into_iter().map(|(key, value)| {
        (Spanned::new(key.span(), key.into_inner().replace('_', "-").into()), value)
    });
    Spanned::new(span, renamed.collect())
}

/// What was given in `flags` wins; a flag not given is `None`, `false` or an empty list.
fn overlay<T: Serialize + DeserializeOwned>(file: &T, flags: &T) -> anyhow::Result<T> {
    let mut merged = Table::try_from(file)?;
    for (key, value) in Table::try_from(flags)? {
        let given = match &value {
            Value::Boolean(on) => *on,
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        if given {
            merged.insert(key, value);
        }
    }
    Ok(merged.try_into()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Args, Serialize, Deserialize, Default)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
    struct Own {
        #[arg(long)]
        seq_len: Option<u64>,
        #[arg(long)]
        input: Vec<String>,
    }

    fn parse(config: &str, flags: &[&str]) -> Result<(Own, Common), Failure> {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("c.toml");
        pretrain_store::write_atomic(&path, config.as_bytes()).unwrap();
        let args = ["program", "--config", path.to_str().unwrap()];
        let program = Program::<Own>::try_parse_from(args.iter().chain(flags)).unwrap();
        with_config(program.common, program.own)
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let (own, common) =
            parse("seq_len = 7\ninput = ['a']\nthreads = 3", &["--seq-len", "9", "--quiet"])
                .unwrap();
        assert_eq!(own, Own { seq_len: Some(9), input: vec!["a".into()] });
        assert_eq!((common.threads, common.quiet, common.json), (Some(3), true, false));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_file() {
        let Err(Failure::Usage(error)) = parse("seq-len = 7\nsequence = 1\n", &[]) else {
            panic!("accepted");
        };
        let message = format!("{error:#}");
        for part in ["c.toml", "line 2", "sequence"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_cause_is_not_told_twice() {
        let error = anyhow!("no space").context("cannot write a: no space");
        assert_eq!(causes(&error.context("cannot write a")), "cannot write a: no space");
        assert_eq!(causes(&anyhow!("b").context("a")), "a: b");
    }

    #[test]
    fn a_wrong_type_is_a_usage_error() {
        for bad in ["seq-len = 'x'", "threads = 'many'", "seq-len = "] {
            assert!(matches!(parse(bad, &[]), Err(Failure::Usage(_))), "{bad}");
        }
    }
}
