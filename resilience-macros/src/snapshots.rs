//! Expansions as a person reads them, in `tests/expand/<case>.{in,out}.rs`. `BLESS=1` writes the
//! outputs anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::attribute;
use crate::function::Function;
use crate::policy::Kind;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/expand")
}

/// The names of the cases that have a file with this ending.
fn files(ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder()).expect("the folder of expansions is there");
    let names = entries.map(|entry| entry.expect("the folder can be read").file_name());
    names
        .filter_map(|name| Some(name.to_str()?.strip_suffix(ending)?.to_owned()))
        .collect()
}

/// What the compiler makes of the first attribute of ours on the function.
pub(crate) fn expansion(source: &str) -> TokenStream {
    let mut function: Function = syn::parse_str(source).expect("the input is a function");
    let (index, kind) = function
        .attrs
        .iter()
        .enumerate()
        .find_map(|(index, attr)| {
            let name = attr.path().get_ident()?.to_string();
            Some((index, Kind::from_name(&name)?))
        })
        .expect("the input has an attribute of ours");
    let attr = function.attrs.remove(index);
    let arguments = match attr.meta {
        syn::Meta::List(list) => list.tokens,
        _ => TokenStream::new(),
    };
    attribute::expand(kind, arguments, function.into_token_stream())
}

fn expand(source: &str) -> String {
    let output = expansion(source);
    // Methods are items only inside an `impl`.
    let is_method = output.to_string().contains("self");
    if is_method {
        let block = quote::quote!(impl Subject { #output });
        prettyplease::unparse(&syn::parse2(block).expect("the output is a method"))
    } else {
        prettyplease::unparse(&syn::parse2(output).expect("the output is Rust"))
    }
}

#[test]
fn expansions_are_as_blessed() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let cases = files(".in.rs");
    for case in &cases {
        let input = folder().join(format!("{case}.in.rs"));
        let output = folder().join(format!("{case}.out.rs"));
        let expanded = expand(&fs::read_to_string(&input).expect("the input can be read"));
        if bless {
            fs::write(&output, expanded).expect("the output can be written");
        } else if fs::read_to_string(&output).unwrap_or_default() != expanded {
            wrong.push(format!("{}:\n{expanded}", output.display()));
        }
    }
    // An output whose input is gone is compared with nothing.
    assert_eq!(files(".out.rs"), cases);
    assert!(cases.len() >= 12, "only {} cases were found", cases.len());
    assert!(
        wrong.is_empty(),
        "BLESS=1 accepts these:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn a_renamed_crate_leaves_no_trace_of_the_first_name() {
    let expanded = expand(
        "#[retry(crate = ::corp::armour)] #[timeout(1s)] #[circuit_breaker(name = \"x\")]
         async fn ping(n: String) -> Result<(), E> { body }",
    );
    assert!(expanded.contains("::corp::armour::Timeout"), "{expanded}");
    assert!(!expanded.contains("resilience"), "{expanded}");
}
