//! The tests: on the compiler that the texts were blessed with, on any, and of the runner itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::case::{self, Case};
use crate::package::{self, Package};

/// The compiler that the `.stderr` files were blessed with.
const BLESSED_WITH: &str = "1.95";

/// Fewer cases than this are a mistake in the runner.
const CASES_MIN: usize = 4;

fn cases() -> Vec<Case> {
    let cases = Case::all_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"));
    assert!(
        cases.len() >= CASES_MIN,
        "only {} cases were found",
        cases.len()
    );
    cases
}

#[test]
fn the_whole_text_is_as_it_was_blessed() {
    if std::env::var_os("RESILIENCE_UI_ANY_COMPILER").is_some_and(|value| value == "1") {
        return;
    }
    let version = compiler_version();
    if !version.starts_with(&format!("rustc {BLESSED_WITH}.")) {
        package::say(&format!(
            "The .stderr files were blessed with rustc {BLESSED_WITH}, and this is {version}: \
             only our own lines are compared."
        ));
        return;
    }
    let trybuild = trybuild::TestCases::new();
    for case in cases().iter().filter(|case| !case.compiles) {
        trybuild.compile_fail(Path::new("cases").join(&case.name).with_extension("rs"));
    }
}

#[test]
fn every_case_holds_on_any_compiler() {
    let complaints = Package::of_this_crate("ui-cases").check(&cases());
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

#[test]
fn every_expectation_is_in_the_blessed_text() {
    if std::env::var_os("TRYBUILD").is_some_and(|value| value == "overwrite") {
        // The texts are being written at this moment.
        return;
    }
    let complaints: Vec<String> = cases()
        .iter()
        .filter(|case| !case.compiles)
        .flat_map(|case| {
            let blessed = std::fs::read_to_string(case.path.with_extension("stderr"));
            let blessed = blessed.unwrap_or_default();
            case.complaints_about(case::count_errors(&blessed), &blessed)
        })
        .collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

/// The runner itself: what it must complain about, it does.
#[test]
fn a_case_that_does_not_hold_is_reported() {
    const RIGHT: &str = "//! A type that is not there.\n//~ cannot find type `Missing`\nfn main() { let _: Missing; }";
    let wrong = [
        (
            "wrong_line",
            "// Another.\n//~ no such line\nfn main() { let _: Missing; }",
            "no such line",
        ),
        (
            "wrong_number",
            "// One.\n//~ `Missing`\n//~ errors: 2\nfn main() { let _: Missing; }",
            "1 error, not 2",
        ),
        (
            "compiles",
            "// None.\n//~ anything\nfn main() {}",
            "it compiles",
        ),
        (
            "silent",
            "// No expectation.\nfn main() { let _: Missing; }",
            "`//~`",
        ),
        (
            "wordless",
            "//~ `Missing`\nfn main() { let _: Missing; }",
            "in words",
        ),
    ];
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ui-self-test-cases");
    let mut cases = vec![written(&folder, "topic/right", RIGHT)];
    for (name, text, _) in wrong {
        cases.push(written(&folder, &format!("topic/{name}"), text));
    }
    cases.push(written(
        &folder,
        "pass/fails",
        "// It should.\nfn main() { let _: Missing; }",
    ));

    let complaints = Package::without_dependencies("ui-self-test").check(&cases);

    for (name, _, words) in wrong {
        let of_case: Vec<&String> = complaints
            .iter()
            .filter(|text| text.contains(name))
            .collect();
        assert_eq!(of_case.len(), 1, "{name}: {complaints:#?}");
        assert!(of_case[0].contains(words), "{name}: {}", of_case[0]);
    }
    assert!(
        complaints
            .iter()
            .any(|text| text.contains("pass/fails") && text.contains("compile"))
    );
    assert_eq!(complaints.len(), wrong.len() + 1, "{complaints:#?}");
}

fn written(folder: &Path, name: &str, text: &str) -> Case {
    let path = folder.join(name).with_extension("rs");
    std::fs::create_dir_all(path.parent().expect("a topic")).expect("a folder");
    std::fs::write(&path, text).expect("a case");
    Case::read(folder, &path)
}

fn compiler_version() -> String {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler)
        .arg("--version")
        .output()
        .expect("rustc runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
