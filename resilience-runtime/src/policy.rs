//! Local policies: no store, no runtime.

pub mod circuit_breaker;
pub mod replay;
pub mod retry;
pub mod timeout;
