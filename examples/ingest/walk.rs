//! Finding documents.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::document::Kind;
use crate::terminal::printable;

/// Directories that hold what tools made, not what people wrote.
const TOOL_DIRECTORIES: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// What is below some paths.
#[derive(Debug, Default)]
pub struct Found {
    /// Documents, by absolute path, each once.
    pub documents: BTreeSet<PathBuf>,
    /// Files that are not documents, judged by their names.
    pub passed_over: BTreeSet<PathBuf>,
    /// What could not be walked.
    pub problems: Vec<Problem>,
}

/// An input that was skipped, and why.
#[derive(Debug)]
pub struct Problem {
    /// The input.
    pub path: PathBuf,
    /// What is wrong with it, such as `is empty`.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = printable(&self.path.display().to_string());
        write!(f, "{path} {}", self.why)
    }
}

/// Walks `roots`, following symbolic links. Skips hidden entries, what tools made, and `except`.
/// A file that is itself a root is a document whatever its name is.
pub fn walk(roots: &[PathBuf], except: &Path) -> Found {
    let mut found = Found::default();
    for root in roots {
        match root.canonicalize() {
            Ok(absolute) => walk_root(&absolute, except, &mut found),
            Err(error) => found.problems.push(Problem {
                path: root.clone(),
                why: format!("cannot be read: {error}"),
            }),
        }
    }
    found
}

fn walk_root(root: &Path, except: &Path, found: &mut Found) {
    let entries = WalkDir::new(root).follow_links(true).sort_by_file_name();
    let wanted =
        |entry: &DirEntry| entry.depth() == 0 || (!is_skipped(entry) && entry.path() != except);
    for entry in entries.into_iter().filter_entry(wanted) {
        match entry {
            Ok(entry) if entry.file_type().is_dir() => {}
            Ok(entry) => {
                let named = entry.depth() == 0 || Kind::of(entry.path()).is_some();
                let set = if named {
                    &mut found.documents
                } else {
                    &mut found.passed_over
                };
                // By its own path, so that a link to it is no second document.
                let path = entry.path().canonicalize();
                set.insert(path.unwrap_or_else(|_| entry.into_path()));
            }
            Err(error) => found.problems.push(problem(&error)),
        }
    }
}

fn is_skipped(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    let made = entry.file_type().is_dir() && TOOL_DIRECTORIES.contains(&&*name);
    name.starts_with('.') || made
}

fn problem(error: &walkdir::Error) -> Problem {
    let path = error.path().unwrap_or(Path::new("?")).to_owned();
    let why = match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => format!("is skipped: it leads back to {}", ancestor.display()),
        (None, Some(error)) => format!("cannot be read: {error}"),
        (None, None) => format!("cannot be read: {error}"),
    };
    Problem { path, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir, write};
    use std::os::unix::fs::symlink;

    #[test]
    fn loops_and_dead_links_are_problems_and_the_rest_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        create_dir(root.join("sub")).unwrap();
        symlink(&root, root.join("sub/back")).unwrap();
        symlink("nowhere.md", root.join("sub/dead.md")).unwrap();
        write(root.join("sub/z.md"), "z").unwrap();

        let found = walk(std::slice::from_ref(&root), Path::new(""));
        assert_eq!(found.documents, BTreeSet::from([root.join("sub/z.md")]));
        let problems: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(
            problems[0].contains("sub/back is skipped: it leads back to"),
            "{problems:?}"
        );
        assert!(
            problems[1].contains("sub/dead.md cannot be read: "),
            "{problems:?}"
        );
    }

    #[test]
    fn only_documents_are_found_and_each_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["target", ".git", "data"] {
            create_dir(root.join(name)).unwrap();
            write(root.join(name).join("no.md"), "x").unwrap();
        }
        for name in ["a.md", "b.png", ".hidden.md"] {
            write(root.join(name), "x").unwrap();
        }
        symlink("a.md", root.join("again.md")).unwrap();

        let roots = [root.clone(), root.join("a.md"), root.join("./a.md")];
        let found = walk(&roots, &root.join("data"));
        assert_eq!(found.documents, BTreeSet::from([root.join("a.md")]));
        assert_eq!(found.passed_over, BTreeSet::from([root.join("b.png")]));
        assert!(found.problems.is_empty(), "{:?}", found.problems);
    }

    #[test]
    fn a_file_that_is_named_is_taken_and_one_that_is_missing_is_a_problem() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        write(root.join("b.xyz"), "x").unwrap();
        let found = walk(&[root.join("b.xyz"), root.join("gone")], Path::new(""));
        assert_eq!(found.documents, BTreeSet::from([root.join("b.xyz")]));
        assert_eq!(found.problems.len(), 1);
    }
}
