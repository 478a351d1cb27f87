//! What operators do with nothing but `psql`, as the runbook says it.

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::stage::Stage;

/// The examples of the runbook.
fn examples() -> &'static str {
    let page = include_str!("../../../docs/dead-letters.md");
    let (_, from) = page.split_once("```sql\n").unwrap();
    let (examples, _) = from.split_once("```").unwrap();
    examples
}

#[tokio::test]
async fn what_is_done_by_sql_is_what_the_tool_sees() {
    let Some(stage) = Stage::postgres().await else {
        return;
    };
    stage.stuck(true).await;
    stage.stuck(true).await;
    let mut connection = PgConnection::connect(&stage.url).await.unwrap();
    let as_first = examples().replace("(17,", "(1,").replace("(18,", "(2,");
    let done = sqlx::raw_sql(AssertSqlSafe(as_first));
    done.execute(&mut connection).await.unwrap();
    let list = stage
        .tool(&["dlq", "list", "--all", "--oldest", "--json"])
        .await;
    let list = list.ends_with(0).json();
    let statuses: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["status"])
        .collect();
    assert_eq!(statuses, ["retrying", "resolved", "open"]);
    let added = &list[2];
    assert_eq!(
        [
            &added["operation"],
            &added["dependency"],
            &added["priority"],
            &added["arguments"]
        ],
        [
            &json!("send-invoice"),
            &json!("smtp"),
            &json!("high"),
            &json!({ "invoice": 7 })
        ]
    );
    let shown = stage.tool(&["dlq", "show", "2", "--json"]).await.json();
    assert_eq!(shown["note"], "refunded by hand, ticket 4711");
    assert_eq!(shown["audit"][0]["operator"], "ada");
}
