//! A throw-away package whose programs are the cases.

use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use toml::{Table, Value as Toml};

use crate::case::{Case, count_errors};

/// A throw-away package whose programs are the cases.
pub(crate) struct Package {
    folder: PathBuf,
    dependencies: Table,
}

impl Package {
    /// A package with the dependencies that the cases of this crate have.
    pub(crate) fn of_this_crate(name: &str) -> Self {
        Self {
            folder: folder(name),
            dependencies: own_dev_dependencies(),
        }
    }

    /// A package that has none.
    pub(crate) fn without_dependencies(name: &str) -> Self {
        Self {
            folder: folder(name),
            dependencies: Table::new(),
        }
    }

    /// Checks every case in one run of cargo; what is wrong.
    pub(crate) fn check(&self, cases: &[Case]) -> Vec<String> {
        self.write(cases);
        let output = self.cargo().output().expect("cargo runs");
        let mut said = messages_by_program(&output.stdout);
        let mut complaints = Vec::new();
        for case in cases {
            let said = said.remove(&program(case));
            // A program of which cargo says nothing was never looked at.
            let Some(said) = said else {
                complaints.push(format!(
                    "{}: cargo did not check it:\n{}",
                    case.name,
                    String::from_utf8_lossy(&output.stderr)
                ));
                continue;
            };
            complaints.extend(case.complaints_about(count_errors(&said), &said));
        }
        complaints
    }

    /// As trybuild calls cargo, and in the same target folder, so that dependencies are not built
    /// for a third time.
    fn cargo(&self) -> Command {
        const FLAGS: &str =
            r#"["--cfg", "trybuild", "--verbose", "-A", "dead_code", "--diagnostic-width=140"]"#;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .current_dir(&self.folder)
            .env_remove("RUSTFLAGS")
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_TARGET_DIR", target_folder().join("tests/trybuild"))
            .arg("--offline")
            .arg(format!("--config=build.rustflags={FLAGS}"))
            .args(["check", "--bins", "--keep-going", "--color=never"])
            .arg("--message-format=json")
            .stdin(Stdio::null());
        command
    }

    fn write(&self, cases: &[Case]) {
        let programs = cases.iter().map(|case| {
            let mut bin = Table::new();
            bin.insert("name".into(), Toml::String(program(case)));
            bin.insert("path".into(), Toml::String(case.path.display().to_string()));
            Toml::Table(bin)
        });
        let mut package = Table::new();
        package.insert("name".into(), Toml::String("resilience-ui-cases".into()));
        package.insert("version".into(), Toml::String("0.0.0".into()));
        package.insert("edition".into(), Toml::String("2024".into()));
        package.insert("publish".into(), Toml::Boolean(false));
        let mut manifest = Table::new();
        manifest.insert("package".into(), Toml::Table(package));
        manifest.insert(
            "dependencies".into(),
            Toml::Table(self.dependencies.clone()),
        );
        manifest.insert("bin".into(), Toml::Array(programs.collect()));
        // Not part of the workspace that the folder lies in.
        manifest.insert("workspace".into(), Toml::Table(Table::new()));
        fs::create_dir_all(&self.folder).expect("a folder");
        fs::write(self.folder.join("Cargo.toml"), manifest.to_string()).expect("a manifest");
        // The versions that are there already.
        if !self.dependencies.is_empty() {
            fs::copy(
                workspace_folder().join("Cargo.lock"),
                self.folder.join("Cargo.lock"),
            )
            .expect("a lock file");
        }
    }
}

/// Prints a line that is visible for a passing test too.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// What the compiler says about each program, rendered; an empty text where it is content.
fn messages_by_program(stdout: &[u8]) -> HashMap<String, String> {
    let mut said: HashMap<String, String> = HashMap::new();
    for line in stdout.split(|&byte| byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        let Some(name) = message["target"]["name"].as_str() else {
            continue;
        };
        let text = match message["reason"].as_str() {
            Some("compiler-artifact") => "",
            // The last error only counts the others.
            Some("compiler-message") if !is_summary(&message["message"]) => {
                message["message"]["rendered"].as_str().unwrap_or_default()
            }
            _ => continue,
        };
        said.entry(name.to_owned()).or_default().push_str(text);
    }
    said
}

fn is_summary(message: &Value) -> bool {
    let text = message["message"].as_str().unwrap_or_default();
    message["spans"].as_array().is_none_or(Vec::is_empty) && text.starts_with("aborting due to")
}

/// The name of a case's program.
fn program(case: &Case) -> String {
    case.name.replace(['/', '\\'], "__")
}

/// This crate's dev-dependencies, in full: versions that it takes from the workspace are filled
/// in, and paths are absolute.
fn own_dev_dependencies() -> Table {
    let own = read_manifest(Path::new(env!("CARGO_MANIFEST_DIR")));
    let workspace = read_manifest(&workspace_folder());
    let shared = workspace["workspace"]["dependencies"].as_table();
    let shared = shared.expect("the workspace's dependencies");
    let own = own["dev-dependencies"]
        .as_table()
        .expect("dev-dependencies");
    own.iter()
        .map(|(name, dependency)| (name.clone(), Toml::Table(in_full(name, dependency, shared))))
        .collect()
}

fn in_full(name: &str, dependency: &Toml, shared: &Table) -> Table {
    let mut own = as_table(dependency);
    if own.remove("workspace").is_none() {
        return own;
    }
    let mut full = as_table(&shared[name]);
    if let Some(path) = full.get("path").and_then(Toml::as_str) {
        let path = workspace_folder().join(path).display().to_string();
        full.insert("path".into(), Toml::String(path));
    }
    if let Some(Toml::Array(more)) = own.remove("features") {
        let features = full
            .entry("features")
            .or_insert_with(|| Toml::Array(Vec::new()));
        features
            .as_array_mut()
            .expect("a list of features")
            .extend(more);
    }
    full.extend(own);
    full
}

fn as_table(dependency: &Toml) -> Table {
    match dependency {
        Toml::Table(table) => table.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    }
}

fn read_manifest(folder: &Path) -> Table {
    let text = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    text.parse().expect("a manifest in TOML")
}

fn workspace_folder() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors()
        .nth(2)
        .expect("this crate is two folders deep")
        .to_owned()
}

fn target_folder() -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scratch
        .parent()
        .expect("it lies in the target folder")
        .to_owned()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}
