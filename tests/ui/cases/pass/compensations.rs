//! Compensations of every shape that can be called with what the step took, and its output.
#![deny(warnings)]

use std::fmt::{Debug, Display};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use resilience::{saga_step, saga_steps};

type Undoing<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;
type Done = Result<String, std::io::Error>;

struct Pool;

// Less than the owner of the value.
#[saga_step(compensate = release_str)]
async fn reserve_str(#[state] pool: &Pool, id: &str, items: &[u64]) -> Result<String, std::io::Error> {
    let (_pool, _items) = (pool, items);
    Ok(id.to_owned())
}

async fn release_str(_: &Pool, _id: &str, _items: &[u64], _output: &str) -> Result<(), String> {
    Ok(())
}

// Just the owner.
#[saga_step(compensate = release_owned)]
async fn reserve_owned(#[state] pool: &Pool, id: &str, items: &[u64]) -> Done {
    let (_pool, _items) = (pool, items);
    Ok(id.to_owned())
}

#[expect(clippy::ptr_arg, reason = "this is the case")]
async fn release_owned(_: &Arc<Pool>, _id: &String, _items: &Vec<u64>, _output: &String) -> Result<(), String> {
    Ok(())
}

// Anything.
#[saga_step(compensate = release_any)]
async fn reserve_any(id: u64, name: &str) -> Result<Vec<u8>, std::io::Error> {
    let _name = name;
    Ok(vec![u8::try_from(id).unwrap_or_default()])
}

async fn release_any<T: Debug>(_id: impl Display, _name: &(impl Display + Send + Sync), _output: &T) -> Result<(), String> {
    Ok(())
}

// A function behind a pointer, and one that boxes.
const RELEASE: fn(u64, Option<&[u8; 2]>) -> Undoing<'_> = |_, _| Box::pin(async { Ok(()) });

#[saga_step(compensate = RELEASE, in_doubt = compensate)]
async fn reserve_array(id: u64) -> Result<[u8; 2], std::io::Error> {
    Ok([u8::try_from(id).unwrap_or_default(); 2])
}

#[saga_step(compensate = release_slice)]
async fn reserve_slice(id: u64) -> Result<[u8; 2], std::io::Error> {
    Ok([u8::try_from(id).unwrap_or_default(); 2])
}

fn release_slice<'a>(_id: u64, _output: &'a [u8]) -> Undoing<'a> {
    Box::pin(async { Ok(()) })
}

// More than the runtime asks about.
#[saga_step(compensate = release_many)]
#[expect(clippy::too_many_arguments, reason = "this is the case")]
async fn reserve_many(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8) -> Result<(), std::io::Error> {
    let _all = [a, b, c, d, e, f, g, h, i, j, k];
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "this is the case")]
async fn release_many(
    _a: u8, _b: u8, _c: u8, _d: u8, _e: u8, _f: u8, _g: u8, _h: u8, _i: u8, _j: u8, _k: u8, _output: &(),
) -> Result<(), String> {
    Ok(())
}

// In a block.
#[derive(Clone)]
struct Shop;

#[saga_steps]
impl Shop {
    #[saga_step(compensate = release)]
    async fn reserve(&self, id: u64, #[cfg(any())] never: u64) -> Done {
        Ok(id.to_string())
    }

    async fn release(&self, _id: u64, _output: &str) -> Result<(), String> {
        Ok(())
    }

    #[saga_step(compensate = desk::release, name = "again")]
    async fn reserve_again(&self, id: u64) -> Done {
        Ok(id.to_string())
    }
}

mod desk {
    pub async fn release(_shop: &super::Shop, _id: u64, _output: &str) -> Result<(), String> {
        Ok(())
    }
}

fn main() {}
