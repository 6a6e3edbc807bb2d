//! A put on condition that something is there, decided where it is written.

use serde_json::json;

use super::super::super::tests::registry;
use super::super::super::*;
use super::service;
use crate::ErrorKind;
use crate::store::testing::{Fresh, on_both_databases};

on_both_databases!(
    what_is_not_there_is_not_put_in_place_of,
    whoever_is_put_behind_a_deletion_is_refused,
);

fn present(name: &str) -> PutService {
    PutService {
        if_present: Some(true),
        ..service("api", name)
    }
}

async fn what_is_not_there_is_not_put_in_place_of(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let lost = registry.put_service(present("one")).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Aborted);
    assert_eq!(lost.details().unwrap()["current"], json!(null));
    let listed = registry.list_services().await.unwrap();
    assert_eq!((listed.services, listed.revision), (vec![], 0));

    let first = registry.put_service(service("api", "one")).await.unwrap();
    let second = registry.put_service(present("two")).await.unwrap();
    assert_eq!(second.name, "two");
    assert_eq!(registry.get_service("api").await.unwrap(), second);
    // A version says as much, and more.
    let stale = PutService {
        if_version: Some(first.resource_version),
        ..present("three")
    };
    let lost = registry.put_service(stale).await.unwrap_err();
    assert_eq!(lost.details().unwrap()["current"], json!(second));
    for (if_version, if_present) in [(None, Some(true)), (Some(2), None), (Some(2), Some(true))] {
        let both = PutService {
            if_version,
            if_absent: Some(true),
            if_present,
            ..service("api", "three")
        };
        let refused = registry.put_service(both).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        assert!(refused.message().starts_with("ifAbsent: "), "{refused}");
    }
    assert_eq!(registry.get_service("api").await.unwrap(), second);
}

/// However many race each other, and whatever becomes of their transactions.
async fn whoever_is_put_behind_a_deletion_is_refused(fresh: Fresh) {
    let (one, other) = (registry(&fresh.open().await), registry(&fresh.open().await));
    for round in 0..20 {
        one.put_service(service("api", "first")).await.unwrap();
        // What one engine remembers, the other one deletes.
        let delete = DeleteEntry {
            id: "api".into(),
            if_version: None,
        };
        let name = format!("again {round}");
        let (put, deleted) = tokio::join!(
            one.put_service(present(&name)),
            other.delete_service(delete)
        );
        let deleted = deleted.unwrap();
        match put {
            Ok(put) => assert_eq!(deleted, put, "it was put before it was deleted"),
            Err(lost) => {
                assert_eq!(lost.kind(), ErrorKind::Aborted);
                assert_eq!(deleted.name, "first");
            }
        }
        let missing = one.get_service("api").await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }
}
