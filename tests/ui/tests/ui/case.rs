//! A case: a program, and what the compiler must say about it.

use std::fs;
use std::path::{Path, PathBuf};

/// A program, and what the compiler must say about it.
#[derive(Debug)]
pub(crate) struct Case {
    /// Its file.
    pub(crate) path: PathBuf,
    /// Its path under the folder of the cases, without the extension: `retry/option_misspelt`.
    pub(crate) name: String,
    /// It is a correct program.
    pub(crate) compiles: bool,
    /// The mistake in words.
    description: String,
    /// What must occur in the compiler's output.
    lines: Vec<String>,
    /// How many errors it is.
    errors: usize,
}

impl Case {
    /// Every case in the topics under `folder`, by name.
    pub(crate) fn all_in(folder: &Path) -> Vec<Self> {
        let mut cases = Vec::new();
        for topic in entries(folder) {
            let files = entries(&topic);
            for file in files
                .iter()
                .filter(|file| file.extension().is_some_and(|it| it == "rs"))
            {
                cases.push(Self::read(folder, file));
            }
        }
        cases
    }

    /// The case at `path`, in a topic under `folder`.
    pub(crate) fn read(folder: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a case");
        let name = path
            .strip_prefix(folder)
            .expect("a case in the folder")
            .with_extension("");
        let name = name.display().to_string();
        let mut case = Self {
            path: path.to_owned(),
            compiles: name.starts_with("pass/"),
            name,
            description: String::new(),
            lines: Vec::new(),
            errors: 1,
        };
        for line in text.lines().map(str::trim) {
            let Some(expectation) = line.strip_prefix("//~") else {
                continue;
            };
            match expectation.trim().strip_prefix("errors:") {
                Some(number) => case.errors = number.trim().parse().expect("a number of errors"),
                None => case.lines.push(expectation.trim().to_owned()),
            }
        }
        let first = text.lines().next().unwrap_or_default();
        if first.starts_with("//") && !first.starts_with("//~") {
            first
                .trim_start_matches(['/', '!'])
                .trim()
                .clone_into(&mut case.description);
        }
        case
    }

    /// What is wrong when the compiler reports `errors` errors and prints `output`.
    pub(crate) fn complaints_about(&self, errors: usize, output: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.description.is_empty() {
            complaints.push("it does not begin with a comment that says it in words".to_owned());
        }
        if self.compiles {
            if errors > 0 {
                complaints.push("it does not compile".to_owned());
            }
        } else if errors == 0 {
            complaints.push("it compiles, or was never blessed".to_owned());
        } else {
            self.compare(errors, output, &mut complaints);
        }
        complaints
            .into_iter()
            .map(|complaint| {
                format!(
                    "{} ({}): {complaint}\n{output}",
                    self.name, self.description
                )
            })
            .collect()
    }

    fn compare(&self, errors: usize, output: &str, complaints: &mut Vec<String>) {
        if self.lines.is_empty() {
            complaints.push("no line `//~` says what the compiler must say".to_owned());
        }
        if errors != self.errors {
            let plural = if errors == 1 { "" } else { "s" };
            complaints.push(format!("{errors} error{plural}, not {}", self.errors));
        }
        for line in self.lines.iter().filter(|&line| !output.contains(line)) {
            complaints.push(format!("the compiler does not say `{line}`"));
        }
    }
}

/// How many errors a compiler's output has.
pub(crate) fn count_errors(output: &str) -> usize {
    output
        .lines()
        .filter(|line| line.starts_with("error:") || line.starts_with("error["))
        .count()
}

/// The entries of a folder, in order.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
