//! One step of a pipeline and the directory it owns.

use crate::atomic::PARTIAL_SUFFIX;
use crate::{
    FileEntry, InputRef, MANIFEST_NAME, Manifest, Result, StoreError, create_dir_all, file,
    write_atomic,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Marks a directory as a stage's from its first moment, and holds the settings it was begun under.
const STAGE_NAME: &str = "stage.json";
const LOCK_NAME: &str = ".lock";
const UNITS_DIR: &str = ".units";

/// What a stage is asked to do: its name, its resolved settings, and what it reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageSpec {
    /// The stage's name, as in the manifest.
    pub stage: String,
    /// Everything that changes the output. Settings that do not (threads) stay out.
    pub config: serde_json::Value,
    /// The finished directories it reads.
    pub inputs: Vec<InputRef>,
}

impl StageSpec {
    /// A stage without inputs.
    pub fn new(stage: &str, config: serde_json::Value) -> Self {
        Self { stage: stage.to_owned(), config, inputs: Vec::new() }
    }

    /// Adds an input.
    #[must_use]
    pub fn input(mut self, input: InputRef) -> Self {
        self.inputs.push(input);
        self
    }

    /// How `self`, the settings on the disk, differ from those asked for now.
    fn differences(&self, now: &StageSpec) -> Vec<String> {
        let mut found = Vec::new();
        if self.stage != now.stage {
            found.push(format!("stage: {} -> {}", self.stage, now.stage));
        }
        json_differences("", &self.config, &now.config, &mut found);
        if self.inputs != now.inputs {
            let names = |spec: &StageSpec| {
                let list = spec.inputs.iter().map(|i| format!("{}@{}", i.name, i.digest));
                list.collect::<Vec<_>>().join(" ")
            };
            found.push(format!("inputs: {} -> {}", names(self), names(now)));
        }
        found
    }
}

fn json_differences(
    path: &str,
    then: &serde_json::Value,
    now: &serde_json::Value,
    found: &mut Vec<String>,
) {
    use serde_json::Value;
    if let (Value::Object(a), Value::Object(b)) = (then, now) {
        let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        for key in keys {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let get = |map: &serde_json::Map<String, Value>| map.get(key).cloned();
            let (a, b) = (get(a).unwrap_or(Value::Null), get(b).unwrap_or(Value::Null));
            json_differences(&path, &a, &b, found);
        }
    } else if then != now {
        found.push(format!("{path}: {then} -> {now}"));
    }
}

/// A piece of a stage's work: files that are complete together, and their counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Names the piece within its stage; a plain file name.
    pub name: String,
    /// What it wrote, already committed.
    pub files: Vec<FileEntry>,
    /// What it counted.
    pub counts: BTreeMap<String, u64>,
    /// Anything a resumed run needs to know of it, for example a report to be merged.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub detail: serde_json::Value,
}

impl Unit {
    /// A unit without files.
    pub fn new(name: &str) -> Self {
        let (files, counts) = (Vec::new(), BTreeMap::new());
        Self { name: name.to_owned(), files, counts, detail: serde_json::Value::Null }
    }

    /// Adds a committed file.
    #[must_use]
    pub fn file(mut self, entry: FileEntry) -> Self {
        self.files.push(entry);
        self
    }

    /// Adds to a count.
    #[must_use]
    pub fn count(mut self, name: &str, n: u64) -> Self {
        *self.counts.entry(name.to_owned()).or_default() += n;
        self
    }

    /// Attaches what a resumed run needs to know.
    #[must_use]
    pub fn detail(mut self, detail: serde_json::Value) -> Self {
        self.detail = detail;
        self
    }
}

/// A stage's directory as it was found.
#[derive(Debug)]
pub enum Stage {
    /// The manifest is there: nothing is left to do.
    Finished(Manifest),
    /// Nothing or a part is there.
    Unfinished(OpenStage),
}

impl Stage {
    /// Finds, resumes or begins the stage in `dir`.
    ///
    /// Files that a killed process left half-written are removed.
    ///
    /// # Errors
    /// [`StoreError::Differs`] if the directory was made under other settings or from other inputs,
    /// [`StoreError::Foreign`] if it holds files of somebody else, [`StoreError::Locked`] if another
    /// process is filling it; malformed records; I/O.
    pub fn open(dir: &Path, spec: &StageSpec) -> Result<Self> {
        if file::exists(&dir.join(MANIFEST_NAME)) {
            let manifest = Manifest::load(dir)?;
            let then = StageSpec {
                stage: manifest.stage.clone(),
                config: manifest.config.clone(),
                inputs: manifest.inputs.clone(),
            };
            refuse_differences(dir, &then, spec)?;
            return Ok(Self::Finished(manifest));
        }
        let marker = dir.join(STAGE_NAME);
        if file::exists(&marker) {
            let then: StageSpec = parse(&marker, "stage record")?;
            refuse_differences(dir, &then, spec)?;
        } else if file::is_dir(dir) && !only_our_leavings(dir)? {
            return Err(StoreError::Foreign { dir: dir.to_path_buf(), expected: STAGE_NAME });
        }
        create_dir_all(dir)?;
        let lock = lock(dir)?;
        remove_partial_files(dir)?;
        if !file::exists(&marker) {
            write_atomic(&marker, &pretty(spec))?;
        }
        let mut units = BTreeMap::new();
        let units_dir = dir.join(UNITS_DIR);
        if file::is_dir(&units_dir) {
            for path in file::list(&units_dir)? {
                let unit: Unit = parse(&path, "unit record")?;
                units.insert(unit.name.clone(), unit);
            }
        }
        Ok(Self::Unfinished(OpenStage {
            dir: dir.to_path_buf(),
            spec: spec.clone(),
            units: Mutex::new(units),
            _lock: lock,
        }))
    }
}

fn refuse_differences(dir: &Path, then: &StageSpec, now: &StageSpec) -> Result<()> {
    let differences = then.differences(now);
    if differences.is_empty() {
        return Ok(());
    }
    Err(StoreError::Differs { dir: dir.to_path_buf(), differences })
}

/// A process killed between making the directory and writing the marker leaves only these.
fn only_our_leavings(dir: &Path) -> Result<bool> {
    let ours = |path: &PathBuf| {
        path.file_name().is_some_and(|name| {
            name == LOCK_NAME || name.to_string_lossy().ends_with(PARTIAL_SUFFIX)
        })
    };
    Ok(file::list_dirs(dir)?.is_empty() && file::list(dir)?.iter().all(ours))
}

fn remove_partial_files(dir: &Path) -> Result<()> {
    file::list_recursive(dir)?
        .iter()
        .filter(|path| path.to_string_lossy().ends_with(PARTIAL_SUFFIX))
        .try_for_each(|path| file::remove_file(path))
}

fn lock(dir: &Path) -> Result<File> {
    let path = dir.join(LOCK_NAME);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| StoreError::io("open", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { dir: dir.to_path_buf() }),
        Err(TryLockError::Error(source)) => Err(StoreError::io("lock", &path, source)),
    }
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, kind: &'static str) -> Result<T> {
    serde_json::from_slice(&file::read(path)?).map_err(|error| StoreError::Malformed {
        path: path.to_path_buf(),
        kind,
        reason: error.to_string(),
    })
}

fn pretty(value: &impl Serialize) -> Vec<u8> {
    let mut json = serde_json::to_vec_pretty(value).expect("our records have only string keys");
    json.push(b'\n');
    json
}

/// A stage's directory that is being filled, locked against other processes.
#[derive(Debug)]
pub struct OpenStage {
    dir: PathBuf,
    spec: StageSpec,
    units: Mutex<BTreeMap<String, Unit>>,
    // Released when the stage is dropped, or by the system when the process dies.
    _lock: File,
}

impl OpenStage {
    /// Where the stage writes.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The record of a unit that this or an earlier process committed.
    pub fn unit(&self, name: &str) -> Option<Unit> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Every committed unit, sorted by name.
    pub fn units(&self) -> Vec<Unit> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Records that a unit's files are complete. They must have been committed before.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn commit_unit(&self, unit: Unit) -> Result<()> {
        let path = self.dir.join(UNITS_DIR).join(format!("{}.json", unit.name));
        write_atomic(&path, &pretty(&unit))?;
        self.units.lock().unwrap_or_else(PoisonError::into_inner).insert(unit.name.clone(), unit);
        Ok(())
    }

    /// Writes the manifest: the counts and files of all units, and what `extra` adds to the counts.
    ///
    /// # Errors
    /// The disk refuses; the directory stays unfinished then.
    pub fn finish<'a>(self, extra: impl IntoIterator<Item = (&'a str, u64)>) -> Result<Manifest> {
        let mut manifest =
            Manifest::new(&self.spec.stage, self.spec.config.clone(), self.spec.inputs.clone());
        let extra = extra.into_iter().map(|(name, n)| (name.to_owned(), n));
        let units = self.units();
        let counted = units.iter().flat_map(|unit| unit.counts.clone());
        for (name, n) in counted.chain(extra) {
            *manifest.counts.entry(name).or_default() += n;
        }
        manifest.files = units.into_iter().flat_map(|unit| unit.files).collect();
        manifest.files.sort_by(|a, b| a.name.cmp(&b.name));
        manifest.save(&self.dir)?;
        // From here on the directory is finished; the scaffolding is only litter.
        file::remove_dir_all(&self.dir.join(UNITS_DIR))?;
        file::remove_file(&self.dir.join(STAGE_NAME))?;
        file::remove_file(&self.dir.join(LOCK_NAME))?;
        Ok(manifest)
    }
}

#[cfg(test)]
mod tests;
