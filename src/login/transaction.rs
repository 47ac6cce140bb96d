//! Started sign-ins: everything one needs to finish, sealed into `state`, so that a flood of them
//! costs nothing here. Bound to one browser, single use, ten minutes.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::crypto::random;
use crate::crypto::seal::SealKeys;
use crate::login::Reason;
use crate::store::SpentIds;
use crate::store::spent::Spending;

/// One started sign-in. It holds secrets, so it has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Transaction {
    /// Its name, spent at its first use.
    pub id: [u8; 16],
    /// The process that started it.
    pub boot: [u8; 16],
    /// The site that is signed in to.
    pub site: String,
    /// The provider that was asked.
    pub provider: String,
    /// The inner provider that the provider was asked for (`acr_values`).
    pub scheme: Option<String>,
    /// The authentication source: which cookie the session is kept under.
    pub source: String,
    /// The origin that the browser is to come back to.
    pub origin: String,
    /// The issuer that was asked; keys and endpoints are its alone.
    pub issuer: String,
    /// Where to go afterwards.
    pub return_path: String,
    /// What the ID token must repeat.
    pub nonce: String,
    /// PKCE's secret half (RFC 7636 §4.1).
    pub verifier: String,
    /// SHA-256 of the browser's cookie.
    pub browser: String,
    /// The session that the browser had there already. A provider's cross-site POST brings no
    /// session cookie along, and yet the new session takes the old one's place.
    pub replaces: Option<[u8; 32]>,
    /// Whether a form of this very site has started it: somebody else's page or link may begin a
    /// sign-in, and must not decide whose account it ends in.
    pub deliberate: bool,
    /// Worthless from then on, in seconds since 1970.
    pub expires: i64,
    /// How often this sign-in has been started anew already.
    pub restarts: u8,
    /// Whether the person was to prove anew who they are.
    pub fresh: bool,
}

/// How long a started sign-in may take.
pub(super) const LIFETIME: Duration = Duration::from_mins(10);

const PURPOSE: &str = "state";
/// Most ids remembered at once: each costs its owner an authentic sign-in, and us some 50 bytes.
const REMEMBERED: usize = 1_000_000;

/// Who brings a `state` back.
pub(super) struct Bearer<'a> {
    /// SHA-256 of the browser's cookie, when it sent one.
    pub browser: Option<&'a str>,
    /// The origin it was brought to.
    pub origin: &'a str,
    /// When.
    pub now: Timestamp,
}

/// What a `state` turns out to be.
pub(super) enum Opened {
    /// Ours, of this browser, used now and for the first time.
    Fresh(Box<Transaction>),
    /// Ours, and no longer or not here of use.
    Dead(Box<Transaction>, Reason),
    /// Not ours.
    Foreign,
}

/// Seals and opens transactions, and remembers those that have been used.
#[derive(Debug)]
pub(super) struct Transactions {
    seal: SealKeys,
    boot: [u8; 16],
    spent: SpentIds,
}

impl Transactions {
    /// Nothing spent yet; what other processes started counts as spent.
    pub(super) fn new(seal: SealKeys) -> Self {
        Self { seal, boot: random::bytes(), spent: SpentIds::new(REMEMBERED) }
    }

    /// This process's name, for [`Transaction::boot`].
    pub(super) fn boot(&self) -> [u8; 16] {
        self.boot
    }

    /// The `state` parameter for `transaction`. `None` only if the cipher fails.
    pub(super) fn seal(&self, transaction: &Transaction) -> Option<String> {
        let plain = serde_json::to_vec(transaction).ok()?;
        self.seal.seal(PURPOSE, &plain)
    }

    /// Opens a `state` and spends it. What another browser brings is not spent, so that nobody can
    /// use up a stranger's sign-in.
    pub(super) fn open(&self, state: &str, bearer: &Bearer<'_>) -> Opened {
        let plain = self.seal.open_sealed(PURPOSE, state);
        let Some(transaction) =
            plain.and_then(|plain| serde_json::from_slice::<Box<Transaction>>(&plain).ok())
        else {
            return Opened::Foreign;
        };
        match self.judge(&transaction, bearer) {
            None => Opened::Fresh(transaction),
            Some(reason) => Opened::Dead(transaction, reason),
        }
    }

    fn judge(&self, transaction: &Transaction, bearer: &Bearer<'_>) -> Option<Reason> {
        if bearer.now.0 >= transaction.expires {
            return Some(Reason::StateExpired);
        }
        let same_browser = bearer.browser.is_some_and(|browser| browser == transaction.browser);
        if !same_browser || bearer.origin != transaction.origin {
            return Some(Reason::StateOtherBrowser);
        }
        // Which ids an earlier process had spent is not known any more.
        if transaction.boot != self.boot {
            return Some(Reason::StateRestarted);
        }
        match self.spent.spend(transaction.id, Timestamp(transaction.expires), bearer.now) {
            Spending::First => None,
            Spending::Again | Spending::Full => Some(Reason::StateUsed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);
    const HERE: &str = "https://cms.localhost:8443";

    fn transaction(transactions: &Transactions) -> Transaction {
        Transaction {
            id: random::bytes(),
            boot: transactions.boot(),
            site: "shell".to_owned(),
            provider: "Partner".to_owned(),
            scheme: None,
            source: "Default".to_owned(),
            origin: HERE.to_owned(),
            issuer: "https://idp.test".to_owned(),
            return_path: "/sitecore/shell/".to_owned(),
            nonce: "n".to_owned(),
            verifier: "v".to_owned(),
            browser: "b".to_owned(),
            replaces: None,
            deliberate: true,
            expires: NOW.plus(LIFETIME).0,
            restarts: 0,
            fresh: false,
        }
    }

    fn open(transactions: &Transactions, state: &str, browser: &str, now: Timestamp) -> String {
        let bearer = Bearer { browser: Some(browser), origin: HERE, now };
        match transactions.open(state, &bearer) {
            Opened::Fresh(transaction) => format!("fresh {}", transaction.provider),
            Opened::Dead(_, reason) => reason.label().to_owned(),
            Opened::Foreign => "foreign".to_owned(),
        }
    }

    #[test]
    fn h170_a_state_is_used_once() {
        let transactions = Transactions::new(SealKeys::ephemeral());
        let state = transactions.seal(&transaction(&transactions)).unwrap();
        assert_eq!(open(&transactions, &state, "b", NOW), "fresh Partner");
        assert_eq!(open(&transactions, &state, "b", NOW), "state_used");
    }

    #[test]
    fn h169_another_browser_cannot_use_a_state_up() {
        let transactions = Transactions::new(SealKeys::ephemeral());
        let state = transactions.seal(&transaction(&transactions)).unwrap();
        assert_eq!(open(&transactions, &state, "other", NOW), "state_other_browser");
        let bearer = Bearer { browser: None, origin: HERE, now: NOW };
        assert!(matches!(transactions.open(&state, &bearer), Opened::Dead(..)));
        assert_eq!(open(&transactions, &state, "b", NOW), "fresh Partner");
    }

    #[test]
    fn a_state_lives_ten_minutes() {
        let transactions = Transactions::new(SealKeys::ephemeral());
        let state = transactions.seal(&transaction(&transactions)).unwrap();
        let late = NOW.plus(Duration::from_mins(10));
        assert_eq!(open(&transactions, &state, "b", late), "state_expired");
        assert_eq!(open(&transactions, &state, "b", Timestamp(late.0 - 1)), "fresh Partner");
    }

    #[test]
    fn a_state_of_an_earlier_process_is_authentic_and_spent() {
        let keys = SealKeys::ephemeral();
        let before = Transactions::new(keys.clone());
        let state = before.seal(&transaction(&before)).unwrap();
        assert_eq!(open(&Transactions::new(keys), &state, "b", NOW), "state_restarted");
    }

    #[test]
    fn j226_a_state_of_another_key_purpose_or_one_that_was_touched_is_foreign() {
        let keys = SealKeys::ephemeral();
        let transactions = Transactions::new(keys.clone());
        let state = transactions.seal(&transaction(&transactions)).unwrap();
        let other = Transactions::new(SealKeys::ephemeral());
        assert_eq!(open(&other, &state, "b", NOW), "foreign");
        let plain = serde_json::to_vec(&transaction(&transactions)).unwrap();
        let logout = keys.seal("logout", &plain).unwrap();
        for state in [logout.as_str(), "", "x", &state[1..], &format!("{state}A")] {
            assert_eq!(open(&transactions, state, "b", NOW), "foreign", "{state}");
        }
    }
}
