//! The table that a benchmark prints.

use crate::{Row, Side};

pub(crate) fn print(rows: &[Row], quick: bool) {
    let bare = rows
        .iter()
        .find(|row| row.side == Side::Bare)
        .map(Row::median);
    println!("CPU time of the thread per call, in nanoseconds\n");
    println!(
        "{:<52} {:>9} {:>9} {:>8} {:>11}",
        "", "median", "minimum", "x bare", "x best peer"
    );
    let mut group = None;
    for row in rows {
        if group != Some(row.group) {
            group = Some(row.group);
            println!("{}", row.group);
        }
        println!("{}", line(row, bare, best_peer(rows, row.group)));
    }
    if quick {
        println!("\nA quick run: not to be quoted.");
    }
}

fn line(row: &Row, bare: Option<f64>, best_peer: Option<f64>) -> String {
    let marker = if row.side == Side::Ours { "*" } else { " " };
    let (median, minimum) = (row.median(), row.minimum());
    format!(
        "{marker} {:<50} {median:>9.1} {minimum:>9.1} {:>8} {:>11}",
        row.name,
        ratio(median, bare),
        ratio(median, best_peer),
    )
}

fn ratio(median: f64, reference: Option<f64>) -> String {
    reference.map_or_else(String::new, |reference| {
        format!("{:.2}", median / reference)
    })
}

/// The median of the fastest peer in a group.
fn best_peer(rows: &[Row], group: &str) -> Option<f64> {
    rows.iter()
        .filter(|row| row.group == group && row.side == Side::Peer)
        .map(Row::median)
        .min_by(f64::total_cmp)
}
