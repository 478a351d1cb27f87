//! The names of the metrics. `docs/telemetry.md` says what each of them counts; those of the circuit
//! breaker stand beside the breaker, which is the only one that writes them.
//!
//! | label | value | metrics |
//! |---|---|---|
//! | `function` | the path of the function | calls, retries, timeouts, hedges, fallbacks, joined calls, idempotency |
//! | `bulkhead`, `limit` | the name of the policy, or the path of its function | bulkheads, rate limits |
//! | `lock` | the name of the lock | locks |
//! | `saga`, `step` | the name in the journal | sagas, compensations |
//! | `operation` | the name of the step, the saga or the handler | dead letters |
//! | `policy` | the same, of whatever kind | what policies would have done |

pub(crate) const CALLS: &str = "calls_total";
pub(crate) const CALLS_FAILED: &str = "calls_failed_total";
pub(crate) const CALLS_REFUSED: &str = "calls_refused_total";
pub(crate) const CALLS_CANCELLED: &str = "calls_cancelled_total";
pub(crate) const CALL_DURATION: &str = "call_duration_seconds";

pub(crate) const RETRY_ATTEMPTS: &str = "retry_attempts_total";
pub(crate) const RETRY_EXHAUSTED: &str = "retry_exhausted_total";
pub(crate) const RETRY_BUDGET_REFUSALS: &str = "retry_budget_refusals_total";

pub(crate) const TIMEOUTS: &str = "timeouts_total";

pub(crate) const BULKHEAD_RUNNING: &str = "bulkhead_running";
pub(crate) const BULKHEAD_WAITING: &str = "bulkhead_waiting";
pub(crate) const BULKHEAD_REJECTIONS: &str = "bulkhead_rejections_total";

pub(crate) const RATE_LIMIT_REJECTIONS: &str = "rate_limit_rejections_total";

pub(crate) const HEDGES: &str = "hedges_total";
pub(crate) const HEDGES_WON: &str = "hedges_won_total";

pub(crate) const FALLBACKS: &str = "fallbacks_total";

pub(crate) const SINGLE_FLIGHT_JOINED: &str = "single_flight_joined_total";

pub(crate) const LOCK_ACQUISITION_DURATION: &str = "lock_acquisition_duration_seconds";
pub(crate) const LOCKS_HELD: &str = "locks_held";
pub(crate) const LOCK_BUSY: &str = "lock_busy_total";
pub(crate) const LOCK_LOST: &str = "lock_lost_total";

pub(crate) const IDEMPOTENCY_EXECUTIONS: &str = "idempotency_executions_total";
pub(crate) const IDEMPOTENCY_REPLAYS: &str = "idempotency_replays_total";
pub(crate) const IDEMPOTENCY_CONFLICTS: &str = "idempotency_conflicts_total";
pub(crate) const IDEMPOTENCY_WAITS: &str = "idempotency_waits_total";
pub(crate) const IDEMPOTENCY_TAKEOVERS: &str = "idempotency_takeovers_total";
pub(crate) const IDEMPOTENCY_TOMBSTONES: &str = "idempotency_tombstones_total";
pub(crate) const IDEMPOTENCY_LEASES_LOST: &str = "idempotency_leases_lost_total";
pub(crate) const IDEMPOTENCY_NOT_RECORDED: &str = "idempotency_not_recorded_total";
pub(crate) const IDEMPOTENCY_RAN_TWICE: &str = "idempotency_ran_twice_total";
pub(crate) const IDEMPOTENCY_UNPROTECTED: &str = "idempotency_unprotected_total";

pub(crate) const SAGAS_COMPLETED: &str = "sagas_completed_total";
pub(crate) const SAGAS_COMPENSATED: &str = "sagas_compensated_total";
pub(crate) const SAGAS_FAILED: &str = "sagas_failed_total";
pub(crate) const SAGAS_COMPENSATION_FAILED: &str = "sagas_compensation_failed_total";
pub(crate) const SAGAS_PARKED: &str = "sagas_parked_total";
pub(crate) const SAGA_DURATION: &str = "saga_duration_seconds";
pub(crate) const SAGAS_RECOVERED: &str = "sagas_recovered_total";
pub(crate) const SAGA_RUNS_AGAIN: &str = "saga_runs_again_total";
pub(crate) const SAGA_COMPENSATION_ATTEMPTS: &str = "saga_compensation_attempts_total";
pub(crate) const SAGA_COMPENSATION_FAILURES: &str = "saga_compensation_failures_total";
pub(crate) const SAGA_RECOVERY_DURATION: &str = "saga_recovery_duration_seconds";
pub(crate) const SAGAS_UNKNOWN: &str = "sagas_unknown";
pub(crate) const SAGAS_PURGED: &str = "sagas_purged_total";

pub(crate) const DEAD_LETTERS: &str = "dead_letters_total";
pub(crate) const DEAD_LETTERS_UNRESOLVED: &str = "dead_letters_unresolved";
pub(crate) const DEAD_LETTERS_OVER_LIMIT: &str = "dead_letters_over_limit_total";

/// What policies in [`PolicyMode::Shadow`](crate::policy::switch::PolicyMode::Shadow) would have done.
pub(crate) const SHADOW: &str = "resilience_shadow_total";
