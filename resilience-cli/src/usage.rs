//! Command lines that make no sense, and those that ask for help.

use std::process::ExitCode;

use crate::failure::{Failure, FailureKind};
use crate::output::Output;

/// Says what is wrong with the command line, or what was asked about it.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    let arguments: Vec<_> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let plain = error.render().to_string();
    let text = without_urls(&plain, &arguments);
    let json = arguments.iter().any(|argument| argument == "--json");
    if error.use_stderr() && (json || text != plain) {
        let message = text.trim().trim_start_matches("error: ");
        let failure = Failure::new(FailureKind::Usage, message);
        Output::new(json).failure(&failure);
        return failure.code();
    }
    // A reader that went away is no failure.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(FailureKind::Usage as u8))
}

/// What is said of an argument would show the password in a URL that stands in the wrong place.
fn without_urls(text: &str, arguments: &[String]) -> String {
    let mut text = text.to_owned();
    for argument in arguments.iter().filter(|it| it.contains("://")) {
        let value = argument.split_once('=').map_or("", |(_, value)| value);
        for url in [argument.as_str(), value] {
            if url.contains("://") {
                text = text.replace(url, "…");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_not_repeated() {
        let url = "postgres://root:hunter2@db/shop?a=b";
        let arguments = [url.to_owned(), format!("--uri={url}"), "list".to_owned()];
        let text = format!("no command '{url}', no '--uri={url}', and 'list'");
        let shown = without_urls(&text, &arguments);
        assert_eq!(shown, "no command '…', no '--uri=…', and 'list'");
    }
}
