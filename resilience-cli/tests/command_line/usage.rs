//! Commands that make no sense.

use crate::tool;

#[tokio::test]
async fn a_command_without_a_store_says_how_to_name_one() {
    let refused = tool::run(None, &["dlq", "list"]).await.ends_with(2);
    assert!(
        refused.err.contains("--url") && refused.err.contains("RESILIENCE_URL"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn stores_that_keep_no_letters_are_refused() {
    for url in [
        "redis://root:hunter2@db",
        "memory:",
        "mysql://root:hunter2@db",
    ] {
        let refused = tool::run(Some(url), &["dlq", "list"]).await.ends_with(2);
        assert!(refused.err.contains("postgres://"), "{refused:?}");
        assert!(!refused.err.contains("hunter2"), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_misspelt_is_answered_with_what_there_is() {
    let cases: [(&[&str], &str); 9] = [
        (&["dlq", "retry", "1", "--kind", "work"], "--kind"),
        (&["dlq", "list", "--status", "closed"], "retrying"),
        (&["dlq", "list", "--kind", "poison"], "compensation"),
        (&["dlq", "list", "--since", "yesterday"], "1h"),
        (
            &["sagas", "list", "--status", "dead"],
            "compensation_failed",
        ),
        (&["dlq", "retry"], "<IDS>"),
        (&["dlq", "retry", "1", "--timeout", "1s"], "--wait"),
        (&["dlq", "resolve", "1"], "--note"),
        (&["doctor", "--accept", "Everything"], "NotDurable"),
    ];
    for (arguments, expected) in cases {
        let refused = tool::run(Some("app.db"), arguments).await.ends_with(2);
        assert!(refused.err.contains(expected), "{refused:?}");
    }
}

#[tokio::test]
async fn the_help_has_the_exit_statuses() {
    let help = tool::run(None, &["--help"]).await.ends_with(0);
    assert!(
        help.out.contains("Exit status") && help.out.contains("4  conflict"),
        "{help:?}"
    );
}
