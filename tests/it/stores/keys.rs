//! The identity server's signing keys, in files and in databases.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use vestibule::clock::Clock;
use vestibule::clock::Timestamp;
use vestibule::config::model::SigningSettings;
use vestibule::crypto::seal::SealKeys;
use vestibule::identity_server::key_ring::KeyRing;
use vestibule::observe::Metrics;
use vestibule::store::StoreError;
use vestibule::store::keys::KeyStore;
use vestibule::store::sql::Database;

use crate::stores::addresses;

const DAY: i64 = 86_400;
const NOW: Timestamp = Timestamp(20_000 * DAY);

async fn ring(store: &KeyStore, settings: &SigningSettings) -> Result<KeyRing, StoreError> {
    let metrics = Arc::new(Metrics::new());
    KeyRing::open(store.clone(), settings, Clock::manual(NOW), metrics).await
}

async fn kids(ring: &KeyRing) -> Vec<String> {
    ring.list(&SigningSettings::default()).await.into_iter().map(|key| key.kid).collect()
}

fn sealing(secrets: &[&str]) -> SigningSettings {
    let seal = Some(SealKeys::from_secrets(secrets.iter().copied()));
    SigningSettings { seal, ..SigningSettings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_start_together_over_one_store_sign_with_the_same_keys() {
    let folder = tempfile::tempdir().unwrap();
    let mut stores = vec![(
        "a directory",
        KeyStore::in_directory(folder.path()),
        KeyStore::in_directory(folder.path()),
    )];
    let (addresses, _files) = addresses();
    for (name, address) in &addresses {
        let open = async || Database::open(address).await.unwrap().unwrap();
        let (here, there) = tokio::join!(open(), open());
        stores.push((name, KeyStore::in_database(here), KeyStore::in_database(there)));
    }
    let settings = SigningSettings::default();
    for (name, here, there) in &stores {
        let (here, there) = tokio::join!(ring(here, &settings), ring(there, &settings));
        let (here, there) = (here.unwrap(), there.unwrap());
        here.refresh(&settings).await.unwrap();
        assert_eq!((kids(&here).await.len(), kids(&here).await), (2, kids(&there).await), "{name}");
        here.rotate(&settings, false).await.unwrap();
        there.refresh(&settings).await.unwrap();
        assert_eq!((kids(&here).await.len(), kids(&here).await), (4, kids(&there).await), "{name}");
        let waits = there.list(&settings).await;
        let waits: Vec<_> = waits.iter().filter(|key| key.state == "announced").collect();
        assert!(
            waits.len() == 2
                && waits.iter().all(|key| key.signs_from == Some(Timestamp(NOW.0 + 14 * DAY))),
            "{name}: {waits:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_private_and_sealed_when_there_is_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let store = KeyStore::in_directory(folder.path());
    let plain = kids(&ring(&store, &SigningSettings::default()).await.unwrap()).await;
    let texts = || -> Vec<String> {
        let files = fs::read_dir(folder.path()).unwrap().flatten();
        files
            .map(|file| {
                assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
                fs::read_to_string(file.path()).unwrap()
            })
            .collect()
    };
    assert!(texts().len() == 2 && texts().iter().all(|text| !text.contains("sealed:")));

    let (old, new) = ("an old secret of thirty-two chars", "a new secret of thirty-two chars!");
    let sealed = ring(&store, &sealing(&[old])).await.unwrap();
    assert_eq!(kids(&sealed).await, plain, "the same keys, sealed where they lie");
    assert!(texts().len() == 2 && texts().iter().all(|text| text.contains("sealed:")));
    assert_eq!(kids(&ring(&store, &sealing(&[new, old])).await.unwrap()).await, plain);
    let refused = ring(&store, &sealing(&[new])).await.unwrap_err().to_string();
    assert!(refused.contains("sealed with another secret"), "{refused}");
    let refused = ring(&store, &SigningSettings::default()).await.unwrap_err().to_string();
    assert!(refused.contains("write <signingKeys seal="), "{refused}");
    assert_eq!(texts().len(), 2, "no other key was made in their place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_key_under_another_name_and_a_broken_one_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = KeyStore::in_directory(folder.path());
    let settings = sealing(&["a secret of at least thirty-two chars"]);
    ring(&store, &settings).await.unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::copy(file("identity-es256-0001.json"), file("identity-es256-0002.json")).unwrap();
    let refused = ring(&store, &settings).await.unwrap_err().to_string();
    assert!(refused.contains("identity-es256-0002"), "{refused}");
    fs::write(file("identity-es256-0002.json"), "{").unwrap();
    let refused = ring(&store, &settings).await.unwrap_err().to_string();
    assert!(refused.contains("identity-es256-0002.json"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_an_earlier_version_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let load = |name, algorithm| {
        vestibule::crypto::signing::SigningKey::load_or_create(folder.path(), name, algorithm)
            .unwrap()
            .kid()
            .to_owned()
    };
    let rsa = load("identity-rs256-0001", vestibule::crypto::signing::Algorithm::Rs256);
    let ec = load("identity-es256-0001", vestibule::crypto::signing::Algorithm::Es256);
    load("assertion", vestibule::crypto::signing::Algorithm::Es256);
    let store = KeyStore::in_directory(folder.path());
    let metrics = Arc::new(Metrics::new());
    let settings = SigningSettings::default();
    let ring = KeyRing::open(store, &settings, Clock::system(), metrics).await.unwrap();
    assert_eq!(kids(&ring).await, [rsa.clone(), ec.clone()]);
    ring.rotate(&settings, true).await.unwrap();
    let kids = kids(&ring).await;
    assert!(kids.len() == 4 && kids.contains(&rsa) && kids.contains(&ec));
}
