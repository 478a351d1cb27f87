//! Several servers that share the keys.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redis::{Cmd, ErrorKind, RedisError, Value, cmd};
use tokio::time::{Instant, timeout_at};

use super::super::address::{Access, Host};
use super::super::script::Call;
use super::failure::{Failure, Next};
use super::link::Link;
use super::{Answered, Limits, Origin, slot};

/// The nodes, and who has which slots.
pub(super) struct Cluster {
    access: Access,
    seeds: Vec<Host>,
    limits: Limits,
    state: Mutex<State>,
    /// Held while the map is asked for, so that one caller asks for all.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    links: HashMap<Host, Arc<Link>>,
    map: Map,
    /// Which link listeners got last.
    posts: usize,
}

/// Ranges of slots, in order.
#[derive(Default)]
struct Map {
    ranges: Vec<Range>,
    /// Counts the maps.
    version: u64,
}

struct Range {
    first: u16,
    last: u16,
    master: Host,
}

impl Map {
    fn master_of(&self, slot: u16) -> Option<Host> {
        let range = self
            .ranges
            .iter()
            .find(|it| it.first <= slot && slot <= it.last);
        range.map(|range| range.master.clone())
    }
}

impl Cluster {
    pub(super) fn new(access: Access, seeds: Vec<Host>, limits: Limits) -> Self {
        Self {
            access,
            seeds,
            limits,
            state: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        }
    }

    /// Runs a script on the master of its keys.
    pub(super) async fn run(
        &self,
        call: &Call<'_>,
        and: Option<&Cmd>,
        until: Instant,
    ) -> Result<Value, Failure> {
        let slot = slot::of(call.keys.first().map_or("", String::as_str));
        let (host, version) = self.master_of(slot, until).await?;
        let failure = match self.link(&host).run(call, and, until).await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        let (next, redirected) = match &failure.next {
            Next::Moved(to) => {
                let to = completed(to, &host);
                // The rest of the map has most likely changed with it.
                self.refresh(version, until).await?;
                (Next::Again, self.link(&to).run(call, and, until).await)
            }
            Next::Ask(to) => {
                let to = completed(to, &host);
                (
                    Next::Later,
                    self.link(&to).run_asking(call, and, until).await,
                )
            }
            _ => {
                if failure.next != Next::GiveUp {
                    // A node that is gone has been or will be replaced.
                    let _ = self.refresh(version, until).await;
                }
                return Err(Failure {
                    next: later(&failure.next),
                    ..failure
                });
            }
        };
        redirected.map_err(|failure| match failure.next {
            Next::GiveUp => failure,
            _ => Failure { next, ..failure },
        })
    }

    /// Asks every master.
    pub(super) async fn ask_all(
        &self,
        question: &Cmd,
        until: Instant,
    ) -> Result<Vec<Answered>, Failure> {
        self.master_of(0, until).await?;
        let mut masters: Vec<Host> = Vec::new();
        for range in &self.state().map.ranges {
            if !masters.contains(&range.master) {
                masters.push(range.master.clone());
            }
        }
        let mut answers = Vec::new();
        for master in masters {
            let answer = self.link(&master).ask(question, until).await?;
            let server = master.to_string();
            answers.push(Answered { server, answer });
        }
        Ok(answers)
    }

    /// A node, another one each time.
    pub(super) fn any_origin(&self) -> Origin {
        let mut state = self.state();
        state.posts += 1;
        let masters = state.map.ranges.iter().map(|range| &range.master);
        let hosts: Vec<&Host> = masters.chain(&self.seeds).collect();
        let host = hosts[state.posts % hosts.len()].clone();
        Origin::Node(self.access.clone(), host)
    }

    /// The master of a slot, and the version of the map that says so.
    async fn master_of(&self, slot: u16, until: Instant) -> Result<(Host, u64), Failure> {
        let version = {
            let state = self.state();
            if let Some(host) = state.map.master_of(slot) {
                return Ok((host, state.map.version));
            }
            state.map.version
        };
        self.refresh(version, until).await?;
        let state = self.state();
        let host = state.map.master_of(slot).ok_or_else(|| Failure {
            error: RedisError::from((ErrorKind::Io, "no node of the cluster has the slot")),
            may_have_run: false,
            next: Next::Later,
        })?;
        Ok((host, state.map.version))
    }

    /// Gets a map that is newer than `version`, from whoever answers.
    async fn refresh(&self, version: u64, until: Instant) -> Result<(), Failure> {
        // Where nobody answers, callers would wait for each other's patience.
        let patience = until.max(Instant::now() + self.limits.connect / 2);
        let Ok(_asking) = timeout_at(patience, self.asking.lock()).await else {
            let error = RedisError::from((ErrorKind::Io, "no node of the cluster answers"));
            return Err(Failure::unreachable(error));
        };
        if self.state().map.version != version {
            return Ok(());
        }
        let mut question = cmd("CLUSTER");
        question.arg("SLOTS");
        let mut failed = None;
        for host in self.nodes() {
            match self.link(&host).ask(&question, until).await {
                Ok(Ok(answer)) => {
                    let ranges = ranges(&answer, &host);
                    if !ranges.is_empty() {
                        self.learn(ranges);
                        return Ok(());
                    }
                }
                Ok(Err(error)) => failed = Some(Failure::of(error).0),
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        Err(failed.unwrap_or_else(|| Failure {
            error: RedisError::from((
                ErrorKind::InvalidClientConfig,
                "the server is not part of a cluster",
            )),
            may_have_run: false,
            next: Next::GiveUp,
        }))
    }

    /// Who can be asked for the map: first the nodes that are known and connected, then the seeds.
    fn nodes(&self) -> Vec<Host> {
        let state = self.state();
        let mut known: Vec<Host> = state.links.keys().cloned().collect();
        known.sort_by_key(|host| !state.links[host].is_up());
        for seed in &self.seeds {
            if !known.contains(seed) {
                known.push(seed.clone());
            }
        }
        known
    }

    fn learn(&self, ranges: Vec<Range>) {
        let mut state = self.state();
        state
            .links
            .retain(|host, link| link.is_up() || ranges.iter().any(|range| range.master == *host));
        state.map.ranges = ranges;
        state.map.version += 1;
    }

    fn link(&self, host: &Host) -> Arc<Link> {
        let mut state = self.state();
        let link = state.links.entry(host.clone()).or_insert_with(|| {
            let origin = Origin::Node(self.access.clone(), host.clone());
            Arc::new(Link::start(origin, self.limits))
        });
        Arc::clone(link)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is worth another try is worth a pause, in which nodes find out about each other.
fn later(next: &Next) -> Next {
    match next {
        Next::GiveUp => Next::GiveUp,
        _ => Next::Later,
    }
}

/// A node that does not know its own name leaves it empty: it is the one that was asked.
fn completed(to: &Host, asked: &Host) -> Host {
    let name = if to.name.is_empty() {
        &asked.name
    } else {
        &to.name
    };
    Host {
        name: name.clone(),
        port: to.port,
    }
}

/// Reads the answer to `CLUSTER SLOTS`.
fn ranges(answer: &Value, asked: &Host) -> Vec<Range> {
    let Value::Array(entries) = answer else {
        return Vec::new();
    };
    entries.iter().filter_map(|it| range(it, asked)).collect()
}

fn range(entry: &Value, asked: &Host) -> Option<Range> {
    let Value::Array(parts) = entry else {
        return None;
    };
    let [
        Value::Int(first),
        Value::Int(last),
        Value::Array(master),
        ..,
    ] = parts.as_slice()
    else {
        return None;
    };
    let [name, Value::Int(port), ..] = master.as_slice() else {
        return None;
    };
    let name = match name {
        Value::BulkString(name) => String::from_utf8(name.clone()).ok()?,
        Value::SimpleString(name) => name.clone(),
        _ => String::new(),
    };
    let name = if name == "?" { String::new() } else { name };
    let master = Host {
        name,
        port: u16::try_from(*port).ok()?,
    };
    Some(Range {
        first: u16::try_from(*first).ok()?,
        last: u16::try_from(*last).ok()?,
        master: completed(&master, asked),
    })
}
