//! How the runtime finds a saga and a compensation again, by name, after a crash.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Path};

use super::Annotated;
use crate::function::Parameter;
use crate::paths::local;
use crate::policy::{Compensation, Policy, Saga, SagaStep};

impl Annotated {
    /// The item behind the function; nothing for functions that are not journaled.
    pub(super) fn registration(&self) -> TokenStream {
        self.policies
            .iter()
            .map(|policy| match policy {
                Policy::Saga(saga) => self.register_saga(saga),
                Policy::SagaStep(step) => self.register_step(step),
                _ => TokenStream::new(),
            })
            .collect()
    }

    // Output: const _: () = {
    //             fn resume(call: JournaledCall) -> BoxFuture<'static, Result<(), Error>> { .. }
    //             submit! { SagaEntry { .. } }
    //         };
    fn register_saga(&self, saga: &Saga) -> TokenStream {
        let (call, outcome) = (local("call"), local("outcome"));
        let journaled_call = self.paths.private("JournaledCall");
        let future = self.paths.private("BoxFuture");
        let error = self.paths.public("Error");
        let entry = self.paths.private("SagaEntry");
        let submit = self.paths.private("submit");
        let function = &self.function.sig.ident;
        let (cfgs, saga) = (self.cfgs(), self.saga(saga));
        let (place, states) = (self.place(), self.states());
        let (declared, passed) = (self.restored(&quote!(?)), self.passed());
        let deprecated = self.allow_deprecated();
        quote! {
            #(#cfgs)*
            #deprecated
            const _: () = {
                fn resume(
                    #call: #journaled_call,
                ) -> #future<'static, ::core::result::Result<(), #error>> {
                    ::std::boxed::Box::pin(async move {
                        #declared
                        let #outcome = #function(#passed).await;
                        ::core::mem::drop(#outcome);
                        ::core::result::Result::Ok(())
                    })
                }
                #submit! { #entry { saga: #saga, place: #place, states: #states, resume } }
            };
        }
    }

    // Output: const _: () = {
    //             fn compensate(call: JournaledCall) -> BoxFuture<'static, Result<(), CompensationError>> { .. }
    //             submit! { StepEntry { .. } }
    //         };
    fn register_step(&self, step: &SagaStep) -> TokenStream {
        let entry = self.paths.private("StepEntry");
        let submit = self.paths.private("submit");
        let cfgs = self.cfgs();
        let (place, states) = (self.place(), self.states());
        let (declaration, compensate) = match &step.compensation {
            Compensation::None => (TokenStream::new(), quote!(::core::option::Option::None)),
            Compensation::By { function, in_doubt } => (
                self.compensation(function, *in_doubt),
                quote!(::core::option::Option::Some(compensate)),
            ),
        };
        let step = self.saga_step(step);
        quote! {
            #(#cfgs)*
            const _: () = {
                #declaration
                #submit! { #entry { step: #step, place: #place, states: #states, compensate: #compensate } }
            };
        }
    }

    fn compensation(&self, function: &Path, in_doubt: bool) -> TokenStream {
        let (call, output) = (local("call"), local("output"));
        let journaled_call = self.paths.private("JournaledCall");
        let future = self.paths.private("BoxFuture");
        let error = self.paths.private("CompensationError");
        let undone = self.paths.private("undone");
        let (declared, passed) = (self.restored(&quote!(?)), self.passed());
        let returns = self.function.return_type();
        let (read, passed_output) = if in_doubt {
            (quote!(output_if_known), quote!(#output.as_ref()))
        } else {
            (quote!(output), quote!(&#output))
        };
        let undo =
            quote_spanned!(function.span()=> #undone(#function(#passed #passed_output).await));
        quote! {
            fn compensate(
                #call: #journaled_call,
            ) -> #future<'static, ::core::result::Result<(), #error>> {
                ::std::boxed::Box::pin(async move {
                    #declared
                    let #output = #call.#read::<#returns>()?;
                    #undo
                })
            }
        }
    }

    // Output: let shop = call.state::<Shop>()?;
    //         let order = call.argument::<Order>("order")?;
    fn restored(&self, question: &TokenStream) -> TokenStream {
        let call = local("call");
        self.journaled_parameters()
            .map(|(name, parameter)| {
                let (variable, cfgs, ty) = (name, &parameter.cfgs, parameter.owned_type());
                let read = if parameter.state {
                    quote!(state::<#ty>())
                } else {
                    let key = name.to_string();
                    quote!(argument::<#ty>(#key))
                };
                quote!(#(#cfgs)* let #variable = #call.#read #question;)
            })
            .collect()
    }

    // Output: &shop, order,
    fn passed(&self) -> TokenStream {
        self.journaled_parameters()
            .map(|(name, parameter)| {
                let cfgs = &parameter.cfgs;
                if parameter.is_reference() {
                    quote!(#(#cfgs)* &#name,)
                } else {
                    quote!(#(#cfgs)* #name,)
                }
            })
            .collect()
    }

    fn journaled_parameters(&self) -> impl Iterator<Item = (&Ident, &Parameter)> {
        self.parameters
            .iter()
            .filter_map(|parameter| Some((parameter.name()?, parameter)))
    }

    // Output: Place { file: file!(), line: line!() }
    fn place(&self) -> TokenStream {
        let place = self.paths.private("Place");
        let span = self.function.sig.ident.span();
        let line = quote_spanned!(span=> ::core::line!());
        quote!(#place { file: ::core::file!(), line: #line })
    }

    // Output: &[StateType::of::<Shop>()]
    fn states(&self) -> TokenStream {
        let state_type = self.paths.private("StateType");
        let types = self
            .parameters
            .iter()
            .filter(|parameter| parameter.state)
            .map(|parameter| {
                let (cfgs, ty) = (&parameter.cfgs, parameter.owned_type());
                quote!(#(#cfgs)* #state_type::of::<#ty>())
            });
        quote!(&[#(#types),*])
    }

    // Output: #[allow(deprecated)]
    /// The runtime may call what the author's own callers should not.
    fn allow_deprecated(&self) -> Option<TokenStream> {
        let attrs = &self.function.attrs;
        let is_deprecated = attrs.iter().any(|attr| attr.path().is_ident("deprecated"));
        is_deprecated.then(|| quote!(#[allow(deprecated)]))
    }

    fn cfgs(&self) -> Vec<&Attribute> {
        self.function
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("cfg"))
            .collect()
    }
}
