//! `detach`: what leaves for a task of its own borrows nothing from its caller.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Receiver, ReceiverKind, Type};

use super::Subject;
use crate::function::ungrouped_type;
use crate::policy::{Kind, Policy};

impl Subject<'_> {
    pub(super) fn check_detached(&self) {
        let Some(Policy::Idempotent(policy)) = self.find(Kind::Idempotent) else {
            return;
        };
        let Some(detach) = policy.detach() else {
            return;
        };
        self.a_detached_body_owns_itself();
        self.a_detached_body_owns_its_arguments();
        // A saga whose caller goes away is gone on with by the runtime.
        if self.find(Kind::Saga).is_some() {
            self.diagnostics.error(
                detach,
                "a saga goes on without its caller anyway\nremove `detach`",
            );
        }
    }

    /// The task may outlive the caller, and what the caller lent.
    fn a_detached_body_owns_itself(&self) {
        if let Some(receiver) = self.function.sig.receiver()
            && is_borrowed(receiver)
        {
            self.diagnostics.error(
                receiver,
                "`detach` runs the body in a task of its own, which cannot borrow `self`\n\
                 write `self: Arc<Self>`, or take what the body needs by value",
            );
        }
    }

    fn a_detached_body_owns_its_arguments(&self) {
        for parameter in self.parameters {
            let (borrowed, remedy) = match ungrouped_type(&parameter.ty) {
                Type::Reference(reference) if !is_static(&reference.lifetime) => (
                    parameter.ty.to_token_stream(),
                    "take it by value, or an `Arc` of it",
                ),
                Type::Reference(_) => continue,
                ty => match borrow_in(ty.to_token_stream()) {
                    Some(borrow) => (borrow, "take a type that owns what it holds"),
                    None => continue,
                },
            };
            self.diagnostics.error(
                borrowed,
                format!(
                    "`detach` runs the body in a task of its own, which cannot borrow an argument\n\
                     {remedy}"
                ),
            );
        }
    }
}

/// `&self`, `&mut self`, `self: &Self`, `self: Pin<&mut Self>`.
fn is_borrowed(receiver: &Receiver) -> bool {
    match &receiver.kind {
        ReceiverKind::Reference(_, lifetime, _) => !is_static(lifetime),
        ReceiverKind::Typed(_, ty) => borrow_in(ty.to_token_stream()).is_some(),
        _ => false,
    }
}

fn is_static(lifetime: &Option<syn::Lifetime>) -> bool {
    lifetime
        .as_ref()
        .is_some_and(|lifetime| lifetime.ident == "static")
}

/// The first borrow in a type: its lifetime, or its `&`. What a function takes and returns is none:
/// `fn(&str)`, `dyn Fn(&str) -> &str`.
fn borrow_in(ty: TokenStream) -> Option<TokenStream> {
    let mut tokens = ty.into_iter().peekable();
    let (mut callable, mut returned) = (false, false);
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {
                let name = tokens.next();
                let is_static = matches!(&name, Some(TokenTree::Ident(name)) if name == "static");
                if !is_static && !returned {
                    return Some([Some(token), name].into_iter().flatten().collect());
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                let has_lifetime = matches!(tokens.peek(),
                    Some(TokenTree::Punct(next)) if next.as_char() == '\'');
                if !has_lifetime && !returned {
                    return Some(token.into_token_stream());
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == '>' && callable => {
                // The arrow behind the arguments of a function.
                returned = true;
            }
            TokenTree::Punct(punct) if matches!(punct.as_char(), ',' | '+' | '>') => {
                (callable, returned) = (false, false);
            }
            TokenTree::Ident(name) => {
                let name = name.to_string();
                callable = callable || name == "fn" || name == "for" || name.starts_with("Fn");
            }
            TokenTree::Group(group) if !callable => {
                if let Some(borrow) = borrow_in(group.stream()) {
                    return Some(borrow);
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrow_is_found_where_there_is_one() {
        let borrow = |ty: &str| {
            let tokens = ty.parse().expect("tokens");
            borrow_in(tokens).map(|found| found.to_string())
        };
        assert_eq!(borrow("Cow<'_, str>").as_deref(), Some("'_"));
        assert_eq!(borrow("Pin<&mut Self>").as_deref(), Some("&"));
        assert_eq!(borrow("Vec<&'a str>").as_deref(), Some("'a"));
        assert_eq!(borrow("(u32, [&str; 2])").as_deref(), Some("&"));
        assert_eq!(
            borrow("HashMap<fn(&str) -> u32, &u8>").as_deref(),
            Some("&")
        );
        assert_eq!(borrow("Cow<'static, str>"), None);
        assert_eq!(borrow("Vec<&'static str>"), None);
        assert_eq!(borrow("fn(&str) -> &str"), None);
        assert_eq!(borrow("Box<dyn Fn(&str) -> u32 + Send>"), None);
        assert_eq!(borrow("Arc<Self>"), None);
    }
}
