//! Which packages there are, and which of their files are candidates.

use crate::{CorpusError, Result};
use cargo_metadata::MetadataCommand;
use pretrain_store as store;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// A package of a registry, unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The declared licence expression.
    pub license: Option<String>,
    /// The folder that holds its `Cargo.toml`.
    pub folder: PathBuf,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Doc comments and code.
    Rust,
    /// Prose as it is.
    Prose,
}

/// A file that may be drawn.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// `<package>-<version>/<path>`.
    pub(super) id: String,
    pub(super) path: PathBuf,
    pub(super) kind: Kind,
    pub(super) package: Arc<SourcePackage>,
}

/// The packages of a workspace and their files of interest.
#[derive(Debug, Clone)]
pub struct RustSources {
    packages: Vec<Arc<SourcePackage>>,
    pub(super) candidates: Vec<Candidate>,
}

impl RustSources {
    /// Lists the registry packages that a workspace's lock file names for this machine's platform,
    /// and their files. Starts `cargo` twice, reads no file's content; about a second for 500
    /// packages.
    ///
    /// # Errors
    /// Cargo is missing, refuses (for example, because a package was never downloaded), or answers
    /// in an unknown way; a package's folder cannot be listed.
    pub fn discover(manifest: &Path) -> Result<Self> {
        Self::discover_with(Path::new("cargo"), manifest)
    }

    /// As [`discover`](Self::discover), with another cargo than the one on the search path.
    ///
    /// # Errors
    /// As [`discover`](Self::discover).
    pub fn discover_with(cargo: &Path, manifest: &Path) -> Result<Self> {
        let host = host_platform(cargo)?;
        let options = ["--offline", "--locked", "--filter-platform", &host];
        let mut command = MetadataCommand::new();
        command.cargo_path(cargo).manifest_path(manifest);
        command.other_options(options.map(str::to_owned));
        let metadata = command.exec().map_err(|error| failed(cargo, manifest, error))?;
        let packages = metadata.packages.into_iter().filter_map(|package| {
            let source = package.source.as_ref()?;
            let registry =
                source.repr.starts_with("registry+") || source.repr.starts_with("sparse+");
            registry.then_some(SourcePackage {
                name: package.name.to_string(),
                version: package.version.to_string(),
                license: package.license,
                folder: package.manifest_path.parent()?.as_std_path().to_path_buf(),
            })
        });
        Self::from_packages(packages.collect())
    }

    /// Lists the files of packages that are known by other means than Cargo.
    ///
    /// Folders whose name begins with a dot are passed over, as is `target` beside `Cargo.toml`.
    ///
    /// # Errors
    /// A folder cannot be listed.
    pub fn from_packages(mut packages: Vec<SourcePackage>) -> Result<Self> {
        packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        let packages: Vec<_> = packages.into_iter().map(Arc::new).collect();
        let mut candidates = Vec::new();
        for package in &packages {
            walk(package, &package.folder, "", &mut candidates)?;
        }
        Ok(Self { packages, candidates })
    }

    /// The packages, sorted by name and version.
    pub fn packages(&self) -> impl ExactSizeIterator<Item = &SourcePackage> {
        self.packages.iter().map(AsRef::as_ref)
    }

    /// How many files may be drawn.
    pub fn n_files(&self) -> usize {
        self.candidates.len()
    }
}

/// `prefix` is the folder's path inside the package, empty or with a slash at its end.
fn walk(
    package: &Arc<SourcePackage>,
    folder: &Path,
    prefix: &str,
    candidates: &mut Vec<Candidate>,
) -> Result<()> {
    for path in store::list(folder)? {
        let name = file_name(&path);
        if let Some(kind) = kind_of(&name) {
            let id = format!("{}-{}/{prefix}{name}", package.name, package.version);
            candidates.push(Candidate { id, path, kind, package: package.clone() });
        }
    }
    for path in store::list_dirs(folder)? {
        let name = file_name(&path);
        let build_output = prefix.is_empty() && name == "target";
        if !name.starts_with('.') && !build_output {
            walk(package, &path, &format!("{prefix}{name}/"), candidates)?;
        }
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn kind_of(name: &str) -> Option<Kind> {
    const LICENCES: [&str; 5] = ["license", "licence", "unlicense", "copying", "notice"];
    let name = name.to_ascii_lowercase();
    if name.ends_with(".rs") {
        return Some(Kind::Rust);
    }
    if name.ends_with(".md") {
        return Some(Kind::Prose);
    }
    let licence = LICENCES.iter().any(|word| name.starts_with(word));
    let plain = match name.rsplit_once('.') {
        None | Some((_, "txt")) => true,
        // The end of a version number (LICENSE-APACHE-2.0) is no extension.
        Some((_, end)) => end.bytes().all(|byte| byte.is_ascii_digit()),
    };
    (licence && plain).then_some(Kind::Prose)
}

fn host_platform(cargo: &Path) -> Result<String> {
    let answer = Command::new(cargo).arg("-vV").output();
    let answer = answer
        .map_err(|source| CorpusError::CargoMissing { program: cargo.to_path_buf(), source })?;
    let text = String::from_utf8_lossy(&answer.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(|host| host.trim().to_owned())
        .ok_or_else(|| CorpusError::CargoHost { program: cargo.to_path_buf() })
}

fn failed(cargo: &Path, manifest: &Path, error: cargo_metadata::Error) -> CorpusError {
    let manifest = manifest.to_path_buf();
    match error {
        cargo_metadata::Error::Io(source) => {
            CorpusError::CargoMissing { program: cargo.to_path_buf(), source }
        }
        cargo_metadata::Error::CargoMetadata { stderr } => {
            CorpusError::CargoFailed { manifest, stderr: stderr.trim().to_owned() }
        }
        source => CorpusError::CargoAnswer { manifest, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_candidates() {
        for (name, expected) in [
            ("lib.rs", Some(Kind::Rust)),
            ("LICENSE.rs", Some(Kind::Rust)),
            ("README.MD", Some(Kind::Prose)),
            ("LICENSE", Some(Kind::Prose)),
            ("license-mit", Some(Kind::Prose)),
            ("LICENSE-APACHE-2.0", Some(Kind::Prose)),
            ("COPYING.txt", Some(Kind::Prose)),
            ("NOTICE.html", None),
            ("notes.txt", None),
            ("Cargo.toml", None),
            ("rs", None),
        ] {
            assert_eq!(kind_of(name), expected, "{name}");
        }
    }

    #[test]
    fn a_cargo_that_is_not_there_has_a_name() {
        let error =
            RustSources::discover_with(Path::new("/no/such/cargo"), Path::new("Cargo.toml"));
        assert!(matches!(error, Err(CorpusError::CargoMissing { .. })), "{error:?}");
    }
}
