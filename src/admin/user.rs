//! One user: what is kept here, what sign-ins bring, and where the password lives.

use std::sync::Arc;

use askama::Template;
use http::Method;

use crate::admin::Admin;
use crate::admin::Neighbours;
use crate::admin::address;
use crate::admin::frame::Frame;
use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::LocalUser;
use crate::config::model::Provider;
use crate::error::Problem;
use crate::http::Response;
use crate::session::Session;
use crate::store::accounts::Account;
use crate::store::accounts::ExternalLogin;
use crate::store::accounts::folded;
use crate::store::accounts::same;
use crate::users::local;

/// Everything that is known of one user.
#[derive(Debug, Default)]
pub(super) struct Person<'a> {
    /// The name, as it is written where it is kept.
    pub(super) name: String,
    /// What the store keeps.
    pub(super) account: Option<Account>,
    /// The identities that sign in as it.
    pub(super) logins: Vec<ExternalLogin>,
    /// What the configuration says, where it has the user.
    pub(super) configured: Option<&'a LocalUser>,
    /// The live sessions.
    pub(super) sessions: Vec<Arc<Session>>,
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage<'a> {
    frame: &'a Frame<'a>,
    person: &'a Person<'a>,
    passwords: Vec<String>,
    token: &'a str,
    /// Whether other gateways may share the store.
    shared: bool,
}

#[derive(Template)]
#[template(path = "delete_user.html")]
struct DeleteUserPage<'a> {
    frame: &'a Frame<'a>,
    person: &'a Person<'a>,
    token: &'a str,
}

/// A role that a sign-in brought.
struct Brought<'a> {
    role: &'a str,
    /// The transformation, or nothing when the provider said it itself.
    by: &'a str,
    /// The sign-in, in words.
    how: String,
    /// Whether a live session has it.
    live: bool,
}

impl Admin {
    /// GET shows, POST changes.
    pub(super) async fn user(
        &self,
        frame: Frame<'_>,
        neighbours: Neighbours<'_>,
    ) -> Result<Response, Problem> {
        if frame.visit.exchange.method == Method::POST {
            return self.change_user(&frame, neighbours).await;
        }
        let person = self.named(&frame).await?;
        let token = frame.proof(&about(&person.name))?;
        let frame = frame.with_outcome()?;
        let passwords = person.passwords(&frame.visit.config);
        Ok(frame.show(&UserPage {
            frame: &frame,
            person: &person,
            passwords,
            token: &token,
            shared: self.parts.register.is_some(),
        }))
    }

    /// Asks once more before a user is deleted.
    pub(super) async fn ask_to_delete(&self, frame: &Frame<'_>) -> Result<Response, Problem> {
        let person = self.named(frame).await?;
        let token = frame.proof(&about(&person.name))?;
        Ok(frame.show(&DeleteUserPage { frame, person: &person, token: &token }))
    }

    async fn named<'a>(&self, frame: &Frame<'a>) -> Result<Person<'a>, Problem> {
        let query = frame.visit.exchange.query()?;
        let name = query.get("name").unwrap_or_default();
        let person = self.person(&frame.visit.config, name).await?;
        person.ok_or_else(|| Problem::NotFound("There is no such user.".into()))
    }

    /// The user called `name`, wherever it is known.
    pub(super) async fn person<'a>(
        &self,
        config: &'a Config,
        name: &str,
    ) -> Result<Option<Person<'a>>, Problem> {
        let account = self.parts.accounts.find(name).await?;
        let logins = match &account {
            Some(account) => self.parts.accounts.logins(&account.name).await?,
            None => Vec::new(),
        };
        let same = |user: &&LocalUser| same(&user.name, name);
        let configured = config.local_users.iter().find(same);
        let mut sessions = self.parts.sessions.of_user(name);
        sessions.sort_by_key(|session| std::cmp::Reverse(session.began_at));
        let of_session = sessions.first().map(|session| session.identity.user.name.clone());
        let kept = account.as_ref().map(|account| account.name.clone());
        let name = kept.or_else(|| configured.map(|user| user.name.clone())).or(of_session);
        Ok(name.map(|name| Person { name, account, logins, configured, sessions }))
    }
}

/// What the forms of a user's page are about.
pub(super) fn about(name: &str) -> String {
    format!("admin user {}", folded(name))
}

/// The page of the user called `name`.
pub(super) fn page_of(name: &str) -> String {
    address("/vestibule/user", &[("name", name)])
}

/// The page that asks before that user is deleted.
fn deletion_of(name: &str) -> String {
    address("/vestibule/user/delete", &[("name", name)])
}

/// The page that tells what that user would see.
fn access_of(name: &str) -> String {
    address("/vestibule/access", &[("user", name)])
}

impl Person<'_> {
    fn kind(&self) -> &'static str {
        match (&self.account, self.configured) {
            (_, Some(_)) => "local, of the configuration",
            (Some(account), None) if account.password_hash.is_none() => "persistent",
            (Some(_), None) if self.logins.is_empty() => "local",
            (Some(_), None) => "local, and linked to providers",
            (None, None) => "virtual: it lives as long as its sessions",
        }
    }

    /// Where the password lives, a sentence each.
    fn passwords(&self, config: &Config) -> Vec<String> {
        let mut places = Vec::new();
        if let Some(user) = self.configured {
            places.push(format!("Here: its hash stands in {}. Change it there.", user.origin));
        }
        if self.account.as_ref().is_some_and(|account| account.password_hash.is_some()) {
            places.push(
                "Here, in the store. `vestibule user reset-link` lets the user choose a new one."
                    .to_owned(),
            );
        }
        let linked = self.logins.iter().map(|login| login.provider.as_str());
        let signed_in = self.sessions.iter().map(|session| &*session.identity.provider);
        let mut providers: Vec<&str> = linked.chain(signed_in).collect();
        providers.sort_unstable();
        providers.dedup();
        for name in providers.into_iter().filter(|name| *name != local::PROVIDER) {
            let own = is_own(config, name);
            if !(own && (self.configured.is_some() || !places.is_empty())) {
                let caption = caption(config, name);
                places.push(format!("At {caption}: change it there. The gateway never sees it."));
            }
        }
        places
    }

    /// The profile: what is kept, else what the newest session was told.
    fn properties(&self) -> Vec<(&str, &str)> {
        let session = self.sessions.iter().find(|s| !s.identity.user.properties.is_empty());
        let live = session.map(|session| &session.identity.user.properties);
        let kept = self.account.as_ref().map(|account| &account.properties).or(live);
        let kept = kept.into_iter().flatten().map(|(name, value)| (name.as_str(), value.as_str()));
        let configured = self.configured.into_iter().flat_map(|user| {
            let named = [("Email", user.email.as_deref()), ("FullName", user.full_name.as_deref())];
            named.into_iter().filter_map(|(name, value)| Some((name, value?)))
        });
        let mut all: Vec<_> = configured.collect();
        for (name, value) in kept {
            if !all.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
                all.push((name, value));
            }
        }
        all
    }

    /// Roles that sign-ins brought, those of live sessions first, each with its sign-in.
    fn brought(&self) -> Vec<Brought<'_>> {
        let mut all: Vec<Brought<'_>> = Vec::new();
        for session in &self.sessions {
            let identity = &session.identity;
            let how = format!("{} at {}", identity.provider, identity.site);
            let held = identity.given_roles.iter();
            for given in held.filter(|given| identity.user.has_role(&given.role)) {
                let known = all.iter().any(|b| b.role == given.role && b.how == how);
                if !known {
                    let (role, by) = (given.role.as_str(), given.by.as_str());
                    all.push(Brought { role, by, how: how.clone(), live: true });
                }
            }
        }
        let last = self.account.as_ref().and_then(|account| account.last_sign_in.as_ref());
        for (sign_in, given) in last.iter().flat_map(|s| s.roles.iter().map(move |g| (s, g))) {
            let how = format!("{} at {}", sign_in.provider, sign_in.site);
            if !all.iter().any(|b| b.role == given.role && b.how == how) {
                let (role, by) = (given.role.as_str(), given.by.as_str());
                all.push(Brought { role, by, how, live: false });
            }
        }
        all
    }

    /// Roles that live sessions have, and that nothing is known of otherwise.
    fn unexplained(&self) -> Vec<&str> {
        let kept = |role: &str| self.account.as_ref().is_some_and(|a| a.has_role(role));
        let set = |role: &str| self.configured.is_some_and(|u| u.roles.iter().any(|r| r == role));
        let mut roles = Vec::new();
        for session in &self.sessions {
            let identity = &session.identity;
            for role in &identity.user.roles {
                let given = identity.given_roles.iter().any(|g| same(&g.role, role));
                if !given && !kept(role) && !set(role) && !roles.contains(&role.as_str()) {
                    roles.push(role);
                }
            }
        }
        roles
    }

    fn is_administrator(&self) -> bool {
        self.account.as_ref().is_some_and(|account| account.administrator)
            || self.configured.is_some_and(|user| user.administrator)
            || self.sessions.iter().any(|session| session.identity.user.is_administrator)
    }
}

/// What people call the provider `name`.
fn caption<'c>(config: &'c Config, name: &'c str) -> &'c str {
    provider(config, name)
        .map(|provider| provider.caption.as_str())
        .filter(|caption| !caption.is_empty())
        .unwrap_or(name)
}

fn provider<'c>(config: &'c Config, name: &str) -> Option<&'c Arc<Provider>> {
    let external = &config.identity_server.external_providers;
    config.provider(name).or_else(|| external.iter().find(|provider| *provider.name == *name))
}

/// Whether the provider `name` is the embedded identity server, whose passwords are kept here.
pub(super) fn is_own(config: &Config, name: &str) -> bool {
    let issuer = config.identity_server.issuer.as_deref();
    let served = config.sites.iter().any(|s| s.destination == Destination::IdentityServer);
    served && issuer.is_some() && provider(config, name).and_then(|p| p.issuer()) == issuer
}
