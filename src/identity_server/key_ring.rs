//! Keeps the signing keys in order: reads what is kept, makes, seals and forgets keys when that is
//! due, and publishes the result. Every instance over one store does so; the store decides who is
//! first.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::config::model::SigningSettings;
use crate::crypto::seal::SealKeys;
use crate::crypto::secret::Secret;
use crate::crypto::signing;
use crate::crypto::signing::Algorithm;
use crate::crypto::signing::SigningKey;
use crate::identity_server::key_schedule;
use crate::identity_server::key_schedule::Due;
use crate::identity_server::key_schedule::Held;
use crate::identity_server::keys::Keys;
use crate::identity_server::keys::Published;
use crate::observe::Metrics;
use crate::store::StoreError;
use crate::store::keys::KeptKey;
use crate::store::keys::KeyStore;
use crate::store::sql::Database;

/// How often an instance reads what is kept; [`SOON`] is more than twice this.
pub const REFRESH: Duration = Duration::from_secs(5);

/// When a key signs that was asked for at once: every instance has published it by then.
const SOON: Duration = Duration::from_secs(15);

/// A certificate's end is told of this long before.
const WARNING: Duration = Duration::from_hours(30 * 24);

/// The signing keys and the place where they are kept.
#[derive(Debug)]
pub struct KeyRing {
    store: KeyStore,
    clock: Clock,
    metrics: Arc<Metrics>,
    keys: Arc<Keys>,
    state: Mutex<State>,
}

/// What the last look at the store found.
#[derive(Debug, Default)]
struct State {
    held: Vec<Held>,
    /// When ends of certificates were told of last.
    warned_at: Timestamp,
}

/// A key, for people.
#[derive(Clone, Debug)]
pub struct Listed {
    /// `kid`.
    pub kid: String,
    /// `RS256` or `ES256`.
    pub algorithm: &'static str,
    /// `signing`, `announced` or `retained`.
    pub state: &'static str,
    /// From when on it signs, unless it comes from the configuration.
    pub signs_from: Option<Timestamp>,
    /// When it signs no more, if that is known: its successor's turn, or its certificate's end.
    pub signs_until: Option<Timestamp>,
    /// When it is forgotten, if that is known.
    pub retires_at: Option<Timestamp>,
}

impl KeyRing {
    /// The keys of a configuration: in the database, so that all instances sign with the same, else
    /// in a directory. A database without keys takes those over that the directory has.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub async fn configured(
        config: &Config,
        database: Option<&Database>,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StoreError> {
        let directory = KeyStore::in_directory(&config.data.join("keys"));
        let Some(database) = database else {
            return Self::open(directory, &config.signing, clock, metrics).await;
        };
        let store = KeyStore::in_database(database.clone());
        if store.all().await?.is_empty() {
            for key in directory.all().await? {
                store.add(&key).await?;
            }
        }
        Self::open(store, &config.signing, clock, metrics).await
    }

    /// Opens the keys in `store`, and makes the first ones where there are none.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached, or a key in it cannot be opened.
    pub async fn open(
        store: KeyStore,
        settings: &SigningSettings,
        clock: Clock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StoreError> {
        let keys = Arc::new(Keys::new(clock.clone()));
        let ring = Self { store, clock, metrics, keys, state: Mutex::default() };
        ring.refresh(settings).await?;
        Ok(ring)
    }

    /// The same two keys in every test of a process: an RSA key takes long to make.
    #[cfg(test)]
    pub(super) fn for_test(clock: Clock, metrics: Arc<Metrics>) -> Self {
        static KEYS: std::sync::OnceLock<Vec<Published>> = std::sync::OnceLock::new();
        let published = KEYS.get_or_init(|| {
            let key = |algorithm| Published {
                key: Arc::new(SigningKey::generate(algorithm).unwrap()),
                signs_from: Timestamp(0),
                signs_until: Timestamp(i64::MAX),
                retires_at: Timestamp(i64::MAX),
            };
            key_schedule::ALGORITHMS.map(key).to_vec()
        });
        let keys = Arc::new(Keys::new(clock.clone()));
        keys.publish(published.clone());
        let store = KeyStore::in_directory(std::path::Path::new("/nonexistent"));
        Self { store, clock, metrics, keys, state: Mutex::default() }
    }

    /// The keys by the clock.
    pub(super) fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys)
    }

    /// Reads what is kept, does what is due, and publishes the result.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached, or a key in it cannot be opened: what was published stays.
    pub async fn refresh(&self, settings: &SigningSettings) -> Result<(), StoreError> {
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        // What is done makes more to be done only once; another instance can be first at it.
        for _ in 0..4 {
            state.held = self.read(&state.held, settings).await?;
            let due = key_schedule::due(&state.held, settings, now);
            if due.is_empty() {
                break;
            }
            for due in due {
                self.act(due, &state.held, settings).await?;
            }
        }
        let published = key_schedule::published(&state.held, settings);
        self.measure(&published, now, &mut state.warned_at);
        self.keys.publish(published);
        Ok(())
    }

    /// Makes new keys, which sign after they have been announced, or in a moment if `at_once`. A key
    /// that waits for its turn already is not followed by another: `at_once` lets it come forward.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn rotate(
        &self,
        settings: &SigningSettings,
        at_once: bool,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let signs_from = now.plus(if at_once { SOON } else { settings.announce });
        let held = self.state.lock().await.held.clone();
        for algorithm in key_schedule::ALGORITHMS {
            let mut waiting = held.iter().filter(|held| {
                held.key.algorithm() == algorithm
                    && held.kept.retires_at.is_none()
                    && now < held.kept.signs_from
            });
            match waiting.next() {
                None => self.make(algorithm, signs_from, &held, settings).await?,
                Some(next) if signs_from < next.kept.signs_from => {
                    self.store.replace(&KeptKey { signs_from, ..next.kept.clone() }).await?;
                }
                Some(_) => {}
            }
        }
        self.refresh(settings).await
    }

    /// Forgets a kept key: what it signed is not believed any more. `false` when there is no such key,
    /// or it signs now: another must sign first.
    ///
    /// # Errors
    ///
    /// When the store cannot be reached.
    pub async fn forget(&self, settings: &SigningSettings, kid: &str) -> Result<bool, StoreError> {
        let held = self.state.lock().await.held.clone();
        let now = self.clock.now();
        let kept = key_schedule::kept(&held, settings);
        let found = kept.iter().find(|(held, p)| held.key.kid() == kid && !p.signs(now));
        let Some((held, _)) = found else { return Ok(false) };
        self.store.remove(&held.kept.name).await?;
        self.refresh(settings).await?;
        Ok(true)
    }

    /// Every key that is published.
    pub async fn list(&self, settings: &SigningSettings) -> Vec<Listed> {
        let state = self.state.lock().await;
        let now = self.clock.now();
        let published = key_schedule::published(&state.held, settings);
        published.iter().map(|published| listed(published, now)).collect()
    }

    async fn read(
        &self,
        before: &[Held],
        settings: &SigningSettings,
    ) -> Result<Vec<Held>, StoreError> {
        let mut held = Vec::new();
        for mut kept in self.store.all().await? {
            let Some(algorithm) = algorithm_of(&kept.name) else {
                tracing::warn!(name = ?kept.name, "a kept key is of no known kind");
                continue;
            };
            if let Some(seal) = &settings.seal
                && !is_sealed(&kept.private_half)
            {
                let der = open(&kept, None)?;
                kept.private_half = sealed(&kept.name, &der, Some(seal))?;
                self.store.replace(&kept).await?;
            }
            let same = |held: &&Held| {
                held.kept.name == kept.name
                    && held.kept.private_half.matches(kept.private_half.expose())
            };
            let key = match before.iter().find(same) {
                Some(known) => Arc::clone(&known.key),
                None => Arc::new(parse(&kept, algorithm, settings.seal.as_ref())?),
            };
            held.push(Held { kept, key });
        }
        Ok(held)
    }

    async fn act(
        &self,
        due: Due,
        held: &[Held],
        settings: &SigningSettings,
    ) -> Result<(), StoreError> {
        match due {
            Due::Make { algorithm, signs_from } => {
                self.make(algorithm, signs_from, held, settings).await
            }
            Due::Retire { name, at } => {
                let Some(held) = held.iter().find(|held| held.kept.name == name) else {
                    return Ok(());
                };
                self.store.replace(&KeptKey { retires_at: Some(at), ..held.kept.clone() }).await
            }
            Due::Forget { name } => {
                tracing::info!(name, "a signing key is forgotten");
                self.store.remove(&name).await
            }
        }
    }

    /// Makes the next key of an algorithm, unless another instance has just done so.
    async fn make(
        &self,
        algorithm: Algorithm,
        signs_from: Timestamp,
        held: &[Held],
        settings: &SigningSettings,
    ) -> Result<(), StoreError> {
        let numbers = held
            .iter()
            .filter(|held| held.key.algorithm() == algorithm)
            .filter_map(|held| held.kept.name.rsplit_once('-')?.1.parse::<u32>().ok());
        let number = numbers.max().unwrap_or(0).saturating_add(1);
        let name = format!("identity-{}-{number:04}", algorithm.name().to_lowercase());
        let der = tokio::task::spawn_blocking(move || signing::new_pkcs8(algorithm)).await;
        let der = der.ok().flatten().ok_or_else(|| StoreError("no key was made".into()))?;
        let private_half = sealed(&name, &der, settings.seal.as_ref())?;
        let created_at = self.clock.now();
        let key = KeptKey { name, private_half, created_at, signs_from, retires_at: None };
        if self.store.add(&key).await? {
            tracing::info!(name = key.name, signs.from = signs_from.0, "a signing key is made");
        }
        Ok(())
    }

    fn measure(&self, published: &[Published], now: Timestamp, warned_at: &mut Timestamp) {
        let metrics = &self.metrics;
        metrics.signing_keys.reset();
        metrics.signing_key_ends.reset();
        let warn = now.since(*warned_at) >= Duration::from_hours(24);
        for published in published {
            let listed = listed(published, now);
            metrics.signing_keys.with_label_values(&[listed.algorithm, listed.state]).inc();
            if let Some(ends) = listed.signs_until {
                let labels = [listed.algorithm, listed.kid.as_str()];
                metrics.signing_key_ends.with_label_values(&labels).set(ends.0);
            }
            let ends = published.key.certificate_ends_at().filter(|ends| *ends < now.plus(WARNING));
            if let Some(ends) = ends.filter(|_| warn) {
                *warned_at = now;
                tracing::warn!(
                    kid = listed.kid,
                    ends.at = ends.0,
                    "the certificate of a signing key ends soon, or has ended"
                );
            }
        }
    }
}

fn listed(published: &Published, now: Timestamp) -> Listed {
    let known = |at: Timestamp| Some(at).filter(|at| *at != Timestamp(i64::MAX) && at.0 != 0);
    let state = if published.signs(now) {
        "signing"
    } else if now < published.signs_from {
        "announced"
    } else {
        "retained"
    };
    Listed {
        kid: published.key.kid().to_owned(),
        algorithm: published.key.algorithm().name(),
        state,
        signs_from: known(published.signs_from),
        signs_until: published.key.certificate_ends_at().or_else(|| known(published.signs_until)),
        retires_at: known(published.retires_at),
    }
}

/// `identity-rs256-0001` is a key for RS256.
fn algorithm_of(name: &str) -> Option<Algorithm> {
    let rest = name.strip_prefix("identity-")?;
    let fits = |algorithm: &Algorithm| {
        rest.strip_prefix(&algorithm.name().to_lowercase())
            .is_some_and(|rest| rest.starts_with('-'))
    };
    key_schedule::ALGORITHMS.into_iter().find(fits)
}

const SEALED: &str = "sealed:";

fn is_sealed(private_half: &Secret) -> bool {
    private_half.expose().starts_with(SEALED)
}

/// What a key of this name is sealed for: a sealed key put under another name does not open.
fn purpose(name: &str) -> String {
    format!("signing key {name}")
}

fn sealed(name: &str, der: &[u8], seal: Option<&SealKeys>) -> Result<Secret, StoreError> {
    let Some(seal) = seal else { return Ok(Secret::new(STANDARD.encode(der))) };
    let sealed = seal.seal(&purpose(name), der);
    let sealed = sealed.ok_or_else(|| StoreError("a signing key cannot be sealed".into()))?;
    Ok(Secret::new(format!("{SEALED}{sealed}")))
}

fn open(kept: &KeptKey, seal: Option<&SealKeys>) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let refuse = |what: &str| StoreError(format!("the signing key {} {what}", kept.name).into());
    let Some(text) = kept.private_half.expose().strip_prefix(SEALED) else {
        let der = STANDARD.decode(kept.private_half.expose());
        return der.map(Zeroizing::new).map_err(|_| refuse("is not base64"));
    };
    let seal = seal.ok_or_else(|| refuse("is sealed; write <signingKeys seal=\"…\" />"))?;
    let der = seal.open_sealed(&purpose(&kept.name), text);
    der.map(Zeroizing::new).ok_or_else(|| refuse("is sealed with another secret"))
}

fn parse(
    kept: &KeptKey,
    algorithm: Algorithm,
    seal: Option<&SealKeys>,
) -> Result<SigningKey, StoreError> {
    let key = SigningKey::from_pkcs8(algorithm, &open(kept, seal)?);
    key.ok_or_else(|| {
        StoreError(format!("the signing key {} is no {} key", kept.name, algorithm.name()).into())
    })
}
