//! Blocks as a person reads them: `tests/expand/methods/<case>.{in,out}.rs`. `BLESS=1` writes the
//! outputs anew.

use std::fs;
use std::path::Path;

#[test]
fn blocks_are_as_blessed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/expand/methods");
    let entries = fs::read_dir(&folder).expect("the folder is there");
    let mut cases = 0;
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        let name = path.to_string_lossy().into_owned();
        let Some(case) = name.strip_suffix(".in.rs") else {
            continue;
        };
        cases += 1;
        let input = fs::read_to_string(&path).expect("the input can be read");
        let input = syn::parse_str(&input).expect("the input is Rust");
        let output = super::expand(proc_macro2::TokenStream::new(), &input);
        let expanded = prettyplease::unparse(&syn::parse2(output).expect("the output is Rust"));
        let output = format!("{case}.out.rs");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&output, expanded).expect("the output can be written");
        } else {
            let blessed = fs::read_to_string(&output).expect("the output is there");
            assert_eq!(blessed, expanded, "BLESS=1 accepts the right one");
        }
    }
    assert!(cases >= 2, "only {cases} cases were found");
}
