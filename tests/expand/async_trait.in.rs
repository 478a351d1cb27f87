#[retry]
#[timeout(1s)]
fn send<'life0, 'async_trait>(
    &'life0 mut self,
    message: Message,
) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = Result<u32, SendError>> + ::core::marker::Send + 'async_trait>>
where
    'life0: 'async_trait,
    Self: 'async_trait,
{
    Box::pin(async move {
        let __self = self;
        let message = message;
        let __ret: Result<u32, SendError> = { __self.transport.send(message).await };
        #[allow(unreachable_code)]
        __ret
    })
}
