//! Moments: as people write them, and as they read them.

use std::time::{SystemTime, UNIX_EPOCH};

use resilience_runtime::timestamp::Timestamp;

/// `1h` is an hour ago; anything else is a moment of RFC 3339, of which the end may be missing. By the clock of this
/// machine.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(ago) = humantime::parse_duration(text) {
        return Ok(Timestamp::of_this_machine().before(ago));
    }
    let day = format!("{text}T00:00:00Z");
    let parsed = humantime::parse_rfc3339_weak(text).or_else(|_| humantime::parse_rfc3339(&day));
    parsed.map(of_system).map_err(|_| {
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
    seconds.replace('T', " ")
}

/// How long ago, with one unit: `3m`, `2h`, `5d`.
pub(crate) fn age(moment: Timestamp) -> String {
    let seconds = Timestamp::of_this_machine().since(moment).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn moments_are_ago_or_in_utc() {
        let now = Timestamp::of_this_machine();
        let hour = moment("1h").unwrap();
        assert!(now.since(hour) <= Duration::from_secs(3600));
        assert!(now.since(hour) > Duration::from_secs(3500));
        let noon = moment("2026-03-01T12:00:00Z").unwrap();
        assert_eq!(shown(noon), "2026-03-01 12:00:00");
        assert_eq!(moment("2026-03-01 12:00:00").unwrap(), noon);
        let day = moment("2026-03-01").unwrap();
        assert_eq!(noon.since(day), Duration::from_secs(12 * 3600));
        assert!(moment("yesterday").unwrap_err().contains("1h"));
    }
}
