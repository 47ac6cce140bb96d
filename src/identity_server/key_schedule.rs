//! When signing keys are made, sign and retire: each is published for a while before it signs, and
//! for a while afterwards. What is kept says all, so that instances over one store agree.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::config::model::SigningSettings;
use crate::crypto::signing::Algorithm;
use crate::crypto::signing::SigningKey;
use crate::identity_server::keys::Published;
use crate::store::keys::KeptKey;

/// Each is signed with by a key of its own; the first unless a client asks for another.
pub(super) const ALGORITHMS: [Algorithm; 2] = [Algorithm::Rs256, Algorithm::Es256];

/// End of time.
const NEVER: Timestamp = Timestamp(i64::MAX);

/// A kept key, opened.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// As it is kept.
    pub(super) kept: KeptKey,
    /// What it is.
    pub(super) key: Arc<SigningKey>,
}

/// A change to what is kept that is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Make a key.
    Make {
        /// Its algorithm.
        algorithm: Algorithm,
        /// From when on it signs.
        signs_from: Timestamp,
    },
    /// Write down when a key that will not sign again retires.
    Retire {
        /// Its name.
        name: String,
        /// When.
        at: Timestamp,
    },
    /// Forget a key that has retired.
    Forget {
        /// Its name.
        name: String,
    },
}

/// What is due now.
pub(super) fn due(held: &[Held], settings: &SigningSettings, now: Timestamp) -> Vec<Due> {
    let mut due = Vec::new();
    for algorithm in ALGORITHMS {
        let live = live(held, algorithm);
        if settings.certified.is_empty() {
            due.extend(
                next_key(&live, settings, now)
                    .map(|from| Due::Make { algorithm, signs_from: from }),
            );
        } else {
            // The owner's certificates sign now. These verify what they signed, for as long as that
            // may be needed.
            due.extend(live.iter().map(|held| Due::Retire {
                name: held.kept.name.clone(),
                at: now.plus(settings.retain),
            }));
        }
    }
    let published = kept(held, settings);
    let over = published.iter().filter(|(_, published)| published.retires_at <= now);
    due.extend(over.map(|(held, _)| Due::Forget { name: held.kept.name.clone() }));
    due
}

/// From when on the next key of an algorithm signs, if it is to be made now.
fn next_key(live: &[&Held], settings: &SigningSettings, now: Timestamp) -> Option<Timestamp> {
    let Some(last) = live.last() else { return Some(now) };
    let ends = last.kept.signs_from.plus(settings.rotate);
    let published = ends.minus(settings.announce);
    (published <= now).then(|| ends.max(now.plus(settings.announce)))
}

/// Every key by the clock: what the certificates of the configuration sign, then what is kept.
pub(super) fn published(held: &[Held], settings: &SigningSettings) -> Vec<Published> {
    let certified = settings.certified.iter().map(|key| Published {
        key: Arc::clone(key),
        signs_from: Timestamp(0),
        signs_until: NEVER,
        retires_at: NEVER,
    });
    let kept = kept(held, settings).into_iter().map(|(_, published)| published);
    certified.chain(kept).collect()
}

/// What is kept, with its times: the algorithms in order, of each the oldest first.
pub(super) fn kept<'a>(held: &'a [Held], settings: &SigningSettings) -> Vec<(&'a Held, Published)> {
    let mut all = Vec::new();
    for algorithm in ALGORITHMS {
        let live = live(held, algorithm);
        for (at, held) in live.iter().enumerate() {
            let successor = live.get(at + 1).map(|next| next.kept.signs_from);
            let ends = if settings.certified.is_empty() { successor } else { Some(Timestamp(0)) };
            let retires = successor.map(|from| from.plus(settings.retain));
            all.push((*held, times(held, ends, retires)));
        }
        let retiring = held.iter().filter(|held| held.key.algorithm() == algorithm);
        for held in retiring.filter(|held| held.kept.retires_at.is_some()) {
            all.push((held, times(held, Some(Timestamp(0)), held.kept.retires_at)));
        }
    }
    all
}

fn times(held: &Held, ends: Option<Timestamp>, retires: Option<Timestamp>) -> Published {
    Published {
        key: Arc::clone(&held.key),
        signs_from: held.kept.signs_from,
        signs_until: ends.unwrap_or(NEVER),
        retires_at: retires.unwrap_or(NEVER),
    }
}

/// The keys of an algorithm that take their turns, in the order of these.
fn live(held: &[Held], algorithm: Algorithm) -> Vec<&Held> {
    let mut live: Vec<&Held> = held
        .iter()
        .filter(|held| held.key.algorithm() == algorithm && held.kept.retires_at.is_none())
        .collect();
    live.sort_by(|a, b| (a.kept.signs_from, &a.kept.name).cmp(&(b.kept.signs_from, &b.kept.name)));
    live
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::crypto::secret::Secret;

    const DAY: i64 = 86_400;

    fn held(algorithm: Algorithm, name: &str, signs_from: i64) -> Held {
        let signs_from = Timestamp(signs_from * DAY);
        let private_half = Secret::new("");
        let name = name.to_owned();
        let kept =
            KeptKey { name, private_half, created_at: signs_from, signs_from, retires_at: None };
        Held { kept, key: Arc::new(SigningKey::generate(algorithm).unwrap()) }
    }

    fn both(signs_from: i64) -> Vec<Held> {
        vec![held(Algorithm::Es256, "e1", signs_from), held(Algorithm::Es256, "e0", 5)]
    }

    /// What is due for ES256.
    fn on(day: i64, held: &[Held]) -> Vec<Due> {
        let due = due(held, &SigningSettings::default(), Timestamp(day * DAY));
        let rs = |due: &Due| matches!(due, Due::Make { algorithm: Algorithm::Rs256, .. });
        due.into_iter().filter(|due| !rs(due)).collect()
    }

    fn make(day: i64) -> Due {
        Due::Make { algorithm: Algorithm::Es256, signs_from: Timestamp(day * DAY) }
    }

    #[test]
    fn the_first_key_signs_at_once_and_each_successor_is_published_in_time() {
        assert_eq!(on(1, &[]), [make(1)]);
        let first = [held(Algorithm::Es256, "e0", 5)];
        assert_eq!(on(5 + 75, &first), []);
        assert_eq!(on(5 + 76, &first), [make(5 + 90)]);
        // After a long sleep the next key is still published before it signs.
        assert_eq!(on(5 + 300, &first), [make(5 + 314)]);
        assert_eq!(on(5 + 90, &both(95)), []);
    }

    #[test]
    fn a_key_is_kept_for_a_while_after_it_signed_last() {
        assert_eq!(on(95 + 13, &both(95)), []);
        assert_eq!(on(95 + 14, &both(95)), [Due::Forget { name: "e0".to_owned() }]);
        let held = both(95);
        let published = published(&held, &SigningSettings::default());
        let times = |at: usize| {
            let p = &published[at];
            (p.signs_from.0 / DAY, p.signs_until.0 / DAY, p.retires_at.0 / DAY)
        };
        assert_eq!(times(0), (5, 95, 109));
        assert_eq!(times(1), (95, i64::MAX / DAY, i64::MAX / DAY));
    }

    #[test]
    fn beside_certificates_kept_keys_sign_no_more_and_retire() {
        let certified = vec![Arc::new(SigningKey::generate(Algorithm::Es256).unwrap())];
        let settings = SigningSettings { certified, ..SigningSettings::default() };
        let mut held = vec![held(Algorithm::Es256, "e0", 5)];
        let now = Timestamp(10 * DAY);
        let at = now.plus(Duration::from_hours(14 * 24));
        assert_eq!(due(&held, &settings, now), [Due::Retire { name: "e0".to_owned(), at }]);
        held[0].kept.retires_at = Some(at);
        assert_eq!(due(&held, &settings, now), []);
        let all = published(&held, &settings);
        assert!(all[0].signs(now) && !all[1].signs(now) && all[1].retires_at == at);
        assert_eq!(due(&held, &settings, at), [Due::Forget { name: "e0".to_owned() }]);
        // Without them again, new keys are made: the retiring ones do not come back.
        assert_eq!(on(10, &held), [make(10)]);
    }
}
