//! Two sagas, or two steps, of one name in one module: two constants of one name, which says it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{Attribute, LitStr};

use crate::args::Count;
use crate::policy::{Saga, SagaStep};

/// How the names of all of them end: the compiler says no more than the name.
const REMEDY: &str = "give_one_another_name";

/// The constant of a saga. There may be one function for each version: where that is a constant
/// itself, only the program can know it, when it opens its runtime.
pub(crate) fn of_saga(saga: &Saga, own: &(String, Span)) -> Option<Ident> {
    let version = match saga.version.as_ref().map(Count::known) {
        None | Some(Some(1)) => String::new(),
        Some(Some(version)) => format!("_version_{version}"),
        Some(None) => return None,
    };
    Some(named(
        "two_sagas_are_named_",
        saga.name.as_ref(),
        own,
        &version,
    ))
}

/// The constant of a step.
pub(crate) fn of_step(step: &SagaStep, own: &(String, Span)) -> Option<Ident> {
    Some(named(
        "two_saga_steps_are_named_",
        step.name.as_ref(),
        own,
        "",
    ))
}

// Output: #[allow(non_upper_case_globals)]
//         const two_saga_steps_are_named_reserve__give_one_another_name: () = ();
pub(crate) fn item(name: &Ident, cfgs: &[&Attribute]) -> TokenStream {
    // All of it stands where the name does, and so does the error.
    quote_spanned! {name.span()=>
        #(#cfgs)*
        #[allow(dead_code, non_upper_case_globals)]
        const #name: () = ();
    }
}

/// Where no name is given it is the function's own.
fn named(prefix: &str, given: Option<&LitStr>, own: &(String, Span), suffix: &str) -> Ident {
    let (name, span) = match given {
        Some(name) => (name.value(), name.span()),
        None => own.clone(),
    };
    let word = in_a_word(&name);
    Ident::new(&format!("{prefix}{word}{suffix}__{REMEDY}"), span)
}

/// The name as a part of an identifier. Names that look alike stay apart: `a-b` is not `a_b`.
fn in_a_word(name: &str) -> String {
    let mut word = String::new();
    for letter in name.replace("::", "__").chars() {
        if letter.is_ascii_alphanumeric() || letter == '_' {
            word.push(letter);
        } else {
            word.push_str(&format!("_u{:x}_", u32::from(letter)));
        }
    }
    word
}
