//! Three private Redis that share the keys.

use super::{Persistence, Redis, free_port};
use crate::wait;

/// Three masters without replicas, killed when dropped. Starting takes two seconds: a cluster does not take writes
/// earlier.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Redis>,
}

/// The first slot of each node, and the one after its last.
const SLOTS: [(u16, u16); 3] = [(0, 5461), (5461, 10923), (10923, 16384)];

impl Cluster {
    /// A cluster that takes writes; `None` where Redis is not installed.
    ///
    /// # Panics
    /// When it does not start, or is missing and required.
    #[track_caller]
    #[must_use]
    pub fn start() -> Option<Self> {
        let mut nodes = Vec::new();
        for _ in SLOTS {
            // The port of the cluster's own protocol would be 10,000 above the other one, which may be none.
            let bus = free_port().to_string();
            let arguments = ["--cluster-enabled", "yes", "--cluster-port", &bus];
            let more = ["--cluster-node-timeout", "1000"];
            let arguments = [&arguments[..], &more[..]].concat();
            nodes.push((Redis::start_with(Persistence::None, &arguments)?, bus));
        }
        for (number, ((node, _), (first, end))) in nodes.iter().zip(SLOTS).enumerate() {
            let (first, last) = (first.to_string(), (end - 1).to_string());
            ok(node, &["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            let epoch = (number + 1).to_string();
            ok(node, &["CLUSTER", "SET-CONFIG-EPOCH", &epoch]);
        }
        let (first, others) = nodes.split_first().expect("three nodes");
        for (node, bus) in others {
            let port = node.port().to_string();
            ok(&first.0, &["CLUSTER", "MEET", "127.0.0.1", &port, bus]);
        }
        let cluster = Self {
            nodes: nodes.into_iter().map(|(node, _)| node).collect(),
        };
        cluster.until_whole();
        Some(cluster)
    }

    /// `redis-cluster://127.0.0.1:…,127.0.0.1:…,…/`
    #[must_use]
    pub fn url(&self) -> String {
        let nodes = self.nodes.iter();
        let nodes: Vec<String> = nodes.map(|it| format!("127.0.0.1:{}", it.port())).collect();
        format!("redis-cluster://{}/", nodes.join(","))
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// One of them, to be killed and restarted.
    #[must_use]
    pub fn node(&mut self, number: usize) -> &mut Redis {
        &mut self.nodes[number]
    }

    /// Waits until it takes writes.
    ///
    /// # Panics
    /// When that takes too long.
    pub fn until_whole(&self) {
        for node in &self.nodes {
            wait::until("the cluster to be whole", || {
                let info = node.ask(&["CLUSTER", "INFO"]);
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            });
        }
    }
}

fn ok(node: &Redis, command: &[&str]) {
    let answer = node.ask(command);
    assert_eq!(answer, "+OK", "{command:?}");
}
