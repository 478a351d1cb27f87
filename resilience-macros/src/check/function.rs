//! What a function must be that policies can stand on.

use quote::ToTokens;
use syn::Type;
use syn::spanned::Spanned;

use super::Subject;
use crate::diagnostics::readable;
use crate::function::{Body, ungrouped_type};

impl Subject<'_> {
    pub(super) fn check_function(&self) {
        self.function_is_async();
        self.function_has_a_body();
        self.function_is_not_const_or_extern();
        self.function_returns_a_result();
    }

    /// A policy acts at the awaits of a body; a function that is not async has none.
    /// `#[tokio::main]` and `#[tokio::test]` above turn an async function into one that is not.
    fn function_is_async(&self) {
        let sig = &self.function.sig;
        // These are reported by themselves.
        let is_other = matches!(self.function.body, Body::Missing(_))
            || sig.constness.is_some()
            || sig.abi.is_some();
        if !self.function.is_async() && !is_other {
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
            sig.constness.map(|token| ("const", token.span)),
            sig.abi.as_ref().map(|abi| ("extern", abi.span())),
        ];
        for (word, span) in qualifiers.into_iter().flatten() {
            self.diagnostics.error_at(
                span,
                format!(
                    "{} needs an `async fn`, and this is `{word} fn`\nwrite `async fn {}`",
                    self.attribute(),
                    sig.ident,
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
            // A function that answers with a future is to be written as an `async fn`.
            Some(Type::ImplTrait(_)) if !self.function.is_async() => {}
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
}

fn is_certainly_no_result(ty: &Type) -> bool {
    const OTHERS: [&str; 19] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
        "u32", "u64", "u128", "usize", "String", "Vec", "Option",
    ];
    match ungrouped_type(ty) {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|segment| OTHERS.iter().any(|name| segment.ident == name)),
        Type::Array(_)
        | Type::FnPtr(_)
        | Type::ImplTrait(_)
        | Type::Never(_)
        | Type::Ptr(_)
        | Type::Reference(_)
        | Type::Slice(_)
        | Type::Tuple(_) => true,
        _ => false,
    }
}
