//! The order of writes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{Handle, TryCurrentError};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// Writes that are carried out whoever waits for them, those to one saga in the order in which they were
/// handed over.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    /// The last of each line: its number, and when it is done.
    ends: Arc<Mutex<HashMap<String, End>>>,
    /// How many are under way.
    under_way: watch::Sender<u64>,
}

#[derive(Debug)]
struct End {
    number: u64,
    done: oneshot::Receiver<()>,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self {
            ends: Arc::default(),
            under_way: watch::Sender::new(0),
        }
    }

    /// Puts `write` at the end of the line `name`.
    pub(crate) fn enter<F>(
        &self,
        name: &str,
        write: F,
    ) -> Result<JoinHandle<F::Output>, TryCurrentError>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let runtime = Handle::try_current()?;
        let (before, place) = self.place(name);
        Ok(runtime.spawn(async move {
            if let Some(before) = before {
                // An error says that it is done, too.
                let _ = before.await;
            }
            let answer = write.await;
            drop(place);
            answer
        }))
    }

    /// Resolves when nothing is under way.
    pub(crate) async fn finish(&self) {
        let mut under_way = self.under_way.subscribe();
        // An error would say that there is no line any more.
        let _ = under_way.wait_for(|count| *count == 0).await;
    }

    fn place(&self, name: &str) -> (Option<oneshot::Receiver<()>>, Place) {
        let (done, next) = oneshot::channel();
        let mut ends = self.ends();
        let before = ends.remove(name);
        let number = before.as_ref().map_or(0, |before| before.number + 1);
        ends.insert(name.to_owned(), End { number, done: next });
        drop(ends);
        self.under_way.send_modify(|count| *count += 1);
        let place = Place {
            lines: self.clone(),
            name: name.to_owned(),
            number,
            _done: done,
        };
        (before.map(|before| before.done), place)
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<String, End>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped when the write is done, or can never be: the next one begins.
struct Place {
    lines: Lines,
    name: String,
    number: u64,
    _done: oneshot::Sender<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut ends = self.lines.ends();
        if ends
            .get(&self.name)
            .is_some_and(|end| end.number == self.number)
        {
            ends.remove(&self.name);
        }
        drop(ends);
        self.lines.under_way.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_line_keeps_its_order_and_leaves_nothing_behind() {
        let lines = Lines::new();
        let log = Arc::new(Mutex::new(Vec::new()));
        for number in 0..100 {
            let log = Arc::clone(&log);
            let write = async move {
                tokio::task::yield_now().await;
                log.lock().unwrap().push(number);
            };
            // Nobody waits for it.
            drop(lines.enter("saga", write).unwrap());
        }
        lines.finish().await;
        assert_eq!(*log.lock().unwrap(), (0..100).collect::<Vec<_>>());
        assert!(lines.ends().is_empty());
    }

    #[tokio::test]
    async fn one_line_does_not_wait_for_another() {
        let lines = Lines::new();
        let stuck = lines.enter("a", std::future::pending::<()>()).unwrap();
        lines.enter("b", async {}).unwrap().await.unwrap();
        let after = lines.enter("a", async {}).unwrap();
        stuck.abort();
        after.await.unwrap();
        lines.finish().await;
    }
}
