//! The rules that hold between policies, and between a policy and its function. One documented
//! function per rule; a rule about one option alone stands where the option is parsed.

mod allowed;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{GenericParam, Type};

use crate::diagnostics::Diagnostics;
use crate::function::{Body, Function, Parameter};
use crate::policy::{Kind, Policy};

pub(crate) use allowed::Allowed;

/// Everything that the rules look at.
pub(crate) struct Subject<'a> {
    pub(crate) function: &'a Function,
    pub(crate) parameters: &'a [Parameter],
    /// Outermost first.
    pub(crate) policies: &'a [Policy],
    /// The judgements that the author knows better.
    pub(crate) allowed: &'a Allowed,
    pub(crate) diagnostics: &'a Diagnostics,
}

impl Subject<'_> {
    /// Reports every broken rule.
    pub(crate) fn check(&self) {
        self.function_is_async();
        self.function_has_a_body();
        self.function_is_not_const_or_extern();
        self.function_returns_a_result();
        self.no_policy_stands_twice();
        self.retried_function_returns_no_mutable_borrow();
        self.idempotent_function_has_something_to_key();
        self.the_key_of_a_method_is_written_down();
        self.state_is_for_records();
        self.saga_and_step_are_two_functions();
        self.only_idempotent_stands_above_a_saga();
        self.a_saga_is_not_run_again();
        self.a_step_stands_above_its_policies();
        self.journaled_function_can_be_called_again();
    }

    fn find(&self, kind: Kind) -> Option<&Policy> {
        self.policies.iter().find(|policy| policy.kind() == kind)
    }

    fn position(&self, kind: Kind) -> Option<usize> {
        self.policies
            .iter()
            .position(|policy| policy.kind() == kind)
    }

    /// The attribute that messages about the function name: the outermost.
    fn attribute(&self) -> String {
        self.policies.first().map_or_else(
            || "this attribute".to_owned(),
            |p| format!("#[{}]", p.kind().name()),
        )
    }

    /// A policy acts at the awaits of a body; a function that is not async has none.
    /// `#[tokio::main]` and `#[tokio::test]` above turn an async function into one that is not.
    fn function_is_async(&self) {
        if !self.function.is_async() && !matches!(self.function.body, Body::Missing(_)) {
            self.diagnostics.error(
                self.function.sig.fn_token,
                format!(
                    "{} needs an `async fn`\nwrite `async fn {}`; \
                     `#[tokio::test]` and `#[tokio::main]` belong below it",
                    self.attribute(),
                    self.function.sig.ident,
                ),
            );
        }
    }

    /// A trait method without a body has nothing to protect: the attribute belongs on the `impl`.
    fn function_has_a_body(&self) {
        if let Body::Missing(semicolon) = &self.function.body {
            self.diagnostics.error(
                semicolon,
                format!(
                    "{} needs a body to protect\nmove it to the method in the `impl`",
                    self.attribute()
                ),
            );
        }
    }

    /// `const fn` and `extern fn` cannot await.
    fn function_is_not_const_or_extern(&self) {
        let sig = &self.function.sig;
        let qualifiers = [
            sig.constness.map(|token| token.span),
            sig.abi.as_ref().map(Spanned::span),
        ];
        for span in qualifiers.into_iter().flatten() {
            self.diagnostics.error_at(
                span,
                format!(
                    "{} cannot stand above such a function\nwrite `async fn`",
                    self.attribute()
                ),
            );
        }
    }

    /// A policy must see whether a call failed. Types that are certainly no `Result` are reported
    /// here, under the type; the compiler finds the others.
    fn function_returns_a_result(&self) {
        let remedy = "a policy has to see whether a call failed: return `Result<_, _>`";
        match self.function.return_type() {
            None if self.function.is_async() => self.diagnostics.error(
                &self.function.sig.ident,
                format!(
                    "`{}` returns no `Result`\n{remedy}",
                    self.function.sig.ident
                ),
            ),
            Some(ty) if is_certainly_no_result(ty) => self.diagnostics.error(
                ty,
                format!(
                    "`{}` is not a `Result`\n{remedy}",
                    readable(&ty.to_token_stream())
                ),
            ),
            _ => {}
        }
    }

    /// Two of a kind would have to be nested, and nobody can say which one a message means.
    fn no_policy_stands_twice(&self) {
        for (index, policy) in self.policies.iter().enumerate() {
            let kind = policy.kind();
            if self
                .policies
                .iter()
                .take(index)
                .any(|earlier| earlier.kind() == kind)
            {
                let name = kind.name();
                self.diagnostics.error_at(
                    policy.span(),
                    format!("#[{name}] stands twice on this function\nkeep one"),
                );
            }
        }
    }

    /// The borrow would have to outlive the attempt that made it, while the next attempt borrows
    /// again:
    ///
    /// ```text
    /// #[retry]
    /// async fn slot(&mut self) -> Result<&mut Slot, Error>
    /// ```
    fn retried_function_returns_no_mutable_borrow(&self) {
        let (Some(_), Some(ty)) = (self.find(Kind::Retry), self.function.return_type()) else {
            return;
        };
        if contains_mutable_reference(ty.to_token_stream()) {
            self.diagnostics.error(
                ty,
                "a #[retry] function cannot return a `&mut` borrow: each attempt borrows anew\n\
                 return an owned value, or retry the part that fails",
            );
        }
    }

    /// Without a key expression the key is made of the arguments; there must be some.
    fn idempotent_function_has_something_to_key(&self) {
        if let Some(Policy::Idempotent(idempotent)) = self.find(Kind::Idempotent)
            && idempotent.key.is_none()
            && self.function.sig.receiver().is_none()
            && self.parameters.iter().all(|parameter| parameter.state)
        {
            self.diagnostics.error_at(
                idempotent.span,
                "#[idempotent] has nothing to make a key of\n\
                 write `#[idempotent(key = ..)]`, or pass what identifies the operation",
            );
        }
    }

    /// `self` is no argument that can be hashed. Left out of a key that is made of all arguments, it
    /// would let one object answer with the result of another.
    fn the_key_of_a_method_is_written_down(&self) {
        if let Some(Policy::Idempotent(idempotent)) = self.find(Kind::Idempotent)
            && idempotent.key.is_none()
            && let Some(receiver) = self.function.sig.receiver()
        {
            self.diagnostics.error(
                receiver,
                "`self` is not part of the key that #[idempotent] makes of the arguments\n\
                 write `#[idempotent(key = ..)]` with what identifies the operation",
            );
        }
    }

    /// `#[state]` says that an argument is not written down. Where nothing is written down it means
    /// nothing, and the author expected something.
    fn state_is_for_records(&self) {
        if self
            .policies
            .iter()
            .any(|policy| policy.kind().keeps_records())
        {
            return;
        }
        for parameter in self.parameters.iter().filter(|parameter| parameter.state) {
            self.diagnostics.error(
                &parameter.pat,
                "`#[state]` means nothing here: no attribute on this function keeps its arguments\n\
                 remove it",
            );
        }
    }

    /// A saga is made of steps; one function cannot be both.
    fn saga_and_step_are_two_functions(&self) {
        if let (Some(_), Some(step)) = (self.find(Kind::Saga), self.find(Kind::SagaStep)) {
            self.diagnostics.error_at(
                step.span(),
                "a function is a saga or a step of one, not both\n\
                 move the step into a function of its own",
            );
        }
    }

    /// A timeout above a saga would drop it, and it would go on in the background; a retry above it
    /// would start another one. `#[idempotent]` above is what makes a saga start once.
    fn only_idempotent_stands_above_a_saga(&self) {
        let Some(saga) = self.position(Kind::Saga) else {
            return;
        };
        for policy in self.policies.iter().take(saga) {
            if policy.kind() != Kind::Idempotent {
                let name = policy.kind().name();
                self.diagnostics.error_at(
                    policy.span(),
                    format!(
                        "#[{name}] cannot stand above #[saga]: the saga goes on without its caller\n\
                         put #[{name}] on the steps"
                    ),
                );
            }
        }
    }

    /// A second run of the body would take every step a second time; and a stored result inside a
    /// saga would skip them.
    fn a_saga_is_not_run_again(&self) {
        let Some(saga) = self.position(Kind::Saga) else {
            return;
        };
        for policy in self.policies.iter().skip(saga + 1) {
            let name = policy.kind().name();
            match policy.kind() {
                Kind::Retry => self.diagnostics.error_at(
                    policy.span(),
                    "#[retry] below #[saga] would take every step again\nput #[retry] on the steps",
                ),
                Kind::Idempotent => self.diagnostics.error_at(
                    policy.span(),
                    format!("#[{name}] stands above #[saga]\nmove #[{name}] up"),
                ),
                _ => {}
            }
        }
    }

    /// A finished step answers from the journal before any policy is asked.
    fn a_step_stands_above_its_policies(&self) {
        let Some(step) = self.position(Kind::SagaStep) else {
            return;
        };
        if let Some(first) = self.policies.first().filter(|_| step > 0) {
            let name = first.kind().name();
            self.diagnostics.error_at(
                self.policies
                    .get(step)
                    .map_or_else(|| first.span(), Policy::span),
                format!(
                    "#[saga_step] stands below #[{name}]\n\
                     move #[saga_step] to the top: a finished step answers from the journal before \
                     any policy is asked"
                ),
            );
        }
    }

    /// After a crash the runtime calls sagas and compensations by name, with arguments from the
    /// journal: it must be able to name the function and to own every argument.
    fn journaled_function_can_be_called_again(&self) {
        let journaled = self.find(Kind::Saga).or_else(|| self.find(Kind::SagaStep));
        let Some(name) = journaled.map(|policy| policy.kind().name()) else {
            return;
        };
        let sig = &self.function.sig;
        if let Some(receiver) = sig.receiver() {
            self.diagnostics.error(
                receiver,
                format!(
                    "#[{name}] is for free functions: after a crash there is no `self` to call it on\n\
                     pass what `self` holds as a `#[state]` parameter"
                ),
            );
        }
        for parameter in &sig.generics.params {
            if !matches!(parameter, GenericParam::Lifetime(_)) {
                self.diagnostics.error(
                    parameter,
                    format!(
                        "#[{name}] cannot be generic: after a crash nobody knows the type\n\
                         write the type"
                    ),
                );
            }
        }
        for parameter in self.parameters {
            self.parameter_can_be_journaled(name, parameter);
        }
    }

    fn parameter_can_be_journaled(&self, name: &str, parameter: &Parameter) {
        let complaint = match &parameter.ty {
            Type::ImplTrait(_) => "after a crash nobody knows its type\nwrite the type",
            Type::Reference(reference) if reference.mutability.is_some() => {
                "a `&mut` borrow cannot be written into the journal\ntake it by value or by `&`"
            }
            _ if parameter.name().is_none() => {
                "the journal keeps arguments by name\nname it, and take it apart in the body"
            }
            _ if parameter.state && !parameter.is_reference() => {
                "the runtime lends `#[state]`, it does not give it away\ntake it by `&`"
            }
            _ => return,
        };
        self.diagnostics.error(
            &parameter.ty,
            format!("this parameter cannot stand under #[{name}]: {complaint}"),
        );
    }
}

fn is_certainly_no_result(ty: &Type) -> bool {
    const OTHERS: [&str; 19] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
        "u32", "u64", "u128", "usize", "String", "Vec", "Option",
    ];
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|segment| OTHERS.iter().any(|name| segment.ident == name)),
        Type::Tuple(_) | Type::Reference(_) | Type::Array(_) | Type::Slice(_) | Type::Never(_) => {
            true
        }
        _ => false,
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

/// Tokens as a person would write them.
fn readable(tokens: &TokenStream) -> String {
    tokens
        .to_string()
        .replace(" < ", "<")
        .replace(" >", ">")
        .replace(" ,", ",")
        .replace("& ", "&")
}
