//! What `Runtime::sagas` shows and does.

use std::time::Duration;

use resilience_runtime::operator::Operator;
use resilience_runtime::runtime::Runtime;
use resilience_runtime::saga::CompensateOutcome;
use resilience_runtime::saga::journal::{Parking, SagaFilter, SagaId, Status};

use crate::process::Process;
use crate::trips::{by_id, cannot_give_back, inner, trip};
use crate::world::{Ask, Do};

/// A saga that is parked: its code has changed.
async fn parked() -> (Process, SagaId) {
    let process = Process::first(&[Ask::Take(1), Ask::Take(2)]).await;
    process.spy.dies_after(1);
    tokio::select! {
        _ = process.scope(trip(&process.world, 7, 5)) => panic!("it died"),
        () = process.spy.died() => {}
    }
    process.world.plan("trip", &[Ask::Take(9)]);
    let process = process.restart().await;
    process.quiet().await;
    let saga = process.saga("trip").await;
    assert_eq!(
        (saga.status, saga.parking),
        (Status::Parked, Some(Parking::Mismatch))
    );
    (process, saga.id)
}

#[tokio::test(start_paused = true)]
async fn a_parked_saga_is_undone_here() {
    let (process, id) = parked().await;
    let sagas = process.runtime.sagas();
    let by = Operator::named("ann").because("the old code is gone");
    assert_eq!(
        sagas.compensate(&id, by).await.unwrap(),
        CompensateOutcome::Undone
    );
    assert_eq!(process.world.effects(), ["take 1", "give back 1"]);
    assert_eq!(process.saga("trip").await.status, Status::Compensated);
    let letters = process.letters().await;
    assert!(letters.iter().all(|letter| !letter.status.is_unresolved()));
    let audit = sagas.audit(&id).await.unwrap();
    let last = audit.last().unwrap();
    assert_eq!(
        (last.operator.as_str(), last.action.as_str()),
        ("ann", "compensate")
    );
    assert_eq!(last.reason.as_deref(), Some("the old code is gone"));
    let again = sagas.compensate(&id, "ann").await.unwrap();
    assert_eq!(again, CompensateOutcome::NotDead(Status::Compensated));
    let nobody = SagaId::from("nobody".to_owned());
    let again = sagas.compensate(&nobody, "ann").await.unwrap();
    assert_eq!(again, CompensateOutcome::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_runtime_for_inspection_asks_for_it() {
    let (process, id) = parked().await;
    let tool = Runtime::on_store(process.spy.another(usize::MAX));
    let tool = tool.without_recovery().open().await.unwrap();
    let asked = tool.sagas().compensate(&id, "ann").await.unwrap();
    assert_eq!(asked, CompensateOutcome::Requested);
    tokio::time::sleep(Duration::from_secs(6)).await;
    process.quiet().await;
    assert_eq!(process.saga("trip").await.status, Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_undone_again_says_why() {
    let process = Process::first(&[Ask::Take(1), Ask::Fail]).await;
    cannot_give_back(&process.world, 1);
    process.scope(trip(&process.world, 7, 5)).await.unwrap_err();
    let id = process.saga("trip").await.id;
    cannot_give_back(&process.world, 1);
    let sagas = process.runtime.sagas();
    let again = sagas.compensate(&id, "ann").await.unwrap();
    let failed = CompensateOutcome::Failed {
        step: "take".to_owned(),
        error: "refused: give back 1".to_owned(),
    };
    assert_eq!(again, failed);
    assert_eq!(
        sagas.compensate(&id, "ann").await.unwrap(),
        CompensateOutcome::Undone
    );
}

#[tokio::test(start_paused = true)]
async fn sagas_are_listed_and_counted() {
    let process = Process::first(&[Ask::Take(1), Ask::Fail]).await;
    process
        .world
        .plan("by_id", &[Ask::Take(1), Ask::Think(Duration::from_secs(4))]);
    process.world.plan("inner", &[Ask::Take(2)]);
    process.world.script("take 2", &[Do::Hang]);
    process.scope(trip(&process.world, 7, 5)).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(1)).await;
    process.scope(by_id(&process.world, 7, 5)).await.unwrap();
    let sagas = process.runtime.sagas();
    let look = async {
        process.world.has("take 2").await;
        let first = sagas.list(SagaFilter::default(), None, 2).await.unwrap();
        let names: Vec<&str> = first.iter().map(|saga| saga.name.as_str()).collect();
        assert_eq!(names, ["trip", "by_id"]);
        let rest = sagas.list(SagaFilter::default(), Some(first[1].cursor()), 2);
        assert_eq!(rest.await.unwrap()[0].name, "inner");
        let over = SagaFilter {
            statuses: vec![Status::Compensated, Status::Failed],
            ..SagaFilter::default()
        };
        assert_eq!(sagas.list(over, None, 9).await.unwrap().len(), 1);
        let statistics = sagas.statistics().await.unwrap();
        let took = statistics.iter().find(|it| it.name == "by_id").unwrap();
        assert_eq!(took.counts, [(Status::Completed, 1)]);
        assert_eq!(took.completed.unwrap().mean.as_secs(), 4);
        let counts = [
            (Status::Running, 1),
            (Status::Completed, 1),
            (Status::Compensated, 1),
        ];
        assert_eq!(sagas.counts().await.unwrap(), counts);
        let trip = sagas.get(&first[0].id).await.unwrap().unwrap();
        assert_eq!(trip.steps.len(), 1);
    };
    tokio::select! {
        _ = process.scope(inner(&process.world, 7, 5)) => panic!("it hangs"),
        () = look => {}
    }
}
