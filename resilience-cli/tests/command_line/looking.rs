//! `dlq list`, `show` and `stats`.

use resilience_runtime::dlq::{NewDeadLetter, Priority};
use serde_json::{Value, json};

use crate::stage::{Stage, letter};

/// 1: low, smtp; 2: critical; 3: of a saga.
async fn three(stage: &Stage) -> String {
    let low = NewDeadLetter {
        priority: Priority::Low,
        dependency: Some("smtp".to_owned()),
        ..letter("send")
    };
    stage.work(low).await;
    let critical = NewDeadLetter {
        priority: Priority::Critical,
        ..letter("print")
    };
    stage.work(critical).await;
    stage.stuck(true).await.to_string()
}

fn ids(list: &Value) -> Vec<i64> {
    let letters = list.as_array().unwrap();
    letters
        .iter()
        .map(|it| it["id"].as_i64().unwrap())
        .collect()
}

pub(crate) async fn letters_are_listed_with_filters_and_pages(stage: Stage) {
    let none = stage.tool(&["dlq", "list", "--json"]).await.ends_with(0);
    assert_eq!(none.json(), json!([]));
    let saga = three(&stage).await;
    let all = stage.tool(&["dlq", "list", "--json"]).await.ends_with(0);
    let (first, second, third) = match ids(&all.json())[..] {
        // The newest first.
        [third, second, first] => (first, second, third),
        _ => panic!("{all:?}"),
    };
    let cases: [(&[&str], &[i64]); 21] = [
        (&["--operation", "print"], &[second]),
        (&["--dependency", "smtp"], &[first]),
        (&["--priority", "high"], &[second]),
        (&["--priority", "normal"], &[third, second]),
        (&["--kind", "work"], &[second, first]),
        (&["--kind", "compensation"], &[third]),
        (&["--saga", &saga], &[third]),
        (&["--since", "1h"], &[third, second, first]),
        (&["--before", "1h"], &[]),
        (&["--since", "2020-01-01", "--before", "2021-01-01"], &[]),
        (&["--status", "settled,discarded"], &[]),
        (&["--limit", "2"], &[third, second]),
        (&["--newest", "--limit", "2"], &[third, second]),
        (&["--oldest", "--limit", "2"], &[first, second]),
        (&["--after", &second.to_string()], &[first]),
        (&["--after", &first.to_string()], &[]),
        (&["--oldest", "--after", &second.to_string()], &[third]),
        (&["--oldest", "--kind", "work"], &[first, second]),
        (&["--oldest", "--priority", "normal"], &[second, third]),
        (&["--saga", &saga[..20], "--oldest"], &[third]),
        (
            &["--all", "--after", &third.to_string(), "--limit", "1"],
            &[second],
        ),
    ];
    for (filters, expected) in cases {
        let arguments = [&["dlq", "list", "--json"], filters].concat();
        let list = stage.tool(&arguments).await.ends_with(0);
        assert_eq!(ids(&list.json()), expected, "{filters:?}");
    }
    let oldest = ["dlq", "list", "--limit", "2", "--oldest"];
    let table = stage.tool(&oldest).await.ends_with(0);
    let lines: Vec<_> = table.out.lines().collect();
    assert_eq!(lines.len(), 4, "{table:?}");
    assert!(lines[0].starts_with("ID") && lines[1].contains("smtp"));
    assert_eq!(lines[3], format!("more with --after {second} --oldest"));
    let newest = stage.tool(&["dlq", "list", "--limit", "1"]).await;
    let newest = newest.ends_with(0);
    let lines: Vec<_> = newest.out.lines().collect();
    assert!(lines[0].contains("  SAGA  "), "{newest:?}");
    // The saga, the step that could not be undone, and how long ago.
    for part in ["compensation", "greet", "wave", "s ago"] {
        assert!(lines[1].contains(part), "{part}: {newest:?}");
    }
    assert_eq!(lines[2], format!("more with --after {third}"));
    stage
        .tool(&["dlq", "list", "--newest", "--oldest"])
        .await
        .ends_with(2);
    assert!(!table.out.contains('\u{1b}'), "colours, and no terminal");
}

pub(crate) async fn a_letter_is_shown_with_all_that_is_kept(stage: Stage) {
    let text = "NUL \0, a line\nand a 📦".to_owned();
    let work = NewDeadLetter {
        arguments: json!({ "text": text }).to_string(),
        error: text.clone(),
        ..letter("send")
    };
    let id = stage.work(work).await;
    let shown = stage
        .tool(&["dlq", "show", &id.to_string(), "--json"])
        .await;
    let mut value = shown.ends_with(0).json();
    let fields = value.as_object_mut().unwrap();
    for moment in ["created_at", "updated_at"] {
        let moment = fields.remove(moment).unwrap();
        assert!(moment.as_str().unwrap().ends_with('Z'), "{moment}");
    }
    let audit = fields.remove("audit").unwrap();
    assert_eq!(
        (&audit[0]["operator"], &audit[0]["action"]),
        (&json!("mailer"), &json!("add"))
    );
    assert_eq!(
        value,
        json!({
            "id": id, "status": "open", "kind": "work", "priority": "normal", "operation": "send",
            "dependency": null, "saga": null, "saga_name": null, "position": null, "attempts": 1,
            "error": text.replace('\0', "␀"), "note": null, "arguments": { "text": text }, "output": null,
        })
    );
    let shown = stage
        .tool(&["dlq", "show", &id.to_string()])
        .await
        .ends_with(0);
    assert!(
        shown.out.contains("and a 📦") && !shown.out.contains('\0'),
        "{shown:?}"
    );
    let missing = stage.tool(&["dlq", "show", "4711"]).await.ends_with(3);
    assert!(missing.err.contains("no dead letter 4711"), "{missing:?}");
    let missing = stage
        .tool(&["dlq", "show", "4711", "--json"])
        .await
        .ends_with(3);
    let error: Value = serde_json::from_str(&missing.err).unwrap();
    assert_eq!(error["error"], "not_found");
}

pub(crate) async fn letters_are_counted(stage: Stage) {
    three(&stage).await;
    let stats = stage.tool(&["dlq", "stats", "--json"]).await.ends_with(0);
    let mut stats = stats.json();
    let oldest = stats["unresolved"]
        .as_object_mut()
        .unwrap()
        .remove("oldest");
    assert!(oldest.unwrap().as_str().unwrap().ends_with('Z'));
    assert_eq!(
        stats,
        json!({
            "counts": { "open": 3 },
            "unresolved": {
                "by_operation": { "send": 1, "print": 1, "wave": 1 },
                "by_dependency": { "smtp": 1 },
                "by_priority": { "low": 1, "normal": 1, "critical": 1 },
            },
        })
    );
    let table = stage.tool(&["dlq", "stats"]).await.ends_with(0);
    assert!(
        table.out.contains("unresolved, dependency  smtp"),
        "{table:?}"
    );
}

pub(crate) async fn no_text_breaks_a_table(stage: Stage) {
    for error in [
        "a\0b",
        "two\nlines",
        "📦📦📦",
        "\u{1b}[2J\u{202e}",
        &"long ".repeat(1000),
    ] {
        let work = NewDeadLetter {
            error: error.to_owned(),
            ..letter(error)
        };
        stage.work(work).await;
    }
    let table = stage.tool(&["dlq", "list"]).await.ends_with(0);
    assert_eq!(table.out.lines().count(), 6, "{table:?}");
    assert!(table.out.lines().all(|line| line.chars().count() < 240));
    let is_command = |c: char| c.is_control() && c != '\n';
    assert!(!table.out.chars().any(is_command), "{table:?}");
}
