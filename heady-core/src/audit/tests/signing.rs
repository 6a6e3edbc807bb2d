//! When checkpoints are made, with which key, and what lists and exports say.

use std::time::Duration;

use super::super::chain::{Fields, is_canonical};
use super::super::key::{KeyPlace, KeyRing};
use super::super::verify::Verifying;
use super::*;
use crate::store::{Sql, time_text};
use crate::types::now;

on_both_databases!(
    a_running_engine_signs_what_it_appends,
    a_closing_engine_signs_what_is_left,
    a_key_is_made_once,
    lists_are_filtered,
    a_log_that_is_signed_meanwhile_is_whole,
    a_log_that_waits_for_its_first_checkpoint_is_whole,
    a_reader_signs_only_as_before,
    a_key_is_compared_until_it_was,
);

/// Any JSON, with numbers and keys that RFC 8785 treats in its own way among it.
fn any_details() -> impl proptest::strategy::Strategy<Value = serde_json::Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        ((1_i64 << 53) - 2..(1_i64 << 53) + 3).prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        any::<String>().prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        let keys = prop_oneof!["[a-c]{0,2}", any::<String>()];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| json!(items)),
            prop::collection::btree_map(keys, inner, 0..5).prop_map(|map| json!(map)),
        ]
    })
}

/// The log as an engine with this key has it.
fn signed(store: &Store, folder: &tempfile::TempDir) -> Audit {
    Audit::new(store.clone()).with_key(folder.path().join("key"))
}

async fn newest(audit: &Audit) -> Option<AuditCheckpoint> {
    let page = audit.checkpoints(CheckpointQuery::default()).await.unwrap();
    page.checkpoints.into_iter().next()
}

async fn a_running_engine_signs_what_it_appends(fresh: Fresh) {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh.open().await;
    let audit = signed(&store, &folder);
    audit.start();
    audit.start();
    for rows in 1..=2 {
        append_alone(&store, 1).await;
        for _ in 0..200 {
            if newest(&audit)
                .await
                .is_some_and(|checkpoint| checkpoint.rows == rows)
            {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(newest(&audit).await.unwrap().rows, rows);
    }
    // Nothing happened since, so nothing is signed.
    audit.close().await;
    let page = audit.checkpoints(CheckpointQuery::default()).await.unwrap();
    assert_eq!(page.checkpoints.len(), 2);
}

async fn a_closing_engine_signs_what_is_left(fresh: Fresh) {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh.open().await;
    let audit = signed(&store, &folder);
    append_alone(&store, 1).await;
    assert_eq!(newest(&audit).await, None);
    audit.close().await;
    let audit = signed(&fresh.open().await, &folder);
    assert_eq!(newest(&audit).await.unwrap().rows, 1);
    let report = audit.verify(VerifyAudit::default()).await.unwrap();
    assert_eq!((report.ok, report.checkpoints), (true, 1));
}

async fn a_key_is_made_once(fresh: Fresh) {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh.open().await;
    let path = folder.path().join("key");
    let signing: Vec<_> = (0..8)
        .map(|_| {
            let audit = Audit::new(store.clone()).with_key(path.clone());
            tokio::spawn(async move { audit.checkpoint().await.unwrap().public_key })
        })
        .collect();
    let mut keys = std::collections::BTreeSet::new();
    for key in signing {
        keys.insert(key.await.unwrap());
    }
    assert_eq!(keys.len(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("KEY+h", "KEY+k")).unwrap();
    let error = Audit::new(store.clone())
        .with_key(path)
        .checkpoint()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "FAILED_PRECONDITION");
    // PRIVATE+KEY+<name>+<id>+<base64>, which may have a '+' of its own.
    let secret = text.trim_end().splitn(5, '+').nth(4).unwrap();
    assert!(secret.len() > 40);
    assert!(!format!("{error:?}").contains(secret));
    let nowhere = Audit::new(store).with_key(folder.path().join("no/such/folder/key"));
    assert_eq!(nowhere.checkpoint().await.unwrap_err().code(), "NOT_FOUND");
}

async fn lists_are_filtered(fresh: Fresh) {
    let store = fresh.open().await;
    let audit = Audit::new(store.clone());
    append_alone(&store, 3).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let between = now();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let failed = Record::new("other", "IMPORT", "registry:x", "FAILED");
    store
        .write(move |transaction| Box::pin(async move { append(transaction, &[failed]).await }))
        .await
        .unwrap();
    append_alone(&store, 2).await;
    let count = |query: AuditQuery| {
        let audit = audit.clone();
        async move { audit.list(query).await.unwrap().entries.len() }
    };
    let all = AuditQuery::default;
    let of = |text: &str| Some(text.to_owned());
    assert_eq!(count(all()).await, 6);
    assert_eq!(
        count(AuditQuery {
            since: Some(between),
            ..all()
        })
        .await,
        3
    );
    assert_eq!(
        count(AuditQuery {
            until: Some(between),
            ..all()
        })
        .await,
        3
    );
    assert_eq!(
        count(AuditQuery {
            actor: of("other"),
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        count(AuditQuery {
            status: of("FAILED"),
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        count(AuditQuery {
            target: of("service:1"),
            ..all()
        })
        .await,
        2
    );
    let both = AuditQuery {
        target: of("service:1"),
        since: Some(between),
        action: of("CONFIG_CHANGE"),
        ..all()
    };
    assert_eq!(count(both).await, 1);
    // Page by page, each entry once.
    let (mut seen, mut cursor) = (vec![], None);
    loop {
        let page = audit
            .list(AuditQuery {
                limit: Some(2),
                cursor,
                ..all()
            })
            .await
            .unwrap();
        seen.extend(page.entries.into_iter().map(|entry| entry.seq));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, [6, 5, 4, 3, 2, 1]);
}

/// The first checkpoint, and with it the key, is made after a verifier has read which keys to trust.
async fn a_log_that_is_signed_meanwhile_is_whole(fresh: Fresh) {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh.open().await;
    append_alone(&store, 1).await;
    let path = folder.path().join("key");
    let reader = KeyRing::new(KeyPlace::File(path.clone()));
    for (ring, from) in [
        (&KeyRing::new(KeyPlace::Nowhere), KeySource::Database),
        (&reader, KeySource::Engine),
    ] {
        let verifying = Verifying::begin(&store, ring, VerifyAudit::default());
        let verifying = verifying.await.unwrap();
        signed(&store, &folder).checkpoint().await.unwrap();
        let report = verifying.finish().await.unwrap();
        assert_eq!(report.first_fault, None);
        assert_eq!((report.ok, report.keys_from), (true, from));
        assert_eq!(report.public_keys.len(), 1);
        std::fs::remove_file(&path).unwrap();
        let cleared = "DELETE FROM audit_checkpoints";
        let texts = vec![
            Sql::of(
                "DROP TRIGGER IF EXISTS audit_checkpoints_delete",
                "DROP TRIGGER IF EXISTS audit_checkpoints_delete ON audit_checkpoints",
            ),
            cleared.into(),
        ];
        execute(&store, texts).await;
    }
}

/// There is a key before there is a row, and the first checkpoint comes within a second.
async fn a_log_that_waits_for_its_first_checkpoint_is_whole(fresh: Fresh) {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh.open().await;
    let audit = signed(&store, &folder);
    audit.signer.ring.private().await.unwrap();
    append_alone(&store, 1).await;
    let verifying = tokio::spawn({
        let audit = audit.clone();
        async move { audit.verify(VerifyAudit::default()).await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    audit.checkpoint().await.unwrap();
    let report = verifying.await.unwrap();
    assert_eq!(report.first_fault, None);
    assert_eq!((report.ok, report.checkpoints), (true, 1));
}

async fn a_reader_signs_only_as_before(fresh: Fresh) {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = fresh.open().await;
    append_alone(&store, 1).await;
    let audit = signed(&store, &folder);
    let refused = async |audit: &Audit| {
        let error = audit.checkpoint_as_before().await.unwrap_err();
        assert_eq!(error.code(), "FAILED_PRECONDITION", "{error}");
    };
    refused(&audit).await;
    assert!(!folder.path().join("key").exists());
    // There is a key, and nobody signed before.
    audit.signer.ring.private().await.unwrap();
    audit.checkpoint_as_before().await.unwrap();
    signed(&store, &folder)
        .checkpoint_as_before()
        .await
        .unwrap();
    // The log is here, but another's key.
    let copy = signed(&store, &other);
    refused(&copy).await;
    copy.signer.ring.private().await.unwrap();
    refused(&copy).await;
    let report = audit.verify(VerifyAudit::default()).await.unwrap();
    assert_eq!((report.ok, report.checkpoints), (true, 2));
}

/// An error while the key is compared with those that signed before is no reason never to warn.
async fn a_key_is_compared_until_it_was(fresh: Fresh) {
    let folder = tempfile::tempdir().unwrap();
    let store = fresh.open().await;
    let audit = signed(&store, &folder);
    execute(
        &store,
        vec!["ALTER TABLE audit_checkpoints RENAME TO hidden".into()],
    )
    .await;
    audit.checkpoint().await.unwrap_err();
    assert!(!audit.signer.is_known());
    execute(
        &store,
        vec!["ALTER TABLE hidden RENAME TO audit_checkpoints".into()],
    )
    .await;
    audit.checkpoint().await.unwrap();
    assert!(audit.signer.is_known());
}

#[tokio::test]
async fn a_key_that_was_named_is_there_or_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    let open = async |key: &str| {
        let options = crate::EngineOptions {
            audit_key: Some(folder.path().join(key).display().to_string()),
            ..crate::EngineOptions::default()
        };
        crate::Heady::open(&url, options).await
    };
    std::fs::write(folder.path().join("damaged"), "").unwrap();
    for (key, code) in [
        ("none/key", "INVALID_ARGUMENT"),
        ("damaged", "FAILED_PRECONDITION"),
    ] {
        let error = open(key).await.unwrap_err();
        assert_eq!(error.code(), code, "{key}: {error}");
    }
    let heady = open("key").await.unwrap();
    let error = heady.audit().verify(VerifyAudit::default()).await;
    assert_eq!(error.unwrap_err().code(), "NOT_FOUND", "nobody made it yet");
    heady.audit().checkpoint().await.unwrap();
    let report = heady.audit().verify(VerifyAudit::default()).await.unwrap();
    assert_eq!((report.ok, report.keys_from), (true, KeySource::Engine));
    let files = std::fs::read_dir(folder.path()).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    let unfinished = |name: &&std::ffi::OsString| name.to_string_lossy().starts_with("key.");
    assert_eq!(names.iter().find(unfinished), None);
    let none = VerifyAudit {
        public_keys: Some(Vec::new()),
        checkpoints: None,
    };
    let error = heady.audit().verify(none).await.unwrap_err();
    assert_eq!(error.code(), "INVALID_ARGUMENT");
}

#[tokio::test]
async fn without_a_place_for_a_key_nothing_is_signed_and_that_is_said() {
    let ring = super::super::key::KeyRing::new(super::super::key::KeyPlace::Nowhere);
    let error = ring.private().await.unwrap_err();
    assert_eq!(error.code(), "FAILED_PRECONDITION");
    assert!(error.message().contains("auditKey"), "{error}");
}

proptest::proptest! {
    /// Details of which it is believed that their plain JSON is the canonical one.
    #[test]
    fn plain_details_are_canonical(details in any_details()) {
        let canonical = serde_json_canonicalizer::to_string(&details).unwrap();
        if is_canonical(&details) {
            proptest::prop_assert_eq!(details.to_string(), canonical);
        }
    }

    /// Plain JSON of the fields is their canonical form (RFC 8785), whatever they contain.
    #[test]
    fn fields_are_hashed_in_canonical_form(
        actor in ".*", target in "\\PC*", status in "[\\x00-\\x20\"\\\\/\u{7f}\u{2028}\u{fb33}\u{1f600}]*",
        version in proptest::option::of(0..1_i64 << 53),
    ) {
        let (id, call) = (crate::Id::new(), crate::Id::new());
        let fields = Fields {
            action: "CONFIG_CHANGE", actor: &actor, call_id: version.map(|_| &call), details_commit: "00",
            id: &id, policy_version: version, status: &status, target: &target, timestamp: &time_text(now()),
        };
        let plain = serde_json::to_string(&fields).unwrap();
        proptest::prop_assert_eq!(plain, serde_json_canonicalizer::to_string(&fields).unwrap());
    }
}
