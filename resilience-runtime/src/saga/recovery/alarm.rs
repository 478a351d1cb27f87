//! When the dead letter queue is so full that somebody has to hear of it.

/// Rings at the limit, and whenever there is twice as much as at the last time; again from the limit on when there was
/// less in between.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    /// From how many on it rings next, where it has rung.
    next: Option<u64>,
}

impl Alarm {
    /// Whether it rings, with this many letters.
    pub(super) fn rings(&mut self, letters: u64, limit: u64) -> bool {
        let limit = limit.max(1);
        if letters < limit {
            self.next = None;
            return false;
        }
        let next = self.next.unwrap_or(limit);
        if letters < next {
            return false;
        }
        let mut after = next;
        while after <= letters && after < u64::MAX {
            after = after.saturating_mul(2);
        }
        self.next = Some(after);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rings_at_the_limit_and_at_each_doubling() {
        let mut alarm = Alarm::default();
        let rung: Vec<u64> = (0..1000)
            .filter(|&letters| alarm.rings(letters, 100))
            .collect();
        assert_eq!(rung, [100, 200, 400, 800]);
    }

    #[test]
    fn a_leap_is_one_ring_and_a_fall_below_the_limit_starts_anew() {
        let mut alarm = Alarm::default();
        let mut rings = |letters| alarm.rings(letters, 100);
        let rung = [750, 751, 799, 800, 500, 1599, 99, 100, 100, 200].map(&mut rings);
        let expected = [
            true, false, false, true, false, false, false, true, false, true,
        ];
        assert_eq!(rung, expected);
        assert!(rings(u64::MAX) && !rings(u64::MAX - 1));
        assert!(!Alarm::default().rings(0, 0) && Alarm::default().rings(1, 0));
    }
}
