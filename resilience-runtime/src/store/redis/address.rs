//! From a URL to servers, and to what is needed to be let in.

use std::fmt;

use redis::{
    Client, ConnectionAddr, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo,
    RedisResult, TlsCertificates,
};

use crate::error::StoreError;

/// What a URL names.
pub(crate) struct Address {
    pub(super) topology: Topology,
    pub(super) access: Access,
    /// What every key and channel begins with.
    pub(super) prefix: String,
}

/// How the servers stand to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Topology {
    Single(Host),
    Sentinel {
        sentinels: Vec<Host>,
        master: String,
    },
    Cluster(Vec<Host>),
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = match self {
            Self::Single(host) => std::slice::from_ref(host),
            Self::Sentinel { sentinels, .. } => sentinels,
            Self::Cluster(hosts) => hosts,
        };
        for (index, host) in hosts.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{host}")?;
        }
        Ok(())
    }
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.port)
    }
}

/// How one gets in. It has no `Debug`: it holds passwords.
#[derive(Clone, Default)]
pub(super) struct Access {
    encrypted: bool,
    /// Whom to trust, instead of the authorities of the web: certificates in PEM.
    authorities: Option<Vec<u8>>,
    user: Option<String>,
    password: Option<String>,
    database: i64,
    sentinel_user: Option<String>,
    sentinel_password: Option<String>,
}

/// What keys begin with, unless the URL says otherwise.
const PREFIX: &str = "resilience";

const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// What is wrong with a URL.
type Fault = &'static str;

impl Address {
    /// Reads `url`. The errors quote nothing of it: it may hold a password.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        let mut parts = Parts::of(url)
            .map_err(|fault| StoreError::refused("reading the URL of Redis", fault))?;
        if let Some(path) = parts.authorities.take() {
            let pem = std::fs::read(path)
                .map_err(|error| StoreError::refused("reading the file that `ca` names", error))?;
            parts.address.access.authorities = Some(pem);
        }
        if parts.address.access.encrypted {
            choose_cryptography();
        }
        Ok(parts.address)
    }
}

/// rustls has several providers and panics where it cannot tell which one is meant.
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may be faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

impl Access {
    /// A client for a Redis.
    pub(super) fn client(&self, host: &Host) -> RedisResult<Client> {
        let login = login(self.user.as_deref(), self.password.as_deref()).set_db(self.database);
        self.client_with(host, login)
    }

    /// A client for a Sentinel, which has users of its own.
    pub(super) fn sentinel_client(&self, host: &Host) -> RedisResult<Client> {
        let login = login(
            self.sentinel_user.as_deref(),
            self.sentinel_password.as_deref(),
        );
        self.client_with(host, login)
    }

    fn client_with(&self, host: &Host, login: RedisConnectionInfo) -> RedisResult<Client> {
        let Host { name, port } = host.clone();
        if !self.encrypted {
            let info = ConnectionAddr::Tcp(name, port).into_connection_info()?;
            return Client::open(info.set_redis_settings(login));
        }
        let address = ConnectionAddr::TcpTls {
            host: name,
            port,
            insecure: false,
            tls_params: None,
        };
        let info = address.into_connection_info()?.set_redis_settings(login);
        match &self.authorities {
            None => Client::open(info),
            Some(pem) => Client::build_with_tls(
                info,
                TlsCertificates {
                    client_tls: None,
                    root_cert: Some(pem.clone()),
                },
            ),
        }
    }
}

fn login(user: Option<&str>, password: Option<&str>) -> RedisConnectionInfo {
    let login = RedisConnectionInfo::default()
        .set_protocol(ProtocolVersion::RESP3)
        .set_skip_set_lib_name();
    let login = match user {
        Some(user) => login.set_username(user),
        None => login,
    };
    match password {
        Some(password) => login.set_password(password),
        None => login,
    }
}

/// An address whose files have not been read.
struct Parts {
    address: Address,
    authorities: Option<String>,
}

impl Parts {
    fn of(url: &str) -> Result<Self, Fault> {
        let (scheme, rest) = url.split_once("://").ok_or("it has no `://`")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut access = Access {
            encrypted: scheme.starts_with("rediss"),
            ..Access::default()
        };
        let mut authorities = None;
        let mut prefix = PREFIX.to_owned();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or("an option has no `=`")?;
            let value = decoded(value)?;
            match name {
                // A brace would decide the slot, a line feed end the topic.
                "prefix" if value.contains(['{', '}', '\n']) => {
                    return Err("`prefix` has a brace or a line feed");
                }
                "prefix" => prefix = value,
                "ca" if access.encrypted => authorities = Some(value),
                "ca" => return Err("`ca` is for `rediss` URLs, which are encrypted"),
                "sentinel_user" => access.sentinel_user = Some(value),
                "sentinel_password" => access.sentinel_password = Some(value),
                _ => {
                    return Err(
                        "it has an option other than `prefix`, `ca`, `sentinel_user` and `sentinel_password`",
                    );
                }
            }
        }
        // A password may have been written with an `@` of its own.
        let rest = match rest.rsplit_once('@') {
            None => rest,
            Some((login, rest)) => {
                let (user, password) = login
                    .split_once(':')
                    .ok_or("before the `@` there is no `user:password` and no `:password`")?;
                access.user = (!user.is_empty()).then(|| decoded(user)).transpose()?;
                access.password = Some(decoded(password)?);
                rest
            }
        };
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let topology = match scheme {
            "redis" | "rediss" => {
                access.database = database(path)?;
                match hosts_of(hosts, REDIS_PORT)?.as_slice() {
                    [host] => Topology::Single(host.clone()),
                    _ => {
                        return Err(
                            "it names several servers; write `redis-cluster://` or `redis-sentinel://`",
                        );
                    }
                }
            }
            "redis-sentinel" | "rediss-sentinel" => {
                let (master, path) = path.split_once('/').unwrap_or((path, ""));
                if master.is_empty() {
                    return Err(
                        "it lacks the name of the master: `redis-sentinel://host/mymaster`",
                    );
                }
                access.database = database(path)?;
                Topology::Sentinel {
                    sentinels: hosts_of(hosts, SENTINEL_PORT)?,
                    master: decoded(master)?,
                }
            }
            "redis-cluster" | "rediss-cluster" => {
                if database(path)? != 0 {
                    return Err("a cluster has only the database 0");
                }
                Topology::Cluster(hosts_of(hosts, REDIS_PORT)?)
            }
            _ => return Err("its scheme is none of Redis"),
        };
        Ok(Self {
            address: Address {
                topology,
                access,
                prefix,
            },
            authorities,
        })
    }
}

fn database(path: &str) -> Result<i64, Fault> {
    match path {
        "" => Ok(0),
        number => number
            .parse::<u32>()
            .map(i64::from)
            .map_err(|_| "the database after the last `/` is not a number"),
    }
}

fn hosts_of(list: &str, port: u16) -> Result<Vec<Host>, Fault> {
    list.split(',').map(|text| host_of(text, port)).collect()
}

fn host_of(text: &str, default: u16) -> Result<Host, Fault> {
    // An IPv6 address has colons of its own, and stands in brackets.
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']').ok_or("a `[` has no `]`")?;
            (name, port.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        },
    };
    if name.is_empty() {
        return Err("a server has no name");
    }
    let port = match port {
        None => default,
        Some(port) => port
            .parse()
            .map_err(|_| "what stands after a server's `:` is not a port (a `/`, `?`, `@` or `:` in a password is written as %2F, %3F, %40, %3A)")?,
    };
    Ok(Host {
        name: name.to_owned(),
        port,
    })
}

/// Without its percent signs.
fn decoded(text: &str) -> Result<String, Fault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        rest = others;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let byte = rest
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or("a `%` is not followed by two hexadecimal digits")?;
        bytes.push(byte);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8")
}

#[cfg(test)]
mod tests;
