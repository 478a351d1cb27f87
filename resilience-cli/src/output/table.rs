//! Tables: aligned, each row on one line.

use super::paint::{Paint, Tone};
use super::text::{cut, line, width};

/// How wide the last column is where nobody knows how wide the screen is.
const LAST_UNKNOWN: usize = 100;
/// The last column has this much, however narrow the screen is.
const LAST_LEAST: usize = 24;
/// The others have this much at most.
const OTHERS_MOST: usize = 40;
/// What is cut of them, because the screen is narrow, leaves this much.
const OTHERS_LEAST: usize = 12;
const GAP: usize = 2;

/// A table whose last column takes what is left of the line.
pub(crate) struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    /// Of the screen; `None` where there is none.
    screen: Option<usize>,
}

/// A text of any content.
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self {
            text: line(text.as_ref()),
            tone: Tone::Plain,
        }
    }

    pub(crate) fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// What is not there.
    pub(crate) fn maybe(text: Option<impl AsRef<str>>) -> Self {
        match text {
            Some(text) => Self::new(text),
            None => Self::new("-").tone(Tone::Weak),
        }
    }
}

impl Table {
    pub(crate) fn new(columns: &[&'static str]) -> Self {
        use std::io::IsTerminal as _;
        let screen = std::io::stdout()
            .is_terminal()
            .then(terminal_size::terminal_size)
            .flatten();
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
            screen: screen.map(|(width, _)| usize::from(width.0)),
        }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(crate) fn render(&self, paint: Paint) -> String {
        let mut widths: Vec<usize> = self.columns.iter().map(|it| width(it)).collect();
        for row in &self.rows {
            for (cell, widest) in row.iter().zip(&mut widths) {
                *widest = (*widest).max(width(&cell.text).min(OTHERS_MOST));
            }
        }
        if let Some(widest) = widths.last_mut() {
            *widest = LAST_UNKNOWN;
        }
        if let Some(screen) = self.screen
            && let Some((last, others)) = widths.split_last_mut()
        {
            fit(others, screen.saturating_sub(LAST_LEAST));
            *last = screen.saturating_sub(taken(others)).max(LAST_LEAST);
        }
        let heads = self.columns.iter();
        let heads: Vec<Cell> = heads.map(|it| Cell::new(it).tone(Tone::Strong)).collect();
        let rows = std::iter::once(&heads).chain(&self.rows);
        rows.map(|row| render_row(row, &widths, paint)).collect()
    }
}

/// Cuts the widest columns first. The first one is never cut: an id is there to be copied.
fn fit(columns: &mut [usize], screen: usize) {
    while taken(columns) > screen {
        let cuttable = columns.iter_mut().skip(1);
        let Some(widest) = cuttable.max().filter(|it| **it > OTHERS_LEAST) else {
            return;
        };
        *widest -= 1;
    }
}

fn taken(columns: &[usize]) -> usize {
    columns.iter().map(|it| it + GAP).sum()
}

fn render_row(row: &[Cell], widths: &[usize], paint: Paint) -> String {
    let mut text = String::new();
    for (index, (cell, &widest)) in row.iter().zip(widths).enumerate() {
        let shown = cut(&cell.text, widest);
        let padding = widest.saturating_sub(width(&shown)) + GAP;
        text.push_str(&paint.paint(cell.tone, &shown));
        if index + 1 < row.len() {
            text.push_str(&" ".repeat(padding));
        }
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_line_whatever_is_in_them() {
        let mut table = Table::new(&["ID", "ERROR", "SAGA"]);
        table.screen = None;
        for error in ["no\nroom", "📦 is lost", "\0"] {
            table.row(vec![Cell::new("7"), Cell::new(error), Cell::new("x")]);
        }
        let text = table.render(Paint::none());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        for line in &lines[1..] {
            assert_eq!(width(line), width("7   no room     x"), "{line}");
        }
    }

    #[test]
    fn the_last_column_takes_what_is_left() {
        let mut table = Table::new(&["ID", "ERROR"]);
        table.screen = Some(40);
        table.row(vec![Cell::new("7"), Cell::new("e".repeat(100))]);
        let text = table.render(Paint::none());
        let row = text.lines().last().unwrap();
        assert_eq!(width(row), 40);
        assert!(row.ends_with('…'));
    }

    #[test]
    fn a_narrow_screen_cuts_the_widest_columns_but_no_id() {
        let mut table = Table::new(&["ID", "NAME", "STATUS", "ERROR"]);
        table.screen = Some(100);
        let id = "0".repeat(36);
        table.row(vec![
            Cell::new(&id),
            Cell::new("n".repeat(40)),
            Cell::new("running"),
            Cell::new("e".repeat(100)),
        ]);
        let text = table.render(Paint::none());
        let row = text.lines().last().unwrap();
        let name = "n".repeat(26);
        let error = "e".repeat(23);
        assert_eq!(row, format!("{id}  {name}…  running  {error}…"));

        table.screen = Some(50);
        let text = table.render(Paint::none());
        let name = "n".repeat(11);
        let row = text.lines().last().unwrap();
        assert_eq!(row, format!("{id}  {name}…  running  {error}…"));
    }
}
