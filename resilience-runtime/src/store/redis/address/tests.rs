use super::*;

fn topology(url: &str) -> Topology {
    let parts = Parts::of(url).unwrap_or_else(|fault| panic!("{url}: {fault}"));
    parts.address.topology
}

fn host(name: &str, port: u16) -> Host {
    Host {
        name: name.to_owned(),
        port,
    }
}

#[test]
fn one_server_has_a_port_a_database_and_a_user() {
    assert_eq!(topology("redis://db"), Topology::Single(host("db", 6379)));
    let parts = Parts::of("redis://app:p%40ss%2Fword@[::1]:7000/3").map(|it| it.address);
    let Ok(address) = parts else {
        panic!("it is a URL");
    };
    assert_eq!(address.topology, Topology::Single(host("::1", 7000)));
    assert_eq!(address.access.user.as_deref(), Some("app"));
    assert_eq!(address.access.password.as_deref(), Some("p@ss/word"));
    assert_eq!(address.access.database, 3);
}

#[test]
fn sentinels_have_a_master() {
    let expected = Topology::Sentinel {
        sentinels: vec![host("a", 1), host("b", 26379)],
        master: "orders".to_owned(),
    };
    assert_eq!(topology("redis-sentinel://:x@a:1,b/orders/2"), expected);
}

#[test]
fn a_cluster_has_several_nodes() {
    let expected = Topology::Cluster(vec![host("a", 1), host("b", 2)]);
    assert_eq!(topology("rediss-cluster://a:1,b:2/"), expected);
}

#[test]
fn what_is_wrong_is_said_without_the_url() {
    for url in [
        "redis:hunter2",
        "redis://hunter2@db",
        "redis://u:%hunter2@db",
        "redis://u:hunter2@a,b",
        "redis-sentinel://u:hunter2@a,b",
        "redis-cluster://u:hunter2@a/3",
        "redis://db?password=hunter2",
        "redis://db?ca=hunter2",
        "redis://u:hunter2@db:port",
        "redis://u:hunter2@",
    ] {
        let Err(error) = Address::parse(url) else {
            panic!("{url} was read");
        };
        let text = error.to_string();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("reading the URL of Redis"), "{text}");
    }
}
