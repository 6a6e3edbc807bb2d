//! Any text as a registry file: it comes in whole or not at all, and what comes out comes in again unchanged.
#![no_main]

use std::cell::OnceCell;

use heady_core::registry::{ImportAction, ImportOptions};
use heady_core::{ErrorKind, Heady, Json, document};
use libfuzzer_sys::{Corpus, fuzz_target};
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static ENGINE: OnceCell<(Runtime, Heady)> = const { OnceCell::new() };
}

fuzz_target!(|text: &str| -> Corpus {
    // Both readers see every text; what only YAML can read is imported as well.
    let (json, yaml) = (document::parse_json(text), document::parse_yaml(text));
    let Ok(document) = json.or(yaml) else {
        return Corpus::Keep;
    };
    ENGINE.with(|engine| {
        let (runtime, heady) = engine.get_or_init(|| {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            let heady = runtime
                .block_on(Heady::connect("sqlite::memory:"))
                .expect("an engine");
            (runtime, heady)
        });
        runtime.block_on(import(heady, document.into()))
    })
});

async fn import(heady: &Heady, document: Json) -> Corpus {
    let registry = heady.registry();
    let before = registry.export().await.expect("an export");
    let options = |document: Json| ImportOptions {
        document: Some(document),
        force: Some(true),
        ..ImportOptions::default()
    };
    if let Err(error) = registry.import(options(document)).await {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert_eq!(registry.export().await.expect("an export"), before);
        return Corpus::Keep;
    }
    let exported = registry.export().await.expect("an export");
    let again = registry
        .import(options(exported.clone()))
        .await
        .expect("what was exported comes in");
    assert!(
        again
            .entries
            .iter()
            .all(|entry| entry.action == ImportAction::Skip),
        "{:?}",
        again.entries
    );
    assert_eq!(registry.export().await.expect("an export"), exported);
    Corpus::Keep
}
