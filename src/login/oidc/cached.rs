//! A document of a provider, kept: fetched when first needed, by one caller for all who wait, and
//! again when it has grown old, while the old one still serves.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

use crate::clock::Timestamp;
use crate::login::oidc::fault::Fault;

/// One document, or the place for it.
#[derive(Debug)]
pub(super) struct Cached<T> {
    kept: ArcSwapOption<Fetched<T>>,
    /// Held by whoever fetches; knows how the last attempt failed, if it did.
    flight: Mutex<Option<Fault>>,
    attempts: AtomicU64,
    /// The last attempt that failed, until one succeeds.
    failed: ArcSwapOption<Failed>,
    /// When a refresh beside the callers was last begun.
    refreshed: AtomicI64,
}

/// An attempt that failed.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    /// Why.
    pub fault: Fault,
    /// When.
    pub at: Timestamp,
}

/// A document and its age.
#[derive(Debug)]
pub(super) struct Fetched<T> {
    /// The document.
    pub value: T,
    /// When it came.
    pub at: Timestamp,
}

/// Up to this age a document is taken without a thought.
const FRESH: Duration = Duration::from_hours(1);
/// Up to this age it still serves while a new one is fetched.
const USABLE: Duration = Duration::from_hours(24);
/// Between two refreshes that nobody waits for.
const PAUSE: Duration = Duration::from_mins(1);

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self {
            kept: ArcSwapOption::empty(),
            flight: Mutex::new(None),
            attempts: AtomicU64::new(0),
            failed: ArcSwapOption::empty(),
            refreshed: AtomicI64::new(i64::MIN),
        }
    }
}

impl<T: Send + Sync + 'static> Cached<T> {
    /// The document, fetched with `fetch` when there is none that may serve.
    ///
    /// # Errors
    ///
    /// What `fetch` said, to everybody who waited for it.
    pub(super) async fn obtain<F>(
        self: &Arc<Self>,
        now: Timestamp,
        fetch: F,
    ) -> Result<Arc<Fetched<T>>, Fault>
    where
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let Some(kept) = self.kept.load_full() else { return self.fetch(now, fetch).await };
        let age = now.since(kept.at);
        if age >= USABLE {
            return self.fetch(now, fetch).await;
        }
        if age >= FRESH && self.may_refresh(now) {
            let cached = Arc::clone(self);
            tokio::spawn(async move {
                if let Err(fault) = cached.fetch(now, fetch).await {
                    tracing::warn!(?fault, "a provider's document could not be refreshed");
                }
            });
        }
        Ok(kept)
    }

    /// As [`Self::obtain`], but one that is older than `fresh` is fetched before it serves, at most
    /// once a minute, and serves on only when that fails: what has been taken out of it is not
    /// believed for long.
    ///
    /// # Errors
    ///
    /// What `fetch` said, when there is none that may serve.
    pub(super) async fn obtain_newer<F>(
        &self,
        now: Timestamp,
        fresh: Duration,
        fetch: F,
    ) -> Result<Arc<Fetched<T>>, Fault>
    where
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let kept = self.kept.load_full().filter(|kept| now.since(kept.at) < USABLE);
        let Some(kept) = kept else { return self.fetch(now, fetch).await };
        if now.since(kept.at) < fresh || !self.may_refresh(now) {
            return Ok(kept);
        }
        match self.fetch(now, fetch).await {
            Ok(newer) => Ok(newer),
            Err(fault) => {
                tracing::warn!(?fault, "a provider's keys could not be refreshed");
                Ok(kept)
            }
        }
    }

    /// Fetches the document, or waits for whoever is doing so already.
    ///
    /// # Errors
    ///
    /// As [`Self::obtain`].
    pub(super) async fn fetch<F>(&self, now: Timestamp, fetch: F) -> Result<Arc<Fetched<T>>, Fault>
    where
        F: Future<Output = Result<T, Fault>> + Send,
    {
        let seen = self.attempts.load(Ordering::Acquire);
        let mut failure = self.flight.lock().await;
        if self.attempts.load(Ordering::Acquire) != seen {
            if let Some(fault) = &*failure {
                return Err(fault.clone());
            }
            if let Some(kept) = self.kept.load_full() {
                return Ok(kept);
            }
        }
        let fetched = fetch.await;
        self.attempts.fetch_add(1, Ordering::Release);
        match fetched {
            Ok(value) => {
                *failure = None;
                self.failed.store(None);
                let fetched = Arc::new(Fetched { value, at: now });
                self.kept.store(Some(Arc::clone(&fetched)));
                Ok(fetched)
            }
            Err(fault) => {
                *failure = Some(fault.clone());
                self.failed.store(Some(Arc::new(Failed { fault: fault.clone(), at: now })));
                Err(fault)
            }
        }
    }

    /// The document that is kept now, however old.
    pub(super) fn kept(&self) -> Option<Arc<Fetched<T>>> {
        self.kept.load_full()
    }

    /// The last attempt, if it failed.
    pub(super) fn failed(&self) -> Option<Arc<Failed>> {
        self.failed.load_full()
    }

    fn may_refresh(&self, now: Timestamp) -> bool {
        take_turn(&self.refreshed, now, PAUSE)
    }
}

/// Whether `pause` has passed since `last`; if so, the turn is the caller's alone.
pub(super) fn take_turn(last: &AtomicI64, now: Timestamp, pause: Duration) -> bool {
    let before = last.load(Ordering::Acquire);
    now >= Timestamp(before).plus(pause)
        && last.compare_exchange(before, now.0, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test]
    async fn many_callers_share_one_fetch_and_its_failure() {
        let cached = Arc::new(Cached::<u8>::default());
        let calls = Arc::new(AtomicUsize::new(0));
        let fetch = || {
            let calls = Arc::clone(&calls);
            async move {
                calls.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Err(Fault::Down("down".to_owned()))
            }
        };
        let (a, b) = tokio::join!(
            cached.obtain(Timestamp(0), fetch()),
            cached.obtain(Timestamp(0), fetch())
        );
        assert!(a.is_err() && b.is_err());
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        assert_eq!(cached.failed().map(|failed| failed.at), Some(Timestamp(0)));
        assert!(cached.obtain(Timestamp(0), async { Ok(1) }).await.is_ok(), "the next one tries");
        assert!(cached.failed().is_none());
    }

    #[tokio::test]
    async fn an_old_document_serves_while_a_new_one_is_fetched() {
        let cached = Arc::new(Cached::<u8>::default());
        cached.obtain(Timestamp(0), async { Ok(1) }).await.unwrap();
        let later = Timestamp(7200);
        assert_eq!(cached.obtain(later, async { Ok(2) }).await.unwrap().value, 1);
        tokio::task::yield_now().await;
        let refused = async { Err(Fault::Down(String::new())) };
        assert_eq!(cached.obtain(later, refused).await.unwrap().value, 2);
    }
}
