//! Metrics, through the `metrics` facade; nothing without the feature `metrics`.

/// Whether a recorder is there to take a metric.
#[inline]
pub(crate) fn is_listening() -> bool {
    #[cfg(feature = "metrics")]
    {
        // The facade has no question for it. The recorder that drops everything, which is there
        // until somebody installs another, has no size and stands in a `static`; one of no size
        // that was installed is in a box, and a box of no size has no address of its own. (One that is
        // lent to a thread from its stack has, and is taken for nobody.)
        metrics::with_recorder(|recorder| {
            let address = std::ptr::from_ref(recorder).cast::<()>() as usize;
            size_of_val(recorder) > 0 || address <= align_of_val(recorder)
        })
    }
    #[cfg(not(feature = "metrics"))]
    false
}

/// Adds one to a counter. `label` is a name that stands in the source, so that there are not
/// more series than names.
#[inline]
pub(crate) fn count(name: &'static str, label: &'static str, value: &'static str) {
    if is_listening() {
        count_slowly(name, label, value);
    }
}

#[cold]
fn count_slowly(name: &'static str, label: &'static str, value: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!(name, label => value).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = (name, label, value);
}

/// Adds one to the counter of what a policy in shadow mode would have done. Policies of different
/// kinds often have one name, that of their dependency: the kind is a label too.
pub(crate) fn count_shadow(kind: &'static str, policy: &'static str) {
    if is_listening() {
        #[cfg(feature = "metrics")]
        metrics::counter!(super::names::SHADOW, "kind" => kind, "policy" => policy).increment(1);
        #[cfg(not(feature = "metrics"))]
        let _ = (kind, policy, super::names::SHADOW);
    }
}

/// Sets a gauge.
#[inline]
pub(crate) fn gauge(name: &'static str, label: &'static str, value: &'static str, to: f64) {
    if is_listening() {
        #[cfg(feature = "metrics")]
        metrics::gauge!(name, label => value).set(to);
        #[cfg(not(feature = "metrics"))]
        let _ = (name, label, value, to);
    }
}

/// Adds to a gauge, or takes from it.
#[inline]
pub(crate) fn gauge_by(name: &'static str, label: &'static str, value: &'static str, by: f64) {
    if is_listening() {
        #[cfg(feature = "metrics")]
        metrics::gauge!(name, label => value).increment(by);
        #[cfg(not(feature = "metrics"))]
        let _ = (name, label, value, by);
    }
}

/// Adds a time to a histogram, in seconds.
#[inline]
pub(crate) fn time(
    name: &'static str,
    label: &'static str,
    value: &'static str,
    time: std::time::Duration,
) {
    if is_listening() {
        #[cfg(feature = "metrics")]
        metrics::histogram!(name, label => value).record(time);
        #[cfg(not(feature = "metrics"))]
        let _ = (name, label, value, time);
    }
}

/// Sets a gauge of which there is one.
pub(crate) fn set(name: &'static str, to: u64) {
    if is_listening() {
        #[cfg(feature = "metrics")]
        {
            // A gauge is a float; nobody has so many that it matters.
            let to = u32::try_from(to).unwrap_or(u32::MAX);
            metrics::gauge!(name).set(to);
        }
        #[cfg(not(feature = "metrics"))]
        let _ = (name, to);
    }
}

/// Adds to a counter of which there is one.
pub(crate) fn increment(name: &'static str, by: u64) {
    if is_listening() {
        #[cfg(feature = "metrics")]
        metrics::counter!(name).increment(by);
        #[cfg(not(feature = "metrics"))]
        let _ = (name, by);
    }
}

/// Adds a time to a histogram of which there is one, in seconds.
pub(crate) fn record(name: &'static str, time: std::time::Duration) {
    if is_listening() {
        #[cfg(feature = "metrics")]
        metrics::histogram!(name).record(time);
        #[cfg(not(feature = "metrics"))]
        let _ = (name, time);
    }
}
