//! Source code.

use std::path::Path;

use super::Found;

/// The text is the source. Links are `mod name;` of Rust and `#include "name"` of C.
pub(super) fn read(path: &Path, text: &str) -> Found {
    let links = text.lines().map(str::trim_start).filter_map(|line| {
        let include = line.strip_prefix("#include \"");
        let include = include.and_then(|rest| Some(rest.split_once('"')?.0.to_owned()));
        include.or_else(|| module(path, line))
    });
    Found {
        title: None,
        text: text.to_owned(),
        links: links.collect(),
    }
}

/// Where the module that `line` declares is usually found.
fn module(path: &Path, line: &str) -> Option<String> {
    if path.extension()? != "rs" {
        return None;
    }
    let line = ["pub ", "pub(crate) ", "pub(super) "]
        .iter()
        .find_map(|visibility| line.strip_prefix(visibility))
        .unwrap_or(line);
    let name = line.strip_prefix("mod ")?.split_once(';')?.0;
    match path.file_stem()?.to_str()? {
        "main" | "lib" | "mod" => Some(format!("{name}.rs")),
        parent => Some(format!("{parent}/{name}.rs")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_and_includes_are_links() {
        let found = read(
            Path::new("/s/lib.rs"),
            "mod a;\npub(crate) mod b;\nmod c { }\n",
        );
        assert_eq!(found.links, ["a.rs", "b.rs"]);
        let found = read(Path::new("/s/saga.rs"), "pub mod journal;\n");
        assert_eq!(found.links, ["saga/journal.rs"]);
        let found = read(
            Path::new("/s/x.c"),
            "#include \"x.h\"\n#include <stdio.h>\nmod a;\n",
        );
        assert_eq!(found.links, ["x.h"]);
    }
}
