//! Names that meet in what the runtime calls: of functions, parameters and compensations.
#![deny(warnings)]

use resilience::{saga, saga_step};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Trip {
    id: u64,
}

type Done = Result<u64, std::io::Error>;

#[saga(key = trip.id)]
async fn trip(trip: Trip) -> Done {
    release(trip.id, 1).await
}

#[saga_step(compensate = undo)]
async fn release(release: u64, undo: u64) -> Done {
    Ok(release + undo)
}

async fn undo(_release: u64, _undo: u64, _output: &u64) -> Result<(), String> {
    Ok(())
}

#[saga]
async fn resume(resume: u64, r#type: &str) -> Done {
    compensate(resume, r#type.len() as u64).await
}

#[saga_step(compensate = compensate_it)]
async fn compensate(call: u64, output: u64) -> Done {
    Ok(call + output)
}

async fn compensate_it(_call: u64, _output: u64, _: &u64) -> Result<(), String> {
    Ok(())
}

mod inner {
    #[resilience::saga_step(compensate = compensate)]
    pub async fn r#move(r#move: u64) -> super::Done {
        Ok(r#move)
    }

    async fn compensate(_move: u64, _: &u64) -> Result<(), String> {
        Ok(())
    }

    #[resilience::saga]
    pub async fn r#loop(r#loop: u64) -> super::Done {
        Ok(r#loop)
    }
}

fn main() {
    drop((trip(Trip { id: 1 }), resume(1, "a"), inner::r#move(1), inner::r#loop(1)));
}
