//! Keeps the register of live sessions, behind everything else: a store that is down or slow holds up
//! no sign-in and ends no session. And ends the sessions that operators ask there to end.

use std::collections::HashMap;
use std::collections::HashSet;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::Weak;
use std::time::Duration;

use tokio::time::Instant;

use crate::app::Running;
use crate::app::reconcile;
use crate::app::reconcile::Reconciler;
use crate::clock::Timestamp;
use crate::observe::audit;
use crate::session::Change;
use crate::session::End;
use crate::session::Session;
use crate::store::StoreError;
use crate::store::accounts::folded;
use crate::store::register::Register;
use crate::store::register::Registered;

/// How often it is written, and looked at for sessions that are to end.
const TURN: Duration = Duration::from_millis(500);

/// How often this process says that it lives; its rows are forgotten after a minute of silence.
const BEAT: Duration = Duration::from_secs(10);

/// How often rows of processes that are gone are swept out, and its own compared with the table.
const SWEEP: Duration = Duration::from_mins(1);

/// Sessions that one transaction writes.
const BATCH: usize = 200;

/// Keeps the register until the app is gone.
pub(super) async fn keep(running: Weak<Running>, instance: Arc<str>) {
    let mut scribe = None;
    loop {
        tokio::time::sleep(TURN).await;
        let Some(running) = running.upgrade() else { return };
        let Some(register) = &running.house.register else { return };
        let scribe = scribe.get_or_insert_with(|| Scribe::new(register.clone(), &instance));
        let turn = scribe.turn(&running).await;
        scribe.tell(turn);
    }
}

/// What is to be written, and when what is due.
struct Scribe {
    register: Register,
    instance: Arc<str>,
    /// By public name; `None` for what has ended.
    pending: HashMap<String, Option<Registered>>,
    /// Whether the rows are to be compared with the table of sessions, and those with the accounts.
    compare: bool,
    reconciler: Reconciler,
    beat_at: Instant,
    swept_at: Instant,
    down: bool,
}

impl Scribe {
    fn new(register: Register, instance: &Arc<str>) -> Self {
        let now = Instant::now();
        Self {
            register,
            instance: Arc::clone(instance),
            pending: HashMap::new(),
            compare: true,
            reconciler: Reconciler::default(),
            beat_at: now,
            swept_at: now,
            down: false,
        }
    }

    async fn turn(&mut self, running: &Arc<Running>) -> Result<(), StoreError> {
        self.take_changes(running);
        let now = running.house.clock.now();
        if self.beat_at <= Instant::now() {
            let known = self.register.beat(&self.instance, now).await?;
            self.beat_at = Instant::now() + BEAT;
            self.compare |= !known;
        }
        if self.compare {
            self.compare(running).await?;
            self.compare = false;
        }
        self.write().await?;
        // Whoever changes an account looks for rows afterwards: either they find a session's, or the
        // account is seen here as they left it.
        self.reconcile(running, now).await?;
        let asked = self.register.asked(&self.instance).await?;
        if !asked.is_empty() {
            self.end_asked(asked, running);
        }
        if self.swept_at <= Instant::now() {
            self.register.sweep(now).await?;
            self.swept_at = Instant::now() + SWEEP;
            self.compare = true;
        }
        Ok(())
    }

    /// A store that is down is told of once, and so is its return.
    fn tell(&mut self, turn: Result<(), StoreError>) {
        match turn {
            Err(error) if !self.down => {
                tracing::warn!(error = ?error, "the register of sessions cannot be kept just now");
                self.down = true;
            }
            Ok(()) if self.down => {
                tracing::info!("the register of sessions is kept again");
                self.down = false;
                self.compare = true;
            }
            Ok(()) | Err(_) => {}
        }
    }

    fn take_changes(&mut self, running: &Running) {
        let noted = running.house.sessions.take_changes();
        self.compare |= noted.lost;
        for change in noted.changes {
            match change {
                Change::Began(session) => {
                    self.reconciler.began(&session);
                    self.pending.insert(session.public_id.clone(), Some(registered(&session)));
                }
                Change::Ended(session) => {
                    self.pending.insert(session.public_id.clone(), None);
                }
            }
        }
        if self.pending.len().max(self.reconciler.len()) > MOST_PENDING {
            self.pending.clear();
            self.reconciler.clear();
            self.compare = true;
        }
    }

    /// Finds what the rows lack and what they have too much, whatever was noted.
    async fn compare(&mut self, running: &Running) -> Result<(), StoreError> {
        let written: HashSet<String> =
            self.register.written(&self.instance).await?.into_iter().collect();
        let sessions = running.house.sessions.all();
        let live: HashMap<&str, &Arc<Session>> =
            sessions.iter().map(|session| (session.public_id.as_str(), session)).collect();
        let gone = written.iter().filter(|id| !live.contains_key(id.as_str()));
        self.pending.extend(gone.map(|id| (id.clone(), None)));
        let new = live.iter().filter(|(id, _)| !written.contains(**id));
        new.clone().for_each(|(_, session)| self.reconciler.began(session));
        self.reconciler.all(sessions.iter().map(AsRef::as_ref));
        self.pending.extend(new.map(|(id, session)| ((*id).to_owned(), Some(registered(session)))));
        Ok(())
    }

    async fn write(&mut self) -> Result<(), StoreError> {
        while !self.pending.is_empty() {
            let batch = self.pending.iter().take(BATCH);
            let batch: Vec<_> = batch.map(|(id, session)| (id.clone(), session.clone())).collect();
            self.register.write(&self.instance, &batch).await?;
            for (id, _) in &batch {
                self.pending.remove(id);
            }
        }
        Ok(())
    }

    /// Ends the sessions with these public names, which an operator has asked for.
    fn end_asked(&mut self, asked: Vec<String>, running: &Arc<Running>) {
        let asked: HashSet<String> = asked.into_iter().collect();
        end(running, &asked, "asked_in_register", |_| true);
        self.pending.extend(asked.into_iter().map(|id| (id, None)));
    }

    /// Ends the sessions of users whose accounts are gone or have changed.
    async fn reconcile(
        &mut self,
        running: &Arc<Running>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let config = Arc::clone(&running.current.load().config);
        let (accounts, sessions) = (&running.house.accounts, &running.house.sessions);
        let configured = config.local_users.iter().map(|user| folded(&user.name)).collect();
        let over = self.reconciler.compare(accounts, sessions, (&configured, now)).await?;
        if !over.is_empty() {
            // Of the sessions behind them those have been compared themselves that could be.
            let behind = |session: &Session| !reconcile::speaks_for_an_account(session);
            end(running, &over, "account_changed", behind);
        }
        Ok(())
    }
}

/// Ends the sessions with these public names, and those `behind` them from which they came, and then
/// what was granted in them.
fn end(
    running: &Arc<Running>,
    named: &HashSet<String>,
    reason: &'static str,
    behind: impl Fn(&Session) -> bool,
) {
    let sessions = &running.house.sessions;
    let mut ended = sessions.all();
    ended.retain(|session| named.contains(&session.public_id));
    let config = Arc::clone(&running.current.load().config);
    let mut ended = running.house.identity_server.with_single_sign_on(&config, ended);
    ended.retain(|session| {
        let meant = named.contains(&session.public_id) || behind(session);
        meant && sessions.end(&session.id, End::SignOut)
    });
    for session in &ended {
        write_audit(session, reason);
    }
    let running = Arc::clone(running);
    tokio::spawn(async move {
        for session in &ended {
            // No page is shown that could hold a frame.
            running.house.identity_server.ended(&config, session, &[]).await;
        }
    });
}

/// Changes that wait for a store that is down; beyond that the table of sessions tells what is so.
const MOST_PENDING: usize = 100_000;

fn registered(session: &Session) -> Registered {
    let identity = &session.identity;
    Registered {
        id: session.public_id.clone(),
        user: identity.user.name.clone(),
        provider: identity.provider.to_string(),
        site: identity.site.to_string(),
        began_at: session.began_at,
        ends_at: session.ends_at,
    }
}

/// What ended it came by way of the store, from nobody's address.
fn write_audit(session: &Session, reason: &str) {
    let identity = &session.identity;
    let entry = audit::Entry {
        event: audit::Event::SessionsEnded,
        site: &identity.site,
        provider: Some(&identity.provider),
        user: None,
        whom: Some(&identity.user.name),
        reason: Some(reason),
        client: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        request: &"",
    };
    entry.write();
}
