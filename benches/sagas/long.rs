//! A saga of many steps: the time per step must not grow with them.

use std::time::Instant;

use crate::functions::long;
use crate::place::{Place, close};
use crate::{Failure, median};

const STEPS: [u64; 3] = [10, 100, 1_000];

pub(crate) async fn report(places: &[Place], quick: bool) -> Result<(), Failure> {
    println!("\n| one saga, µs per step | 10 steps | 100 steps | 1,000 steps | 1,000 / 10 |");
    println!("|---|---:|---:|---:|---:|");
    for place in places {
        let (runtime, store) = place.open(&place.new_url("long"), |it| it).await?;
        runtime.recovered().await;
        long(0, 1).await?;
        let mut figures = STEPS.map(|_| Vec::new());
        for _ in 0..if quick { 1 } else { 9 } {
            for (steps, figures) in STEPS.into_iter().zip(&mut figures) {
                // So that each row is measured for about as long.
                let sagas = if quick { 1 } else { (200 / steps).max(1) };
                let began = Instant::now();
                for _ in 0..sagas {
                    long(0, steps).await?;
                }
                #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
                let all = (sagas * steps) as f64;
                figures.push(began.elapsed().as_secs_f64() * 1e6 / all);
            }
        }
        let [few, some, many] = figures.map(median);
        println!(
            "| {} | {few:.0} | {some:.0} | {many:.0} | **{:.2}** |",
            place.name(),
            many / few
        );
        close(runtime, store).await?;
    }
    Ok(())
}
