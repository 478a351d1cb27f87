//! The catalog as an operator reads it.

use std::fmt;

use super::{Annotated, Catalog, Policy};
use crate::policy::switch::{PolicyMode, Switch};

/// As long as the longest name of a kind.
const KIND_WIDTH: usize = "circuit_breaker".len();

impl fmt::Display for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, function) in self.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{function}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Annotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            file,
            line,
            policies,
        } = self;
        write!(f, "{name}  {file}:{line}  worst case ")?;
        match self.worst_case() {
            Some(time) => writeln!(f, "{time:?}")?,
            None => writeln!(f, "unbounded")?,
        }
        for (index, policy) in policies.iter().enumerate() {
            let branch = if index + 1 == policies.len() {
                "└─"
            } else {
                "├─"
            };
            writeln!(f, "{branch} {}", line_of(*policy))?;
        }
        Ok(())
    }
}

fn line_of(policy: &dyn Policy) -> String {
    let mut line = format!("{:KIND_WIDTH$} ", policy.kind().name());
    if let Some(name) = policy.name() {
        line += &format!(" `{name}`");
    }
    let options = policy.options().to_string();
    if !options.is_empty() {
        line += " ";
        line += &options;
    }
    match policy.switch().map(Switch::mode) {
        None | Some(PolicyMode::Enforced) => {}
        Some(mode) => line += &format!("  [{}]", mode_name(mode)),
    }
    line.truncate(line.trim_end().len());
    line
}

/// A mode in one word.
pub(super) fn mode_name(mode: PolicyMode) -> &'static str {
    match mode {
        PolicyMode::Enforced => "enforced",
        PolicyMode::Shadow => "shadow",
        PolicyMode::Disabled => "disabled",
    }
}
