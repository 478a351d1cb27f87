//! The function that undoes a step from the journal, and what it has to look like.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, Path, PathArguments, Type};

use super::declare::at;
use super::{Annotated, owned};
use crate::diagnostics::readable;
use crate::function::ungrouped_type;
use crate::paths::local;

/// Of so many arguments at most the runtime can say that they do not fit; the compiler does it of more.
const ARGUMENTS: usize = 12;

impl Annotated {
    // Output: compensation! { "`release` cannot compensate `reserve`", "write `async fn release(..) -> ..`" }
    //         fn __compensate(call: JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>> {
    //             Box::pin(async move {
    //                 let order = call.argument("order", argument::<u64>().found())?;
    //                 let output = call.output(output::<Result<Reservation, E>>().found())?;
    //                 let undo = __compensation((&order, &&output,), release);
    //                 undone(undo(order, &output).await)
    //             })
    //         }
    pub(super) fn compensation(&self, function: &Path, in_doubt: bool) -> TokenStream {
        let (call, output) = (local("call"), local("output"));
        let journaled_call = self.paths.private("JournaledCall");
        let future = self.paths.private("BoxFuture");
        let error = self.paths.private("CompensationError");
        let (undone, read_output) = (self.paths.private("undone"), self.paths.private("output"));
        let called = function.get_ident();
        let (declared, passed) = (
            self.restored(called),
            self.passed(called, &TokenStream::new()),
        );
        let returns = self.function.return_type().map(|ty| self.outside(ty));
        let (read, passed_output) = if in_doubt {
            (quote!(output_if_known), quote!(#output.as_ref()))
        } else {
            (quote!(output), quote!(&#output))
        };
        // What the compensation cannot take is an error at its path.
        let place = function.to_token_stream();
        let passed_output = at(&place, passed_output);
        let undo = Ident::new("undo", Span::mixed_site().located_at(function.span()));
        let (question, asked) = self.fitting(function, in_doubt, &passed_output);
        let undo = quote_spanned! {function.span()=>
            ::std::boxed::Box::pin(async move {
                #declared
                let #output = #call.#read(#read_output::<#returns>().found())?;
                let #undo = #asked;
                #undone(#undo(#passed #passed_output).await)
            })
        };
        quote! {
            #question
            fn __compensate(
                #call: #journaled_call,
            ) -> #future<'static, ::core::result::Result<(), #error>> {
                #undo
            }
        }
    }

    // Output: compensation! { .. }
    //         __compensation((&order, &&output,), release)
    /// Whether the compensation fits: the item that asks, and the compensation, which has a type only if it does.
    fn fitting(
        &self,
        function: &Path,
        in_doubt: bool,
        output: &TokenStream,
    ) -> (TokenStream, TokenStream) {
        let compensation = self.compensating(function);
        // A receiver, and the output.
        if self.journaled_parameters().count() + 2 > ARGUMENTS {
            return (TokenStream::new(), compensation);
        }
        let ask = self.paths.private("compensation");
        let name = readable(&function.to_token_stream());
        let step = &self.function.sig.ident;
        let message = literal(&format!("`{name}` cannot compensate `{step}`"));
        let remedy = literal(&format!(
            "write `{}`, with an `E` that is `Display`",
            self.signature_of(function, in_doubt)
        ));
        let place = function.to_token_stream();
        let lent = self.passed(function.get_ident(), &quote!(&));
        let output = at(&place, quote!(&#output,));
        (
            at(&place, quote!(#ask! { #message, #remedy })),
            // Of one making with the compensation: the compiler points at what called it, else.
            at(
                &place,
                quote!(__compensation((#lent #output), #compensation)),
            ),
        )
    }

    // Output: async fn release(order: u64, output: &Reservation) -> Result<(), E>
    /// What the compensation of this step looks like.
    fn signature_of(&self, function: &Path, in_doubt: bool) -> String {
        let name = function.segments.last().map(|segment| &segment.ident);
        let is_method = function.get_ident().is_some()
            || matches!(function.segments.first(), Some(first) if first.ident == "Self");
        let receiver = self.receiver_type().map(|ty| match is_method {
            true => "&self".to_owned(),
            false => format!("this: &{}", readable(&ty)),
        });
        let parameters = self.journaled_parameters().map(|(name, parameter)| {
            let ty = readable(&parameter.ty.to_token_stream());
            format!("{name}: {ty}")
        });
        let output = self.function.return_type().and_then(success);
        let output = output.map_or_else(
            || "Output".to_owned(),
            |output| readable(&output.to_token_stream()),
        );
        let output = match in_doubt {
            true => format!("output: Option<&{output}>"),
            false => format!("output: &{output}"),
        };
        let parameters: Vec<_> = receiver
            .into_iter()
            .chain(parameters)
            .chain([output])
            .collect();
        let (name, parameters) = (name.to_token_stream(), parameters.join(", "));
        format!("async fn {name}({parameters}) -> Result<(), E>")
    }

    // Output: stock::release    <Shop>::release
    /// The compensation, as items can name it: a plain name is that of another method, in a method.
    fn compensating(&self, function: &Path) -> TokenStream {
        let Some(owner) = self.owner() else {
            return generated(function);
        };
        let ty = &owner.ty;
        match function.get_ident() {
            Some(method) => quote_spanned!(method.span()=> <#ty>::#method),
            None => owned::path(function, owner),
        }
    }
}

// Input:  Result<Reservation, E>
// Output: Reservation
/// The type of the output, where it is written down: an alias does not name it.
fn success(returns: &Type) -> Option<&Type> {
    let Type::Path(path) = ungrouped_type(returns) else {
        return None;
    };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// A text in `#[diagnostic::on_unimplemented]`, where braces stand for types.
fn literal(text: &str) -> Literal {
    Literal::string(&text.replace('{', "{{").replace('}', "}}"))
}

/// The path, standing where it was written, but as a part of what is generated: the compiler would
/// suggest to write arguments behind it, in the attribute.
fn generated(path: &Path) -> TokenStream {
    let tokens = path.to_token_stream().into_iter();
    tokens
        .map(|mut token| {
            // The crate that `$crate` stands for is known by its span.
            if token.to_string() != "$crate" {
                token.set_span(Span::call_site().located_at(token.span()));
            }
            token
        })
        .collect()
}
