//! Moments: as people write them, and as they read them. All by the clock of the store.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use resilience_runtime::timestamp::Timestamp;

/// A moment on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// So long ago.
    Ago(Duration),
    At(Timestamp),
}

impl When {
    /// Which moment it is, at `now`.
    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(ago) => now.before(ago),
            Self::At(moment) => moment,
        }
    }
}

/// `1h` is an hour ago; anything else is a moment of RFC 3339, of which the end may be missing.
pub(crate) fn moment(text: &str) -> Result<When, String> {
    if let Ok(ago) = humantime::parse_duration(text) {
        return Ok(When::Ago(ago));
    }
    let day = format!("{text}T00:00:00Z");
    let parsed = humantime::parse_rfc3339_weak(text).or_else(|_| humantime::parse_rfc3339(&day));
    parsed.map(|it| When::At(of_system(it))).map_err(|_| {
        "a time is how long ago, such as 90s, 1h or 2days, or a moment in UTC, such as 2026-03-01 or \
         2026-03-01T12:00:00Z"
            .to_owned()
    })
}

fn of_system(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// To the second, as people read it.
pub(crate) fn shown(moment: Timestamp) -> String {
    let text = moment.to_string();
    let seconds = text.split('.').next().unwrap_or(&text);
    format!("{} UTC", seconds.replace('T', " "))
}

/// `3m ago`, or `in 3m` where it is still to come.
pub(crate) fn distance(moment: Timestamp, now: Timestamp) -> String {
    match moment > now {
        true => format!("in {}", rough(moment.since(now))),
        false => format!("{} ago", age(moment, now)),
    }
}

/// How long ago.
pub(crate) fn age(moment: Timestamp, now: Timestamp) -> String {
    rough(now.since(moment))
}

/// With one unit: `3m`, `2h`, `5d`.
fn rough(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_ago_or_in_utc() {
        let now = Timestamp::from_micros(7_200_000_000);
        let hour = moment("1h").unwrap().at(now);
        assert_eq!(hour, Timestamp::from_micros(3_600_000_000));
        let noon = moment("2026-03-01T12:00:00Z").unwrap();
        assert_eq!(shown(noon.at(now)), "2026-03-01 12:00:00 UTC");
        assert_eq!(moment("2026-03-01 12:00:00").unwrap(), noon);
        let day = moment("2026-03-01").unwrap().at(now);
        assert_eq!(noon.at(now).since(day), Duration::from_secs(12 * 3600));
        assert!(moment("yesterday").unwrap_err().contains("1h"));
    }

    #[test]
    fn distances_have_one_unit_and_a_direction() {
        let now = Timestamp::from_micros(0).after(Duration::from_secs(1_000_000));
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (7200, "2h"),
            (90_000, "1d"),
        ] {
            let duration = Duration::from_secs(seconds);
            assert_eq!(
                distance(now.before(duration), now),
                format!("{expected} ago")
            );
            if seconds > 0 {
                assert_eq!(distance(now.after(duration), now), format!("in {expected}"));
            }
        }
    }
}
