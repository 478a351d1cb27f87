//! What a function must be whose body runs more than once, or for which another one answers.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Path, ReceiverKind, Type};

use super::Subject;
use crate::function::{Passing, ungrouped_type};
use crate::policy::{Kind, Policy};

impl Subject<'_> {
    pub(super) fn check_attempts(&self) {
        self.retried_function_returns_no_mutable_borrow();
        self.hedged_attempts_share_their_arguments();
        self.a_fallback_gets_arguments_by_name();
        self.a_fallback_is_another_function();
    }

    /// The borrow would have to outlive the attempt that made it, while the next attempt borrows
    /// again:
    ///
    /// ```text
    /// #[retry]
    /// async fn slot(&mut self) -> Result<&mut Slot, Error>
    /// ```
    fn retried_function_returns_no_mutable_borrow(&self) {
        let again = self.find(Kind::Retry).or_else(|| self.find(Kind::Hedge));
        let (Some(policy), Some(ty)) = (again, self.function.return_type()) else {
            return;
        };
        if contains_mutable_reference(ty.to_token_stream()) {
            let name = policy.kind().name();
            self.diagnostics.error(
                ty,
                format!(
                    "a #[{name}] function cannot return a `&mut` borrow: each attempt borrows anew\n\
                     return an owned value, or retry the part that fails"
                ),
            );
        }
    }

    /// Hedged attempts run at once: nothing can be lent to both of them for writing, or given to
    /// both.
    fn hedged_attempts_share_their_arguments(&self) {
        if self.hedge().is_none() {
            return;
        }
        if let Some(receiver) = self.function.sig.receiver() {
            let problem = match &receiver.kind {
                ReceiverKind::Reference(_, _, None) => None,
                ReceiverKind::Typed(_, ty) => match ungrouped_type(ty) {
                    Type::Reference(reference) if reference.mutability.is_none() => None,
                    Type::Reference(_) => Some("borrow `self` mutably"),
                    _ => Some("take `self` by value"),
                },
                ReceiverKind::Reference(..) => Some("borrow `self` mutably"),
                ReceiverKind::Value => Some("take `self` by value"),
                _ => None,
            };
            if let Some(problem) = problem {
                self.diagnostics.error(
                    receiver,
                    format!(
                        "a #[hedge] function cannot {problem}: two attempts run at once\n\
                         write `&self`"
                    ),
                );
            }
        }
        for parameter in self.parameters {
            // A connection of a transaction is reported by itself.
            if parameter.passing() == Passing::Reborrowed && !parameter.connection {
                self.diagnostics.error(
                    &parameter.ty,
                    "a #[hedge] function cannot borrow an argument mutably: two attempts run at \
                     once\ntake it by `&` or by value",
                );
            }
        }
    }

    /// The function that answers instead is called with the arguments, each under its name.
    fn a_fallback_gets_arguments_by_name(&self) {
        if self.fallback_function().is_none() {
            return;
        }
        for parameter in self.parameters {
            if parameter.name().is_none() {
                self.diagnostics.error(
                    &parameter.pat,
                    "#[fallback] passes arguments on by name, and this one has none\n\
                     name it, and take it apart in the body",
                );
            }
        }
    }

    /// A function that answers for itself would fail again, without an end. (The compiler finds the
    /// longer ways round.)
    fn a_fallback_is_another_function(&self) {
        let Some(path) = self.fallback_function() else {
            return;
        };
        let names: Vec<_> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        let name = self.function.sig.ident.to_string();
        let is_method = self.function.sig.receiver().is_some();
        let is_itself = match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["Self", last] => last == name,
            // In a method this is a free function of the same name.
            [last] | ["self", last] => last == name && !is_method,
            _ => false,
        };
        if is_itself && path.leading_colon.is_none() {
            self.diagnostics.error(
                path,
                format!(
                    "`{name}` cannot answer for itself\nwrite the path of another async function"
                ),
            );
        }
    }

    fn fallback_function(&self) -> Option<&Path> {
        self.policies.iter().find_map(|policy| match policy {
            Policy::Fallback(fallback) => fallback.function(),
            _ => None,
        })
    }
}

fn contains_mutable_reference(tokens: TokenStream) -> bool {
    let mut after_ampersand = false;
    for token in tokens {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => after_ampersand = true,
            // The lifetime of `&'a mut T`.
            TokenTree::Punct(punct) if punct.as_char() == '\'' => {}
            TokenTree::Ident(ident) if after_ampersand && ident == "mut" => return true,
            TokenTree::Group(group) if contains_mutable_reference(group.stream()) => return true,
            TokenTree::Ident(_) => {}
            _ => after_ampersand = false,
        }
    }
    false
}
