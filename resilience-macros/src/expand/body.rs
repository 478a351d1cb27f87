//! The user's body as one attempt, and the arguments that it gets.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Pat, Type};

use super::Annotated;
use super::declare::at;
use crate::function::{Body, Passing};
use crate::paths::local;
use crate::policy::{Kind, Policy};

impl Annotated {
    // Output: let function = ::resilience::__private::function::<Result<Receipt, PayError>>(annotated.name);
    //         let errors = { use ..; errors::<Result<Receipt, PayError>>().classified().described().wrapped() };
    //         let stored = ::resilience::__private::stored::<Result<Receipt, PayError>>();
    //         let records = stored.or_errors(stored_errors::<Result<Receipt, PayError>>(), |error| ..);
    //         let joined = { use ..; joined::<Result<Receipt, PayError>>().cloned() };
    //         let failures = ::resilience::__private::failures::<Result<Receipt, PayError>>();
    /// The values that stand for the function in the expansion. Each demands its bounds in this one
    /// place, on the tokens of the return type.
    pub(super) fn declare_witnesses(&self) -> TokenStream {
        let Some(returns) = self.function.return_type() else {
            return TokenStream::new();
        };
        let returns = nameable(returns);
        let variable = local("function");
        let kind = if self.can_refuse() {
            "function"
        } else {
            "returns"
        };
        let (path, annotated) = (self.paths.private(kind), local("annotated"));
        let function = quote!(let #variable = #path::<#returns>(#annotated.name););
        let witness = |name| {
            let (variable, path) = (local(name), self.paths.private(name));
            quote!(let #variable = #path::<#returns>();)
        };
        let errors = self.asks_errors().then(|| self.declare_errors(&returns));
        let stored = self.keeps_records().then(|| witness("stored"));
        let records = self
            .stored_errors()
            .map(|pattern| self.declare_stored_errors(pattern, &returns));
        let failures = self.find(Kind::Saga).map(|_| witness("failures"));
        let joined = self
            .find(Kind::SingleFlight)
            .map(|_| self.declare_joined(&returns));
        let journaled = self.find(Kind::Saga).or_else(|| self.find(Kind::SagaStep));
        let kept = journaled.map(|_| self.declare_kept(&returns));
        quote!(#function #errors #stored #records #failures #kept #joined)
    }

    /// Errors that are kept like results.
    fn declare_stored_errors(&self, pattern: &Pat, returns: &TokenStream) -> TokenStream {
        let (variable, stored, error) = (local("records"), local("stored"), local("error"));
        let errors = self.paths.private("stored_errors");
        quote! {
            let #variable = #stored.or_errors(
                #errors::<#returns>(),
                |#error| ::core::matches!(#error, #pattern),
            );
        }
    }

    /// How an error is kept in the journal: one that has no JSON form is not.
    fn declare_kept(&self, returns: &TokenStream) -> TokenStream {
        let (variable, path) = (local("kept"), self.paths.private("kept"));
        let otherwise = self.paths.private("otherwise");
        quote! {
            let #variable = {
                #[allow(unused_imports)]
                use #otherwise::*;
                #path::<#returns>().found()
            };
        }
    }

    /// How an answer is shared: an error that is not `Clone` stays with its caller.
    fn declare_joined(&self, returns: &TokenStream) -> TokenStream {
        let (variable, path) = (local("joined"), self.paths.private("joined"));
        let otherwise = self.paths.private("otherwise");
        quote! {
            let #variable = {
                #[allow(unused_imports)]
                use #otherwise::*;
                #path::<#returns>().cloned()
            };
        }
    }

    /// What the error type can do: the methods of the type itself are preferred to those of the traits
    /// in reach, which know nothing.
    fn declare_errors(&self, returns: &TokenStream) -> TokenStream {
        let (variable, path) = (local("errors"), self.paths.private("errors"));
        let otherwise = self.paths.private("otherwise");
        quote! {
            let #variable = {
                #[allow(unused_imports)]
                use #otherwise::*;
                #path::<#returns>().classified().described().wrapped()
            };
        }
    }

    // Output: let breaker = breaker.of(&order.tenant);
    /// The policies that have a state per key, narrowed to the key of this call. Keys are made before
    /// the arguments are given away.
    pub(super) fn declare_keys(&self) -> TokenStream {
        let keys = self.policies.iter().filter_map(|policy| match policy {
            Policy::CircuitBreaker(policy) => Some((local("breaker"), policy.key.as_ref()?)),
            Policy::RateLimit(policy) => Some((local("limit"), policy.key.as_ref()?)),
            _ => None,
        });
        keys.map(|(variable, key)| {
            let place = key.to_token_stream();
            let key = at(&place, quote!(&#key));
            let of = at(&place, quote!(of(#key)));
            quote!(let #variable = #variable.#of;)
        })
        .collect()
    }

    // Output: let mut order = ::resilience::__private::Replay::new(order);
    pub(super) fn declare_replays(&self) -> TokenStream {
        if !self.repeats() {
            return TokenStream::new();
        }
        let replay = self.paths.private("Replay");
        self.replayed()
            .map(|(binding, cfgs)| {
                let argument = &binding.ident;
                let new = quote_spanned!(argument.span()=> #replay::new(#argument));
                quote!(#(#cfgs)* let mut #argument = #new;)
            })
            .collect()
    }

    /// Whether an attempt has to know if it is the last one, which may have the arguments for good.
    pub(super) fn takes_last(&self) -> bool {
        self.repeats() && !self.keeps_arguments() && self.replayed().next().is_some()
    }

    // Output: async { pin; let order = order.take(last); body }     where it may run again
    //         async move { pin; body }                              where it has its arguments for itself
    pub(super) fn attempt(&self, owned: bool) -> TokenStream {
        let block = match &self.function.body {
            Body::Block(block) | Body::Boxed { block, .. } => block,
            Body::Missing(_) => return TokenStream::new(),
        };
        let span = block.span();
        let (function, never) = (local("function"), local("never"));
        let pin = quote! {
            if let ::core::option::Option::Some(#never) = #function.never() { return #never; }
        };
        let moved = owned || !self.repeats();
        let arguments = if moved {
            TokenStream::new()
        } else {
            self.attempt_arguments()
        };
        let body = if !moved && self.function.receiver_is_mut() {
            reborrow_boxed_self(block.stream())
        } else {
            block.stream()
        };
        // The span of the user's own braces: without it the compiler loses the names of variables
        // in borrow errors and blames the attribute.
        let mut attempt = Group::new(Delimiter::Brace, quote!(#pin #arguments #body));
        attempt.set_span(span);
        if moved {
            quote_spanned!(span=> async move #attempt)
        } else {
            quote_spanned!(span=> async #attempt)
        }
    }

    // Output: let order = order.take(last);
    //         let buffer = &mut *buffer;
    fn attempt_arguments(&self) -> TokenStream {
        let take = self.take();
        let replayed = self.replayed().map(|(binding, cfgs)| {
            let argument = &binding.ident;
            let mutable = binding.mutable.then(|| quote!(mut));
            quote!(#(#cfgs)* let #mutable #argument = #argument.#take;)
        });
        let reborrowed = self
            .bindings_passed(Passing::Reborrowed)
            .map(|(binding, cfgs)| {
                let argument = &binding.ident;
                let mutable = binding.mutable.then(|| quote!(mut));
                quote!(#(#cfgs)* let #mutable #argument = &mut *#argument;)
            });
        replayed.chain(reborrowed).collect()
    }

    // Output: take(last)     where the last attempt may have it for good
    //         copy()
    fn take(&self) -> TokenStream {
        if self.keeps_arguments() {
            quote!(copy())
        } else {
            let last = local("last");
            quote!(take(#last))
        }
    }

    // Output: let order = order.take(last);
    //         let mut order = order.fork();     where attempts follow below
    /// The arguments of one call that leaves for a task of its own, where there may be another call.
    pub(super) fn arguments_to_leave(&self, has_attempts: bool) -> TokenStream {
        let take = self.take();
        self.replayed()
            .map(|(binding, cfgs)| {
                let argument = &binding.ident;
                if has_attempts {
                    return quote!(#(#cfgs)* let mut #argument = #argument.fork(););
                }
                let mutable = binding.mutable.then(|| quote!(mut));
                quote!(#(#cfgs)* let #mutable #argument = #argument.#take;)
            })
            .collect()
    }

    // Output: client, order.copy(), &mut *buffer,
    /// The arguments once more, for the function that answers instead.
    pub(super) fn arguments_again(&self) -> TokenStream {
        self.parameters
            .iter()
            .filter_map(|parameter| {
                let (argument, cfgs) = (parameter.name()?, &parameter.cfgs);
                let value = match parameter.passing() {
                    Passing::Shared => quote!(#argument),
                    Passing::Reborrowed => quote!(&mut *#argument),
                    Passing::Replayed => quote!(#argument.copy()),
                };
                Some(quote!(#(#cfgs)* #value,))
            })
            .collect()
    }
}

/// `#[async_trait]` begins its block with `let __self = self;`, which would move a `&mut self` into
/// the first attempt: `let __self = &mut *self;` lends it.
fn reborrow_boxed_self(body: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = body.into_iter().collect();
    let assignment = tokens.windows(4).position(|window| {
        matches!(window, [TokenTree::Ident(name), TokenTree::Punct(equals), TokenTree::Ident(this),
            TokenTree::Punct(end)]
            if name == "__self" && equals.as_char() == '=' && this == "self" && end.as_char() == ';')
    });
    if let Some(position) = assignment
        && let Some(TokenTree::Ident(this)) = tokens.get(position + 2).cloned()
    {
        tokens.splice(position + 2..position + 3, quote!(&mut *#this));
    }
    tokens.into_iter().collect()
}

/// The type as it can be written in an expression: `impl Trait` is left to inference.
fn nameable(ty: &Type) -> TokenStream {
    match ty {
        Type::ImplTrait(_) => quote!(_),
        Type::Path(path) => {
            let mut path = path.clone();
            for segment in &mut path.path.segments {
                let syn::PathArguments::AngleBracketed(arguments) = &mut segment.arguments else {
                    continue;
                };
                for argument in &mut arguments.args {
                    if let syn::GenericArgument::Type(inner) = argument
                        && contains_impl(inner)
                    {
                        *inner = Type::Verbatim(nameable(inner));
                    }
                }
            }
            quote!(#path)
        }
        other if contains_impl(other) => quote!(_),
        other => quote!(#other),
    }
}

fn contains_impl(ty: &Type) -> bool {
    fn any_impl(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == "impl",
            TokenTree::Group(group) => any_impl(group.stream()),
            _ => false,
        })
    }
    any_impl(quote!(#ty))
}
