//! The expansion as a person reads it: `tests/expand/derive/classify.{in,out}.rs`. `BLESS=1` writes
//! the output anew.

use std::fs;
use std::path::Path;

#[test]
fn the_expansion_is_as_blessed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/expand/derive");
    let input = fs::read_to_string(folder.join("classify.in.rs")).expect("the input is there");
    let input: syn::File = syn::parse_str(&input).expect("the input is Rust");
    let expanded: String = input
        .items
        .iter()
        .map(|item| {
            let output = super::expand(quote::quote!(#item));
            prettyplease::unparse(&syn::parse2(output).expect("the output is Rust"))
        })
        .collect();
    let output = folder.join("classify.out.rs");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&output, expanded).expect("the output can be written");
    } else {
        let blessed = fs::read_to_string(&output).expect("the output is there");
        assert_eq!(blessed, expanded, "BLESS=1 accepts the right one");
    }
}
