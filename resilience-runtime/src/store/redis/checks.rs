//! What is asked of every server before anything is entrusted to it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::{Cmd, RedisError, Value, cmd, from_redis_value_ref};

use super::connection::{Answered, Connection};
use crate::error::StoreError;
use crate::store::risk::{Accepted, Risk, Unopened};

/// The first version that runs a script although its memory is full.
const OLDEST: (u32, u32) = (7, 0);

/// How far a clock may be off.
const CLOCK: Duration = Duration::from_secs(60);

/// Refuses a server with a setting that is not accepted.
pub(super) async fn check(connection: &Connection, accepted: &Accepted) -> Result<(), Unopened> {
    for server in ask(connection).await? {
        let mut findings = server.findings();
        if let Some((risk, finding)) = findings.find(|(risk, _)| !accepted.covers(*risk)) {
            return Err(Unopened::Risky { risk, finding });
        }
    }
    Ok(())
}

/// What one server says of itself. `None` is what it does not tell this user.
#[derive(Debug, Default)]
struct Server {
    name: String,
    version: Option<String>,
    policy: Option<String>,
    /// Whether everything is written to a file at once, and whether it is from time to time.
    appends: Option<bool>,
    saves: Option<bool>,
    /// Between its clock and the one of this process.
    skew: Option<Duration>,
}

async fn ask(connection: &Connection) -> Result<Vec<Server>, StoreError> {
    let information = connection.ask_all(&cmd("INFO")).await?;
    let settings = connection.ask_all(&settings()).await?;
    let before = since_1970();
    let clocks = connection.ask_all(&cmd("TIME")).await?;
    let after = since_1970();
    let mut servers = Vec::new();
    for Answered { server, answer } in information {
        let mut found = Server::default();
        found.read_information(&strings(answer));
        // A cluster may have changed in between: then the others know.
        let of = |answers: &[Answered]| {
            let answer = answers.iter().find(|it| it.server == server);
            answer.map_or_else(Vec::new, |it| strings(it.answer.clone()))
        };
        found.read_settings(&of(&settings));
        found.read_clock(&of(&clocks), before, after);
        found.name = server;
        servers.push(found);
    }
    Ok(servers)
}

fn settings() -> Cmd {
    let mut question = cmd("CONFIG");
    question.arg("GET").arg("maxmemory-policy");
    question.arg("appendonly").arg("save");
    question
}

/// The strings of an answer; none of a refusal.
fn strings(answer: Result<Value, RedisError>) -> Vec<String> {
    let Ok(value) = answer else {
        return Vec::new();
    };
    match &value {
        Value::Map(pairs) => {
            let parts = pairs.iter().flat_map(|(name, value)| [name, value]);
            parts
                .filter_map(|it| from_redis_value_ref(it).ok())
                .collect()
        }
        Value::Array(parts) => {
            let parts = parts.iter();
            parts
                .filter_map(|it| from_redis_value_ref(it).ok())
                .collect()
        }
        one => from_redis_value_ref(one).into_iter().collect(),
    }
}

fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

impl Server {
    fn read_information(&mut self, answer: &[String]) {
        let lines = answer.first().map_or("", String::as_str).lines();
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            match name {
                "redis_version" => self.version = Some(value.to_owned()),
                "maxmemory_policy" => self.policy = Some(value.to_owned()),
                "aof_enabled" => self.appends = Some(value == "1"),
                _ => {}
            }
        }
    }

    fn read_settings(&mut self, answer: &[String]) {
        for pair in answer.chunks_exact(2) {
            match pair[0].as_str() {
                "maxmemory-policy" => self.policy = Some(pair[1].clone()),
                "appendonly" => self.appends = Some(pair[1] == "yes"),
                "save" => self.saves = Some(!pair[1].is_empty()),
                _ => {}
            }
        }
    }

    fn read_clock(&mut self, answer: &[String], before: Duration, after: Duration) {
        let [seconds, micros] = answer else { return };
        let (Ok(seconds), Ok(micros)) = (seconds.parse(), micros.parse()) else {
            return;
        };
        let there = Duration::from_secs(seconds) + Duration::from_micros(micros);
        self.skew = Some(
            there
                .saturating_sub(after)
                .max(before.saturating_sub(there)),
        );
    }

    /// What is wrong, worst first.
    fn findings(&self) -> impl Iterator<Item = (Risk, String)> {
        let findings = [
            self.unknown().map(|it| (Risk::Unknown, it)),
            self.version().map(|it| (Risk::OldServer, it)),
            self.eviction().map(|it| (Risk::Eviction, it)),
            self.persistence().map(|it| (Risk::NoPersistence, it)),
            self.clock().map(|it| (Risk::Clock, it)),
        ];
        findings.into_iter().flatten()
    }

    fn unknown(&self) -> Option<String> {
        let name = &self.name;
        let persists = self.appends == Some(true) || self.saves.is_some();
        if self.version.is_some() && self.policy.is_some() && persists {
            return None;
        }
        Some(format!(
            "the user may not ask Redis at {name} for its settings, so that nobody knows whether it evicts or \
             forgets records; allow it with `ACL SETUSER <user> +info +config|get`"
        ))
    }

    fn version(&self) -> Option<String> {
        let (name, version) = (&self.name, self.version.as_ref()?);
        let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
        let found = (numbers.next()?, numbers.next().unwrap_or(0));
        (found < OLDEST).then(|| {
            let (major, minor) = OLDEST;
            format!(
                "Redis at {name} is version {version}, and {major}.{minor} is the first one that stores a result \
                 although its memory is full; upgrade it"
            )
        })
    }

    fn eviction(&self) -> Option<String> {
        let (name, policy) = (&self.name, self.policy.as_ref()?);
        (policy != "noeviction").then(|| {
            format!(
                "Redis at {name} has `maxmemory-policy {policy}`: when its memory is full it forgets what ran, and it \
                 would run again; change it with `CONFIG SET maxmemory-policy noeviction`, or take a Redis of its own"
            )
        })
    }

    fn persistence(&self) -> Option<String> {
        let name = &self.name;
        (self.appends == Some(false) && self.saves == Some(false)).then(|| {
            format!(
                "Redis at {name} writes nothing to its disk: when it is restarted it has forgotten what ran; change \
                 it with `CONFIG SET appendonly yes`"
            )
        })
    }

    fn clock(&self) -> Option<String> {
        let (name, skew) = (&self.name, self.skew?);
        (skew > CLOCK).then(|| {
            format!(
                "the clock of Redis at {name} is {} s away from the clock of this machine; set both by NTP",
                skew.as_secs()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Server {
        Server {
            name: "db:6379".to_owned(),
            version: Some("7.0.15".to_owned()),
            policy: Some("noeviction".to_owned()),
            appends: Some(true),
            saves: None,
            skew: Some(Duration::ZERO),
        }
    }

    fn risks(server: &Server) -> Vec<Risk> {
        server.findings().map(|(risk, _)| risk).collect()
    }

    #[test]
    fn a_server_with_good_settings_is_no_risk() {
        assert_eq!(risks(&good()), []);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let of = |version: &str| Server {
            version: Some(version.to_owned()),
            ..good()
        };
        assert_eq!(risks(&of("6.2.14")), [Risk::OldServer]);
        assert_eq!(risks(&of("10.0.1")), []);
    }

    #[test]
    fn a_clock_is_compared_with_both_ends_of_the_question() {
        let mut server = good();
        let seconds = Duration::from_secs;
        let answer = ["1000".to_owned(), "0".to_owned()];
        server.read_clock(&answer, seconds(900), seconds(1100));
        assert_eq!(server.skew, Some(Duration::ZERO));
        server.read_clock(&answer, seconds(1061), seconds(1062));
        assert_eq!(risks(&server), [Risk::Clock]);
        server.read_clock(&answer, seconds(800), seconds(939));
        assert_eq!(risks(&server), [Risk::Clock]);
    }
}
