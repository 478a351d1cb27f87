//! Which name was meant.

/// At most this many suggestions.
const MOST: usize = 3;

/// The names among `known` that `written` may have been meant for, the nearest first.
pub(super) fn near(written: &str, known: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    // One mistake is forgiven, and one more for each four letters.
    let limit = 1 + written.len() / 4;
    let mut near: Vec<_> = known
        .map(|name| (distance_to(written, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort_unstable();
    near.dedup();
    near.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// The edit distance to `name` or, where that is less, to what stands behind one of its `::`: paths
/// are seldom written out.
fn distance_to(written: &str, name: &str) -> usize {
    let ends = name
        .match_indices("::")
        .map(|(at, colons)| &name[at + colons.len()..]);
    std::iter::once(name)
        .chain(ends)
        .map(|end| distance(written, end))
        .min()
        .unwrap_or(usize::MAX)
}

/// Levenshtein's, one row at a time.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_and_a_path_cut_short_are_recognised() {
        let known = ["shop::charge", "shop::refund", "gateway"];
        let near = |written| near(written, known.into_iter());
        assert_eq!(near("charge"), ["shop::charge"]);
        assert_eq!(near("shop::chagre"), ["shop::charge"]);
        assert_eq!(near("colour"), ["gateway"; 0]);
        assert_eq!(near("gatway"), ["gateway"]);
        assert_eq!(near(""), [""; 0]);
    }

    #[test]
    fn the_distance_is_the_number_of_changes() {
        assert_eq!(distance("", "ab"), 2);
        assert_eq!(distance("ab", ""), 2);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
