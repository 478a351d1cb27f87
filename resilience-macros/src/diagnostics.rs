//! Collecting every mistake of a declaration, so that a user sees them all in one build.

use std::cell::{Cell, RefCell};
use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The mistakes found so far.
///
/// A mistake is reported under the smallest piece that the user wrote wrong; its first line is a
/// fact in the user's words, its second line the remedy.
///
/// Dropping a collection that nobody looked at would turn errors into silence, so debug builds
/// refuse to.
pub(crate) struct Diagnostics {
    errors: RefCell<Vec<syn::Error>>,
    reported: Cell<bool>,
}

impl Diagnostics {
    pub(crate) fn new() -> Self {
        Self {
            errors: RefCell::default(),
            reported: Cell::new(false),
        }
    }

    /// Reports a mistake under all of `tokens`.
    pub(crate) fn error(&self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Reports a mistake under `span`.
    pub(crate) fn error_at(&self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    /// Adds an error that the parser found.
    pub(crate) fn push(&self, error: syn::Error) {
        self.errors.borrow_mut().push(error);
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.errors.borrow().is_empty()
    }

    /// The mistakes as `compile_error!` calls; empty when there are none.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.reported.set(true);
        self.errors
            .borrow()
            .iter()
            .map(syn::Error::to_compile_error)
            .collect()
    }
}

impl Drop for Diagnostics {
    fn drop(&mut self) {
        debug_assert!(
            self.reported.get() || std::thread::panicking(),
            "a collection of diagnostics was dropped without being reported"
        );
    }
}

/// The name among `known` that the user probably meant by `written`.
///
/// The distance is Damerau-Levenshtein's in its restricted form; one mistake is forgiven, and one
/// more for each four letters.
pub(crate) fn closest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let limit = 1 + written.len() / 4;
    known
        .iter()
        .map(|name| (distance(written, name), *name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Names that other libraries have for options, and ours.
const ELSEWHERE: [(&str, &str); 14] = [
    ("idempotency_key", "key"),
    ("ttl", "lease"),
    ("expires", "ttl"),
    ("namespace", "scope"),
    ("max_retries", "max_attempts"),
    ("retries", "max_attempts"),
    ("attempts", "max_attempts"),
    ("max_delay", "max"),
    ("delay", "backoff"),
    ("threshold", "failure_threshold"),
    ("reset_timeout", "open_for"),
    ("timeout", "after"),
    ("limit", "max_concurrent"),
    ("window", "count_window"),
];

/// A second line for an error about an unknown name: the one that was meant, or all there are.
pub(crate) fn did_you_mean(written: &str, known: &[&str]) -> String {
    let elsewhere = ELSEWHERE
        .iter()
        .find(|(theirs, ours)| *theirs == written && known.contains(ours))
        .map(|(_, ours)| *ours);
    match elsewhere.or_else(|| closest(written, known)) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("there is {}", list(known)),
    }
}

/// `` `a`, `b` and `c` ``
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "nothing to choose from".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    // Three rows of the usual matrix: a transposition looks two rows back.
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let substituted = last[j] + usize::from(l != r);
            let mut best = substituted.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

/// Tokens as a person would write them.
pub(crate) fn readable(tokens: &TokenStream) -> String {
    tokens
        .to_string()
        .replace(" :: ", "::")
        .replace(" < ", "<")
        .replace(" >", ">")
        .replace(" ,", ",")
        .replace("& ", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let known = ["max_attempts", "backoff", "jitter"];
        assert_eq!(closest("max_atempts", &known), Some("max_attempts"));
        assert_eq!(closest("jiter", &known), Some("jitter"));
        assert_eq!(closest("bakcoff", &known), Some("backoff"));
        assert_eq!(closest("colour", &known), None);
        assert_eq!(closest("", &known), None);
    }

    #[test]
    fn a_transposition_counts_once() {
        assert_eq!(distance("retyr", "retry"), 1);
        assert_eq!(distance("", "ab"), 2);
        assert_eq!(distance("ab", ""), 2);
    }
}
