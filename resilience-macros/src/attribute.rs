//! One attribute, from tokens to tokens: parse, model, check, expand.

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::allowed::Allowed;
use crate::check::Subject;
use crate::diagnostics::Diagnostics;
use crate::expand::Annotated;
use crate::fallback;
use crate::function::{Function, Parameter};
use crate::paths::Paths;
use crate::policy::{Kind, Owner, Policy};
use crate::stack::{self, Collected, Layer};

/// What the attribute `kind` makes of `item`.
pub(crate) fn expand(kind: Kind, arguments: TokenStream, item: TokenStream) -> TokenStream {
    if stack::is_disarmed(&arguments) {
        return item;
    }
    expand_from(vec![Layer::current(kind, arguments)], &item)
}

/// What `#[__outer(..)]` makes of `item`: the layers in it are the whole outer part of the stack.
pub(crate) fn expand_outer(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    if stack::is_disarmed(&arguments) {
        return item.clone();
    }
    expand_from(stack::parse_outer(arguments), item)
}

fn expand_from(first: Vec<Layer>, item: &TokenStream) -> TokenStream {
    let diagnostics = Diagnostics::new();
    let name = first
        .first()
        .map_or("resilience", |layer| layer.kind.name());
    let mut function: Function = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            diagnostics.error_at(
                error.span(),
                format!("#[{name}] is for an `async fn` with a body ({error})"),
            );
            return fallback::with_item(diagnostics, item);
        }
    };

    let mut paths = Paths::default();
    rename_crate(&mut paths, &first);
    let (layers, separators) =
        match stack::collect(first, &mut function.attrs, &paths, &diagnostics) {
            Collected::Complete(layers, separators) => (layers, separators),
            Collected::Deferred => {
                let _errors = diagnostics.into_tokens();
                return function.into_token_stream();
            }
        };
    rename_crate(&mut paths, &layers);

    let mut allowed = Allowed::default();
    let policies: Vec<_> = layers
        .iter()
        .filter_map(|layer| {
            let options = layer.options(&mut allowed, &diagnostics);
            Policy::parse(layer.kind, options, &diagnostics)
        })
        .collect();
    let mut parameters = function.take_parameters(&diagnostics);
    mark_connections(&policies, &mut parameters);
    // With an unreadable policy left out, rules between policies would complain about nothing.
    let questions = if policies.len() == layers.len() {
        Subject::new(
            &function,
            &parameters,
            &policies,
            &separators,
            &allowed,
            &diagnostics,
        )
        .check()
    } else {
        Vec::new()
    };
    let mut owners = policies.iter().filter_map(Policy::owner);
    if !diagnostics.is_clean() || owners.any(Owner::is_refused) {
        return fallback::with_function(diagnostics, &function);
    }
    let errors = diagnostics.into_tokens();
    debug_assert!(errors.is_empty(), "a clean collection has no errors");
    Annotated {
        function,
        parameters,
        policies,
        questions,
        paths,
    }
    .expand()
}

/// Takes over what `crate = ..` says in one of the layers.
fn rename_crate(paths: &mut Paths, layers: &[Layer]) {
    if let Some(krate) = layers.iter().find_map(Layer::renamed_crate) {
        paths.krate = krate;
    }
}

/// The connection of a transaction is a way to write, and no part of what is written.
fn mark_connections(policies: &[Policy], parameters: &mut [Parameter]) {
    for parameter in parameters {
        let mut connections = policies.iter().filter_map(Policy::transaction);
        parameter.connection = connections.any(|name| parameter.name() == Some(name));
        parameter.state |= parameter.connection;
    }
}
