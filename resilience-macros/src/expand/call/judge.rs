//! The patterns of the attributes, as the questions that the runtime asks.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Pat;

use crate::expand::Annotated;
use crate::paths::local;
use crate::policy::{Again, CircuitBreaker};

impl Annotated {
    // Output: settle(answer)
    //         settle_if(answer, |result| result.as_ref().is_err_and(|error| matches!(error, PATTERN)))
    //         settle_not_before(answer, |error| ask(error, retry_after))
    //         settle_after(answer, |result| .., |error| ask(error, retry_after))
    pub(super) fn settle(&self, again: &Again) -> TokenStream {
        let (answer, error) = (local("answer"), local("error"));
        let condition = self.is_worth_another(again);
        match (&again.retry_after, condition) {
            (None, None) => quote!(settle(#answer)),
            (None, Some(condition)) => quote!(settle_if(#answer, #condition)),
            (Some(after), condition) => {
                let ask = self.paths.private("ask");
                let after = quote!(|#error| #ask(#error, #after));
                match condition {
                    None => quote!(settle_not_before(#answer, #after)),
                    Some(condition) => quote!(settle_after(#answer, #condition, #after)),
                }
            }
        }
    }

    /// Which outcomes are tried again; none where nothing is said of that.
    fn is_worth_another(&self, again: &Again) -> Option<TokenStream> {
        let Again {
            retry_on,
            abort_on,
            retry_on_value,
            when,
            retry_after: _,
        } = again;
        match (retry_on, when) {
            (None, None) => self.as_usual_but(abort_on.as_ref(), retry_on_value.as_ref()),
            _ => Some(self.these_alone(again)),
        }
    }

    // Output: |result| {
    //             if matches!(result, Ok(VALUE)) {
    //                 Verdict::Again
    //             } else if result.as_ref().is_err_and(|error| matches!(error, ABORT)) {
    //                 Verdict::Enough
    //             } else {
    //                 Verdict::AsUsual
    //             }
    //         }
    /// Errors that are not listed are judged by where they come from.
    fn as_usual_but(&self, abort_on: Option<&Pat>, on_value: Option<&Pat>) -> Option<TokenStream> {
        let (verdict, result) = (self.paths.private("Verdict"), local("result"));
        let value = on_value.map(|pattern| {
            quote! {
                if ::core::matches!(#result, ::core::result::Result::Ok(#pattern)) {
                    #verdict::Again
                } else
            }
        });
        let aborted = abort_on.map(|pattern| {
            let is_one = is_error(&result, pattern);
            quote! {
                if #is_one {
                    #verdict::Enough
                } else
            }
        });
        let is_said = value.is_some() || aborted.is_some();
        is_said.then(|| quote!(|#result| #value #aborted { #verdict::AsUsual }))
    }

    // Output: |result| result.as_ref().is_err_and(|error| matches!(error, RETRY))
    //         |result| match result {
    //             Ok(value) => matches!(value, VALUE),
    //             Err(error) => !matches!(error, ABORT) && matches!(error, RETRY),
    //         }
    /// What is listed, and nothing else.
    fn these_alone(&self, again: &Again) -> TokenStream {
        let (result, value, error) = (local("result"), local("value"), local("error"));
        if let Again {
            retry_on: Some(pattern),
            abort_on: None,
            retry_on_value: None,
            when: None,
            retry_after: _,
        } = again
        {
            let is_one = is_error(&result, pattern);
            return quote!(|#result| #is_one);
        }
        let mut conditions = Vec::new();
        if let Some(pattern) = &again.abort_on {
            conditions.push(quote!(!::core::matches!(#error, #pattern)));
        }
        if let Some(pattern) = &again.retry_on {
            conditions.push(quote!(::core::matches!(#error, #pattern)));
        }
        if let Some(predicate) = &again.when {
            let holds = self.paths.private("holds");
            conditions.push(quote!(#holds(#error, #predicate)));
        }
        let (value, on_value) = match &again.retry_on_value {
            Some(pattern) => (quote!(#value), quote!(::core::matches!(#value, #pattern))),
            None => (quote!(_), quote!(false)),
        };
        quote! {
            |#result| match #result {
                ::core::result::Result::Ok(#value) => #on_value,
                ::core::result::Result::Err(#error) => #(#conditions)&&*,
            }
        }
    }

    // Output: breaker.guard(call, function, errors)
    //         breaker.guard_if(call, function, errors, |error| if matches!(error, IGNORE) { .. } else { .. })
    pub(super) fn guard(&self, policy: &CircuitBreaker) -> TokenStream {
        let (breaker, call) = (local("breaker"), local("call"));
        let (function, errors, error) = (local("function"), local("errors"), local("error"));
        let judgement = self.paths.private("Judgement");
        let judge = match (&policy.ignore_on, &policy.failure_on) {
            (None, None) => return quote!(#breaker.guard(#call, #function, #errors)),
            (Some(ignored), None) => quote! {
                if ::core::matches!(#error, #ignored) {
                    #judgement::Ignored
                } else {
                    #judgement::Failure
                }
            },
            (None, Some(failure)) => quote! {
                if ::core::matches!(#error, #failure) {
                    #judgement::Failure
                } else {
                    #judgement::Success
                }
            },
            (Some(ignored), Some(failure)) => quote! {
                if ::core::matches!(#error, #ignored) {
                    #judgement::Ignored
                } else if ::core::matches!(#error, #failure) {
                    #judgement::Failure
                } else {
                    #judgement::Success
                }
            },
        };
        quote!(#breaker.guard_if(#call, #function, #errors, |#error| #judge))
    }
}

/// Whether `result` is an error of this pattern. The pattern stands by itself: inside of `Err(..)` a
/// variant whose path was forgotten would bind every error, and the compiler would not say so.
fn is_error(result: &syn::Ident, pattern: &Pat) -> TokenStream {
    let error = local("error");
    quote!(#result.as_ref().is_err_and(|#error| ::core::matches!(#error, #pattern)))
}
