//! 100,000 sagas that are over, in the store: nothing may be slower for them.

use std::time::{Duration, Instant};

use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::journal::{SagaFilter, Status};

use crate::place::{Place, close, sagas_per_second};
use crate::{Failure, median};

/// Sagas of three steps that were completed just now, so that none is deleted.
const FINISHED: [&str; 2] = [
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000)
     INSERT INTO resilience_sagas (id, name, input, status, owner, epoch, output, created_at, updated_at)
     SELECT printf('0000%06d', n), 'checkout', '{\"order\":7}', 'completed', 'gone', 1, '7',
            unixepoch('subsec') - 100 + n / 1000.0, unixepoch('subsec') - 100 + n / 1000.0 FROM numbers;
     INSERT INTO resilience_saga_steps
         (saga_id, position, step, occurrence, arguments, outcome, output, undone, finished_at)
     SELECT id, position, 'reserve', position, '{\"order\":7}', 'done', '7', 0, updated_at
     FROM resilience_sagas, (SELECT 0 AS position UNION ALL SELECT 1 UNION ALL SELECT 2);",
    "INSERT INTO resilience_sagas (id, name, input, status, epoch, output, created_at, updated_at)
     SELECT '0000' || n, 'checkout', '{\"order\":7}', 'completed', 1, '7',
            now() - interval '100 s' + n * interval '1 ms', now() - interval '100 s' + n * interval '1 ms'
     FROM generate_series(100001, 200000) AS n;
     INSERT INTO resilience_saga_steps
         (saga_id, position, step, occurrence, arguments, outcome, output, undone, finished_at)
     SELECT id, position, 'reserve', position, '{\"order\":7}', 'done', '7', false, updated_at
     FROM resilience_sagas, generate_series(0, 2) AS position;",
];

/// Sagas whose process left them.
const LEFT: [&str; 2] = [
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 64)
     INSERT INTO resilience_sagas (id, name, input, status, owner, epoch, created_at, updated_at)
     SELECT printf('%d-%s', n, hex(randomblob(8))), 'checkout', '{\"order\":7}', 'running', '', 1,
            unixepoch('subsec'), unixepoch('subsec') FROM numbers;",
    "INSERT INTO resilience_sagas (id, name, input, status, epoch, created_at, updated_at)
     SELECT gen_random_uuid(), 'checkout', '{\"order\":7}', 'running', 1, now(), now() FROM generate_series(1, 64);",
];

/// What is measured, in this order.
const ROWS: [&str; 6] = [
    "1 at a time, sagas/s",
    "32 at a time, sagas/s",
    "64 sagas taken over and brought to their end, ms",
    "a page of the 50 that failed, which are none, ms",
    "a page of 50 of all, ms",
    "statistics, ms",
];

pub(crate) async fn report(places: &[Place], quick: bool) -> Result<(), Failure> {
    for (which, place) in places.iter().enumerate() {
        let urls = [place.new_url("empty"), place.new_url("full")];
        for url in &urls {
            let (runtime, store) = place.open(url, |it| it).await?;
            close(runtime, store).await?;
        }
        place.execute(&urls[1], FINISHED[which]).await?;
        let mut figures = ROWS.map(|_| [Vec::new(), Vec::new()]);
        for _ in 0..if quick { 1 } else { 7 } {
            for (url, side) in urls.iter().zip(0..) {
                place.execute(url, LEFT[which]).await?;
                let began = Instant::now();
                let (runtime, store) = place.open(url, |it| it).await?;
                runtime.recovered().await;
                let taken_over = began.elapsed();
                let round = Duration::from_millis(if quick { 200 } else { 1_000 });
                let rates = [
                    sagas_per_second(1, round).await?,
                    sagas_per_second(32, round).await?,
                ];
                let looked = look(&runtime).await?;
                let all = rates.into_iter().chain([millis(taken_over)]).chain(looked);
                for (row, figure) in figures.iter_mut().zip(all) {
                    row[side].push(figure);
                }
                close(runtime, store).await?;
            }
        }
        println!(
            "\n| {}, with as many sagas in the store that are over | few | 100,000 | ratio |",
            place.name()
        );
        println!("|---|---:|---:|---:|");
        for (name, row) in ROWS.into_iter().zip(figures) {
            let [empty, full] = row.map(median);
            println!("| {name} | {empty:.1} | {full:.1} | {:.2} |", full / empty);
        }
    }
    Ok(())
}

/// How long it takes to look at them, in milliseconds.
async fn look(runtime: &Runtime) -> Result<[f64; 3], Failure> {
    let sagas = runtime.sagas();
    let failed = SagaFilter {
        statuses: vec![Status::CompensationFailed, Status::Parked],
        ..SagaFilter::default()
    };
    let began = Instant::now();
    sagas.list(failed, None, 50).await?;
    let failed = began.elapsed();
    let began = Instant::now();
    sagas.list(SagaFilter::default(), None, 50).await?;
    let page = began.elapsed();
    let began = Instant::now();
    sagas.statistics().await?;
    Ok([failed, page, began.elapsed()].map(millis))
}

fn millis(taken: Duration) -> f64 {
    taken.as_secs_f64() * 1e3
}
