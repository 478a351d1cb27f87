//! The patterns of the attributes, as the questions that the runtime asks.

use proc_macro2::TokenStream;
use quote::quote;

use crate::expand::Annotated;
use crate::paths::local;
use crate::policy::{Again, CircuitBreaker};

impl Annotated {
    // Output: settle(answer)
    //         settle_if(answer, |result| matches!(result, Err(PATTERN)))
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

    // Output: |result| match result {
    //             Ok(value) => matches!(value, VALUE),
    //             Err(error) => !matches!(error, ABORT) && matches!(error, RETRY),
    //         }
    fn is_worth_another(&self, again: &Again) -> Option<TokenStream> {
        let Again {
            retry_on,
            abort_on,
            retry_on_value,
            when,
            retry_after: _,
        } = again;
        let (result, value, error) = (local("result"), local("value"), local("error"));
        match (retry_on, abort_on, retry_on_value, when) {
            (None, None, None, None) => return None,
            (Some(pattern), None, None, None) => {
                return Some(quote! {
                    |#result| ::core::matches!(#result, ::core::result::Result::Err(#pattern))
                });
            }
            _ => {}
        }
        let mut conditions = Vec::new();
        if let Some(pattern) = abort_on {
            conditions.push(quote!(!::core::matches!(#error, #pattern)));
        }
        if let Some(pattern) = retry_on {
            conditions.push(quote!(::core::matches!(#error, #pattern)));
        }
        if let Some(predicate) = when {
            let holds = self.paths.private("holds");
            conditions.push(quote!(#holds(#error, #predicate)));
        }
        if retry_on.is_none() && when.is_none() {
            let errors = local("errors");
            conditions.push(quote!(#errors.is_transient(#result)));
        }
        let bound = match (abort_on, retry_on, when) {
            (None, None, None) => quote!(_),
            _ => quote!(#error),
        };
        let (value, on_value) = match retry_on_value {
            Some(pattern) => (quote!(#value), quote!(::core::matches!(#value, #pattern))),
            None => (quote!(_), quote!(false)),
        };
        Some(quote! {
            |#result| match #result {
                ::core::result::Result::Ok(#value) => #on_value,
                ::core::result::Result::Err(#bound) => #(#conditions)&&*,
            }
        })
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
