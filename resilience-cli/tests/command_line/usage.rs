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
    let cases: [(&[&str], &str); 25] = [
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
        // It would be done to the letters, and not to those that an option says.
        (&["dlq", "retry", "1", "--all"], "--all"),
        (&["dlq", "retry", "1", "--dry-run"], "--dry-run"),
        (&["dlq", "retry", "1", "--limit", "5"], "--limit"),
        (&["dlq", "retry", "1", "--after", "5"], "--after"),
        (&["dlq", "retry", "1", "--per-second", "5"], "--per-second"),
        (
            &["dlq", "retry", "--all", "--per-second", "0"],
            "--per-second",
        ),
        (&["dlq", "retry", "--all", "--wait"], "--wait"),
        (&["dlq", "retry", "--operation", "send"], "<IDS>"),
        (&["dlq", "retry", "1", "--as", "undone"], "compensation"),
        (&["dlq", "list", "--priority", "urgent"], "critical"),
        (&["dlq", "list", "--all", "--status", "open"], "--status"),
        (&["dlq", "list", "--limit", "0"], "10000"),
        (&["sagas", "list", "--limit", "10001"], "10000"),
        (&["dlq", "show", "order-1"], "order-1"),
        (&["sagas", "show"], "<ID>"),
        (&["sagas", "list", "--since", "soon"], "2026-03-01"),
    ];
    for (arguments, expected) in cases {
        let refused = tool::run(Some("app.db"), arguments).await.ends_with(2);
        assert!(refused.err.contains(expected), "{refused:?}");
        let json = [arguments, &["--json"]].concat();
        let refused = tool::run(Some("app.db"), &json).await.ends_with(2);
        let error: serde_json::Value = serde_json::from_str(&refused.err).unwrap();
        assert_eq!((&error["error"], &*refused.out), (&"usage".into(), ""));
        assert!(error["message"].as_str().unwrap().contains(expected));
    }
}

#[tokio::test]
async fn help_is_no_failure_and_a_command_without_a_verb_is_one() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["dlq", "--help"],
        &["dlq", "retry", "-h"],
        &["help", "sagas", "list"],
        &["dlq", "list", "--help", "--json"],
    ] {
        let help = tool::run(None, arguments).await.ends_with(0);
        assert!(!help.out.is_empty() && help.err.is_empty(), "{help:?}");
    }
    for arguments in [&[][..], &["dlq"], &["sagas"], &["dlq", "lst"]] {
        let refused = tool::run(None, arguments).await.ends_with(2);
        assert!(!refused.err.is_empty() && refused.out.is_empty());
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
