//! The user's body as one attempt, and the arguments that it gets.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{quote, quote_spanned};
use syn::Type;

use super::Annotated;
use crate::function::{Body, Passing};
use crate::paths::local;
use crate::policy::Kind;

impl Annotated {
    // Output: let function = ::resilience::__private::function::<Result<Receipt, PayError>>("..");
    //         let stored = ::resilience::__private::stored::<Result<Receipt, PayError>>();
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
        let (path, name) = (self.paths.private(kind), self.full_name());
        let function = quote!(let #variable = #path::<#returns>(#name););
        let witness = |name| {
            let (variable, path) = (local(name), self.paths.private(name));
            quote!(let #variable = #path::<#returns>();)
        };
        let stored = self.keeps_records().then(|| witness("stored"));
        let failures = self.find(Kind::Saga).map(|_| witness("failures"));
        quote!(#function #stored #failures)
    }

    // Output: let mut order = ::resilience::__private::Replay::new(order);
    pub(super) fn declare_replays(&self) -> TokenStream {
        if !self.is_retried() {
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

    /// Whether an attempt has to know if it is the last one.
    pub(super) fn has_replays(&self) -> bool {
        self.is_retried() && self.replayed().next().is_some()
    }

    // Output: async { pin; let order = order.take(last); body }     under #[retry]
    //         async move { pin; body }                              else
    pub(super) fn attempt(&self) -> TokenStream {
        let block = match &self.function.body {
            Body::Block(block) | Body::Boxed { block, .. } => block,
            Body::Missing(_) => return TokenStream::new(),
        };
        let span = block.span();
        let (function, never) = (local("function"), local("never"));
        let pin = quote! {
            if let ::core::option::Option::Some(#never) = #function.never() { return #never; }
        };
        let arguments = if self.is_retried() {
            self.attempt_arguments()
        } else {
            TokenStream::new()
        };
        let body = if self.is_retried() && self.function.receiver_is_mut() {
            reborrow_boxed_self(block.stream())
        } else {
            block.stream()
        };
        // The span of the user's own braces: without it the compiler loses the names of variables
        // in borrow errors and blames the attribute.
        let mut attempt = Group::new(Delimiter::Brace, quote!(#pin #arguments #body));
        attempt.set_span(span);
        if self.is_retried() {
            quote_spanned!(span=> async #attempt)
        } else {
            quote_spanned!(span=> async move #attempt)
        }
    }

    // Output: let order = order.take(last);
    //         let buffer = &mut *buffer;
    fn attempt_arguments(&self) -> TokenStream {
        let last = local("last");
        let replayed = self.replayed().map(|(binding, cfgs)| {
            let argument = &binding.ident;
            let mutable = binding.mutable.then(|| quote!(mut));
            quote!(#(#cfgs)* let #mutable #argument = #argument.take(#last);)
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
