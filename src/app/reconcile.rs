//! Compares live sessions with the accounts of their users. Whoever disables or deletes a user, sets a
//! password or takes rights asks the register to end the sessions; this ends those that stood in no
//! register just then: because they had only begun, or the store was out of this gateway's reach.

use std::collections::HashMap;
use std::collections::HashSet;
use std::mem;
use std::sync::Arc;

use crate::claims::is_identity_server;
use crate::clock::Timestamp;
use crate::session::Session;
use crate::session::Sessions;
use crate::store::StoreError;
use crate::store::accounts::Account;
use crate::store::accounts::Accounts;
use crate::store::accounts::Mark;
use crate::store::accounts::NotBefore;
use crate::store::accounts::folded;
use crate::users::local;

/// Users who are asked for at a time.
const BATCH: usize = 100;

/// What was seen of the accounts, and what is to be compared.
#[derive(Debug, Default)]
pub(super) struct Reconciler {
    /// By folded name: the account as it was when its sessions were last compared with it, `None`
    /// where there was none.
    seen: HashMap<String, Option<Seen>>,
    /// Folded names of users to compare, and the public names of those sessions of theirs that never
    /// were.
    due: HashMap<String, HashSet<String>>,
    /// Public names of sessions that are to end.
    over: HashSet<String>,
}

/// An account, as sessions were compared with it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    mark: Mark,
    not_before: Option<NotBefore>,
}

impl Reconciler {
    /// Notes a session that has begun.
    pub(super) fn began(&mut self, session: &Session) {
        if speaks_for_an_account(session) {
            let user = folded(&session.identity.user.name);
            self.due.entry(user).or_default().insert(session.public_id.clone());
        }
    }

    /// Notes every live session, and forgets who has none.
    pub(super) fn all<'s>(&mut self, sessions: impl Iterator<Item = &'s Session>) {
        for session in sessions.filter(|session| speaks_for_an_account(session)) {
            self.due.entry(folded(&session.identity.user.name)).or_default();
        }
        self.seen.retain(|name, _| self.due.contains_key(name));
    }

    /// How many users are to be compared.
    pub(super) fn len(&self) -> usize {
        self.due.len()
    }

    /// Forgets what is to be compared: [`Self::all`] is called next.
    pub(super) fn clear(&mut self) {
        self.due.clear();
    }

    /// The public names of the sessions that are to end. Users who are `configured`, by their folded
    /// names, come before those of the store and are left alone.
    ///
    /// # Errors
    ///
    /// When the store does not answer; what is left is compared the next time.
    pub(super) async fn compare(
        &mut self,
        accounts: &Accounts,
        sessions: &Sessions,
        (configured, now): (&HashSet<String>, Timestamp),
    ) -> Result<HashSet<String>, StoreError> {
        let mut names: Vec<String> = self.due.keys().cloned().collect();
        names.retain(|name| !configured.contains(name));
        for batch in names.chunks(BATCH) {
            let marks = accounts.marks(batch).await?;
            for (name, mark) in batch.iter().zip(marks) {
                let fresh = self.due.get(name).is_some_and(|fresh| !fresh.is_empty());
                let known = self.seen.get(name).map(|seen| seen.as_ref().map(|seen| seen.mark));
                if fresh || known != Some(mark) {
                    self.look(accounts, &sessions.of_user(name), (name, now)).await?;
                }
            }
        }
        self.due.clear();
        Ok(mem::take(&mut self.over))
    }

    /// Compares the sessions of one user.
    async fn look(
        &mut self,
        accounts: &Accounts,
        sessions: &[Arc<Session>],
        (name, now): (&str, Timestamp),
    ) -> Result<(), StoreError> {
        let account = accounts.find(name).await?;
        let fresh = self.due.remove(name).unwrap_or_default();
        let seen = self.seen.get(name).and_then(Option::as_ref);
        for session in sessions.iter().filter(|session| speaks_for_an_account(session)) {
            let is_fresh = fresh.contains(&session.public_id);
            let before = if is_fresh { Before::Unseen(now) } else { Before::Seen(seen) };
            if is_over(session, account.as_ref(), before) {
                self.over.insert(session.public_id.clone());
            }
        }
        self.seen.insert(name.to_owned(), account.map(Seen::of));
        Ok(())
    }
}

impl Seen {
    fn of(account: Account) -> Self {
        let Account { version, created_at, sessions_not_before, .. } = account;
        Self { mark: Mark { version, created_at }, not_before: sessions_not_before }
    }
}

/// What a session was compared with before.
#[derive(Clone, Copy, Debug)]
enum Before<'a> {
    /// With nothing; it is now.
    Unseen(Timestamp),
    /// With this account, or with none.
    Seen(Option<&'a Seen>),
}

/// Whether `session` is to end. Moments of different machines are compared for a session that has
/// just begun alone; that an account is another one than it was is seen without a clock.
fn is_over(session: &Session, account: Option<&Account>, before: Before<'_>) -> bool {
    let Some(account) = account else {
        return session.identity.persistent || matches!(before, Before::Seen(Some(_)));
    };
    if account.disabled {
        return true;
    }
    let not_before = account.sessions_not_before.as_ref();
    if not_before.is_some_and(|change| change.but.contains(&session.public_id)) {
        return false;
    }
    match before {
        Before::Unseen(now) => {
            not_before.is_some_and(|change| change.at <= now && session.began_at < change.at)
        }
        Before::Seen(None) => false,
        Before::Seen(Some(seen)) => {
            seen.mark.created_at != account.created_at || seen.not_before.as_ref() != not_before
        }
    }
}

/// Whether the user of a session may be one who is kept: a user of the same name who comes from
/// elsewhere is not that.
pub(super) fn speaks_for_an_account(session: &Session) -> bool {
    let identity = &session.identity;
    let here = *identity.provider == *local::PROVIDER || is_identity_server(&identity.provider);
    identity.persistent || here
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::claims::ClaimSet;
    use crate::clock::Clock;
    use crate::config::model::SessionSettings;
    use crate::session::Identity;
    use crate::users::User;

    const ANN: &str = "sitecore\\ann";

    struct Desk {
        clock: Clock,
        accounts: Accounts,
        sessions: Sessions,
        reconciler: Reconciler,
    }

    impl Desk {
        async fn new() -> Self {
            let clock = Clock::manual(Timestamp(1_000));
            let accounts = Accounts::in_memory();
            let ann = Account { name: ANN.to_owned(), ..Account::default() };
            accounts.add(&ann, None, false).await.unwrap();
            let sessions = Sessions::new(clock.clone(), Arc::default());
            Self { clock, accounts, sessions, reconciler: Reconciler::default() }
        }

        /// Begins a session of Ann's, and notes that; its public name.
        fn begin(&mut self, provider: &str, persistent: bool) -> String {
            let session = self.sessions.begin(identity(provider, persistent), &settings()).1;
            self.reconciler.began(&session);
            session.public_id.clone()
        }

        async fn change(&self, change: impl Fn(&mut Account)) {
            let mut ann = self.accounts.find(ANN).await.unwrap().unwrap();
            change(&mut ann);
            self.accounts.save(&ann, false).await.unwrap();
        }

        /// What ends of what is new, or of all.
        async fn over(&mut self, all: bool) -> Vec<String> {
            if all {
                let sessions = self.sessions.all();
                self.reconciler.all(sessions.iter().map(AsRef::as_ref));
            }
            let configured = (&HashSet::new(), self.clock.now());
            let over = self.reconciler.compare(&self.accounts, &self.sessions, configured).await;
            over.unwrap().into_iter().collect()
        }
    }

    fn identity(provider: &str, persistent: bool) -> Identity {
        Identity {
            user: User {
                name: "Sitecore\\Ann".to_owned(),
                properties: std::collections::BTreeMap::default(),
                roles: Vec::new(),
                is_administrator: false,
            },
            provider: provider.into(),
            issuer: None,
            subject: "1".to_owned(),
            site: "shell".into(),
            claims: ClaimSet::default(),
            id_token: None,
            provider_session: None,
            authenticated_at: Timestamp(0),
            time_assumed: false,
            remembered: false,
            ends_at: None,
            refresh: None,
            given_roles: Vec::new(),
            persistent,
        }
    }

    fn settings() -> SessionSettings {
        SessionSettings {
            authentication_type: "Cookies".to_owned(),
            cookie_prefix: String::new(),
            expire_time_span: Duration::from_hours(1),
            sliding: true,
            absolute_lifetime: Duration::from_hours(1),
            remembered_lifetime: Duration::from_hours(1),
            capacity: 100,
            per_user: None,
        }
    }

    #[tokio::test]
    async fn a_session_of_nobody_or_of_somebody_who_is_disabled_ends() {
        let mut desk = Desk::new().await;
        let kept = desk.begin("Okta", true);
        assert!(desk.over(false).await.is_empty());
        desk.change(|ann| ann.disabled = true).await;
        assert!(desk.over(false).await.is_empty(), "nothing is new");
        assert_eq!(desk.over(true).await, std::slice::from_ref(&kept));
        desk.change(|ann| ann.disabled = false).await;
        assert!(desk.over(true).await.is_empty());
        desk.accounts.remove(ANN).await.unwrap();
        assert_eq!(desk.over(true).await, [kept]);
        let new = desk.begin("Okta", true);
        assert!(desk.over(false).await.contains(&new));
    }

    #[tokio::test]
    async fn sessions_from_before_a_change_end_but_for_those_that_it_spares() {
        let mut desk = Desk::new().await;
        let (old, spared) = (desk.begin("local", true), desk.begin("local", true));
        let passing = desk.begin("SitecoreIdentityServer", false);
        assert!(desk.over(true).await.is_empty());
        // The clock of whoever made the change is ahead.
        desk.change(|ann| ann.end_sessions(Timestamp(5_000), vec![spared.clone()])).await;
        let new = desk.begin("local", true);
        let mut over = desk.over(false).await;
        over.sort();
        let mut expected = vec![old, passing];
        expected.sort();
        assert_eq!(over, expected);
        desk.change(|ann| ann.locked = true).await;
        assert!(desk.over(true).await.is_empty(), "{new} goes on, and {spared}");
    }

    #[tokio::test]
    async fn a_session_that_was_never_compared_is_judged_by_its_beginning() {
        let mut desk = Desk::new().await;
        let old = desk.begin("local", true);
        desk.clock.advance(Duration::from_secs(1));
        let new = desk.begin("local", true);
        desk.change(|ann| ann.end_sessions(Timestamp(1_001), Vec::new())).await;
        assert_eq!(desk.over(false).await, [old], "{new} goes on");
    }

    #[tokio::test]
    async fn whoever_has_the_name_of_a_deleted_user_has_other_sessions() {
        let mut desk = Desk::new().await;
        let old = desk.begin("local", true);
        assert!(desk.over(false).await.is_empty());
        desk.accounts.remove(ANN).await.unwrap();
        let created_at = Timestamp(1_000);
        let ann = Account { name: ANN.to_owned(), created_at, ..Account::default() };
        desk.accounts.add(&ann, None, false).await.unwrap();
        assert_eq!(desk.over(true).await, [old]);
    }

    #[tokio::test]
    async fn whoever_is_called_so_elsewhere_is_somebody_else() {
        let mut desk = Desk::new().await;
        desk.change(|ann| ann.disabled = true).await;
        desk.begin("Okta", false);
        assert!(desk.over(true).await.is_empty());
    }
}
