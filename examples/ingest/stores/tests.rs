//! What every store has to keep to.

use std::future::Future as _;
use std::task::{Context, Waker};

use super::*;
use crate::document::content_hash;
use crate::read::parse;

const TEXT: &str = "# Tea\n\nGreen tea, see [the other](b.md) and [a third](sub/c.md).\n";

/// A document whose text is in memory until the end of the test.
fn document(common: &Common, path: &str, text: &str) -> Document {
    let document = Document::version(path, &content_hash(text.as_bytes()), 1, None);
    let held = common.sources.hold(&document, parse(Path::new(path), text));
    std::mem::forget(held);
    document
}

async fn store<B: Backend>(data: &Path, chaos: Chaos) -> (Store<B>, Common) {
    let common = Common::new(data, chaos);
    (Store::open(data, common.clone()).await.unwrap(), common)
}

async fn storing_twice_is_storing_once<B: Backend>() {
    let data = tempfile::tempdir().unwrap();
    let (store, common) = store::<B>(data.path(), Chaos::none()).await;
    let (a, b) = (
        document(&common, "/d/a.md", TEXT),
        document(&common, "/d/b.md", "b"),
    );
    let first = store.insert(&a).await.unwrap();
    assert_eq!(store.insert(&a).await.unwrap(), first);
    store.insert(&b).await.unwrap();
    let both = Entries::from([
        (a.id.clone(), a.hash.clone()),
        (b.id.clone(), b.hash.clone()),
    ]);
    assert_eq!(store.entries().await.unwrap(), both);

    store.delete(&a).await.unwrap();
    store.delete(&a).await.unwrap();
    let one = Entries::from([(b.id.clone(), b.hash.clone())]);
    assert_eq!(store.entries().await.unwrap(), one);
    drop(store);

    let (again, _) = self::store::<B>(data.path(), Chaos::none()).await;
    assert_eq!(
        again.entries().await.unwrap(),
        one,
        "after opening it again"
    );
}

/// An insert that nobody waits for any more runs to its end, and the delete comes after it.
async fn a_delete_is_never_overtaken<B: Backend>() {
    let data = tempfile::tempdir().unwrap();
    let (store, common) = store::<B>(data.path(), Chaos::none()).await;
    for number in 0..20 {
        let document = document(&common, &format!("/d/{number}.md"), TEXT);
        let mut insert = Box::pin(store.insert(&document));
        // Far enough to be handed over, and given up.
        let mut context = Context::from_waker(Waker::noop());
        assert!(insert.as_mut().poll(&mut context).is_pending());
        drop(insert);
        store.delete(&document).await.unwrap();
    }
    assert_eq!(store.entries().await.unwrap(), Entries::new());
}

/// A store whose inserts wait until they are let through.
struct Slow {
    gate: tokio::sync::Semaphore,
    done: std::sync::Mutex<Vec<&'static str>>,
}

impl Backend for Slow {
    const NAME: &'static str = "slow";
    const FILE: &'static str = "slow";

    async fn open(_file: &Path) -> Result<Self, Trouble> {
        Ok(Self {
            gate: tokio::sync::Semaphore::new(0),
            done: std::sync::Mutex::default(),
        })
    }

    async fn insert(&self, _: &Document, _: &Content) -> Result<u64, Trouble> {
        let _through = self.gate.acquire().await?;
        self.done.lock().unwrap().push("insert");
        Ok(0)
    }

    async fn delete(&self, _: &str) -> Result<(), Trouble> {
        self.done.lock().unwrap().push("delete");
        Ok(())
    }

    async fn entries(&self) -> Result<Entries, Trouble> {
        Ok(Entries::new())
    }
}

#[tokio::test]
async fn a_delete_waits_for_an_insert_that_was_given_up() {
    let data = tempfile::tempdir().unwrap();
    let (store, common) = store::<Slow>(data.path(), Chaos::none()).await;
    let document = document(&common, "/d/a.md", TEXT);
    let mut context = Context::from_waker(Waker::noop());
    let mut insert = Box::pin(store.insert(&document));
    assert!(insert.as_mut().poll(&mut context).is_pending());
    drop(insert);

    let mut delete = Box::pin(store.delete(&document));
    for _ in 0..10 {
        assert!(delete.as_mut().poll(&mut context).is_pending());
        tokio::task::yield_now().await;
    }
    assert_eq!(*store.backend.done.lock().unwrap(), [""; 0]);
    store.backend.gate.add_permits(1);
    delete.await.unwrap();
    assert_eq!(*store.backend.done.lock().unwrap(), ["insert", "delete"]);
}

/// Whatever goes wrong, a failed insert can be undone, and a repeated one succeeds at last.
async fn chaos_leaves_nothing_behind<B: Backend>() {
    let data = tempfile::tempdir().unwrap();
    let (store, common) = store::<B>(data.path(), Chaos::new(0.7, 5)).await;
    let patience = std::time::Duration::from_millis(20);
    let kept = document(&common, "/d/a.md", TEXT);
    let undone = document(&common, "/d/b.md", TEXT);
    for document in [&kept, &undone] {
        while !matches!(
            tokio::time::timeout(patience, store.insert(document)).await,
            Ok(Ok(_))
        ) {}
    }
    while !matches!(
        tokio::time::timeout(patience, store.delete(&undone)).await,
        Ok(Ok(()))
    ) {}
    assert!(common.attempts.repeated() > 0, "nothing went wrong");
    let one = Entries::from([(kept.id.clone(), kept.hash.clone())]);
    assert_eq!(store.entries().await.unwrap(), one);
}

macro_rules! every_store {
    ($($name:ident),*) => {
        $(mod $name {
            use super::*;
            #[tokio::test(flavor = "multi_thread")]
            async fn rows() {
                super::$name::<Rows>().await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn index() {
                super::$name::<Index>().await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn graph() {
                super::$name::<Graph>().await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn cache() {
                super::$name::<Cache>().await;
            }
        })*
    };
}

every_store!(
    storing_twice_is_storing_once,
    a_delete_is_never_overtaken,
    chaos_leaves_nothing_behind
);

#[tokio::test]
async fn each_store_answers_its_own_questions() {
    let data = tempfile::tempdir().unwrap();
    let library = crate::library::Library::open(data.path(), Chaos::none())
        .await
        .unwrap();
    let common = Common {
        sources: library.sources.clone(),
        ..Common::new(data.path(), Chaos::none())
    };
    let a = document(&common, "/d/a.md", TEXT);
    let b = document(
        &common,
        "/d/b.md",
        "Back to [a](a.md). \"Quotes\" OR nothing",
    );
    for document in [&a, &b] {
        library.rows.insert(document).await.unwrap();
        library.index.insert(document).await.unwrap();
        library.graph.insert(document).await.unwrap();
        library.cache.insert(document).await.unwrap();
    }

    let row = library.rows.current("/d/a.md").await.unwrap().unwrap();
    assert_eq!((row.document, row.title.as_str()), (a.clone(), "Tea"));
    assert_eq!(library.rows.named("a.md").await.unwrap().len(), 1);
    assert_eq!(library.rows.named(".md").await.unwrap().len(), 0);

    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
    let hits = library
        .index
        .search(&words(&["teas", "green"]), 9)
        .await
        .unwrap();
    assert_eq!(hits.iter().map(|hit| &hit.id).collect::<Vec<_>>(), [&a.id]);
    assert!(
        hits[0].passage.contains("\u{2}Green\u{3}"),
        "{}",
        hits[0].passage
    );
    assert_eq!(
        library
            .index
            .search(&words(&["\"quotes\" OR"]), 9)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        library
            .index
            .search(&words(&["green", "quotes"]), 9)
            .await
            .unwrap()
            .len(),
        0
    );

    let links = library.graph.links(&a).await.unwrap();
    assert_eq!(links.outgoing, ["/d/b.md", "/d/sub/c.md"]);
    assert_eq!(links.incoming, ["/d/b.md"]);
    library.graph.delete(&b).await.unwrap();
    assert_eq!(library.graph.links(&a).await.unwrap().incoming, [""; 0]);

    let summary = library.cache.summary(&a.id).await.unwrap().unwrap();
    assert_eq!(summary, "Tea\nGreen tea, see the other and a third.");
    assert_eq!(library.cache.summary("nothing").await.unwrap(), None);
}

#[tokio::test]
async fn when_the_disk_was_full_documents_are_deleted_and_not_stored() {
    let data = tempfile::tempdir().unwrap();
    let (store, common) = store::<Cache>(data.path(), Chaos::none()).await;
    common.reserve.fill().unwrap();
    let (a, b) = (
        document(&common, "/d/a.md", "a"),
        document(&common, "/d/b.md", "b"),
    );
    store.insert(&a).await.unwrap();
    let full = Trouble::from(std::io::Error::from_raw_os_error(28));
    store.failed(&full);
    assert!(
        store
            .insert(&b)
            .await
            .unwrap_err()
            .to_string()
            .contains("free some space")
    );
    store.delete(&a).await.unwrap();
    assert_eq!(store.entries().await.unwrap(), Entries::new());
}

#[tokio::test]
async fn a_damaged_file_is_named_with_what_to_do() {
    async fn refusal<B: Backend>() -> String {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(
            data.path().join(B::FILE),
            "this is no database, ".repeat(1000),
        )
        .unwrap();
        let store = Store::<B>::open(data.path(), Common::new(data.path(), Chaos::none()));
        store.await.err().unwrap().to_string()
    }
    for (file, refusal) in [
        ("rows.db: ", refusal::<Rows>().await),
        ("index.db: ", refusal::<Index>().await),
        ("graph.redb: ", refusal::<Graph>().await),
    ] {
        assert!(
            refusal.contains(file) && refusal.contains("the file is damaged"),
            "{refusal}"
        );
    }
}
