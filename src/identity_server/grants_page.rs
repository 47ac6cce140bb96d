//! `/grants`: the applications that a person is signed in to, and the way to take that back.

use std::collections::BTreeMap;

use http::Method;

use crate::clock::Timestamp;
use crate::error::Problem;
use crate::http::Response;
use crate::http::ReturnPath;
use crate::http::response;
use crate::identity_server::IdentityServer;
use crate::identity_server::Outcome;
use crate::identity_server::client;
use crate::identity_server::consent::NEVER;
use crate::identity_server::consent::Remembered;
use crate::identity_server::consent::application;
use crate::identity_server::grant::Grant;
use crate::identity_server::person;
use crate::identity_server::scope_choice;
use crate::observe::audit;
use crate::pages;
use crate::pages::Application;
use crate::pages::Held;
use crate::pages::Look;
use crate::session::Session;
use crate::session::Visit;
use crate::session::form_proof;
use crate::store::StoreError;
use crate::store::grants::Kind;

/// What the page's forms are about.
const ABOUT: &str = "grants";

/// The way from `/`, where a sign-in without an application ends: there is no other page for a person.
pub(super) fn from_home(visit: &Visit) -> Response {
    response::found(&format!("{}/grants", visit.site.virtual_folder))
}

/// What one client may have, of all grants and consents together.
struct Given {
    scopes: Vec<String>,
    since: Timestamp,
    until: Timestamp,
}

impl IdentityServer {
    /// GET lists; POST takes back what a client was granted.
    pub(super) async fn grants_page(&self, visit: &Visit) -> Result<Outcome, Problem> {
        let address = format!("{}/grants", visit.site.virtual_folder);
        let Some(session) = visit.session.as_deref() else {
            return Ok(Outcome::SignIn {
                return_path: ReturnPath::read(&address).unwrap_or_else(ReturnPath::root),
                provider: None,
                login_hint: None,
                ui_locales: None,
            });
        };
        let subject = person::subject_of(session);
        if visit.exchange.method == Method::POST {
            let form = visit.exchange.form()?;
            form_proof::accept(
                &self.parts.seal,
                visit,
                ABOUT,
                form.get("token").unwrap_or_default(),
            )?;
            let client = form.get("grant").unwrap_or_default();
            self.take_back(&subject, client, visit.exchange.now).await?;
            write_audit(visit, session);
            return Ok(Outcome::Answer(response::see_other(&address)));
        }
        let given = self.given(&subject, visit.exchange.now).await?;
        self.list(visit, session, &address, &given).map(Outcome::Answer)
    }

    /// Ends every grant of this person to `client`, and the consent that is remembered.
    async fn take_back(
        &self,
        subject: &str,
        client: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for kind in [Kind::Grant, Kind::RefreshToken, Kind::ReferenceToken, Kind::Consent] {
            self.drop_all(kind, subject, client, now).await?;
        }
        Ok(())
    }

    /// Forgets all that is of one kind and concerns this person and this client.
    pub(super) async fn drop_all(
        &self,
        kind: Kind,
        subject: &str,
        client: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for (key, record) in self.parts.grants.of_subject(kind, subject, now).await? {
            if record.client == client {
                self.parts.grants.drop_key(kind, key).await?;
            }
        }
        Ok(())
    }

    /// What the person has given away, by client.
    async fn given(
        &self,
        subject: &str,
        now: Timestamp,
    ) -> Result<BTreeMap<String, Given>, StoreError> {
        let mut given: BTreeMap<String, Given> = BTreeMap::new();
        for (_, record) in self.parts.grants.of_subject(Kind::Grant, subject, now).await? {
            if let Ok(grant) = serde_json::from_str::<Grant>(&record.data) {
                let since = grant.person.authenticated_at;
                let one = Given { scopes: grant.scopes, since, until: record.ends_at };
                add(&mut given, record.client, one);
            }
        }
        for (_, record) in self.parts.grants.of_subject(Kind::Consent, subject, now).await? {
            if let Ok(consent) = serde_json::from_str::<Remembered>(&record.data) {
                let (scopes, since) = (consent.scopes, consent.given_at);
                add(&mut given, record.client, Given { scopes, since, until: record.ends_at });
            }
        }
        Ok(given)
    }

    fn list(
        &self,
        visit: &Visit,
        session: &Session,
        address: &str,
        given: &BTreeMap<String, Given>,
    ) -> Result<Response, Problem> {
        let proof = form_proof::prove(&self.parts.seal, session, ABOUT, visit.exchange.now)?;
        let settings = &visit.config.identity_server;
        let look = Look::of(&visit.config, &visit.site, &visit.exchange);
        let words =
            |scope: &String| scope_choice::choice(settings, scope).caption(&look).into_owned();
        let mut held: Vec<Held<'_>> = given
            .iter()
            .map(|(id, given)| Held {
                client: client::find(settings, id)
                    .map_or_else(|| unknown(id), |client| application(client)),
                name: id,
                scopes: given.scopes.iter().map(words).collect(),
                since: given.since,
                ends: Some(given.until).filter(|until| *until != NEVER),
            })
            .collect();
        held.sort_by_cached_key(|held| held.client.name.to_lowercase());
        Ok(pages::grants(&pages::Grants {
            look: &look,
            user: &session.identity.user.name,
            held: &held,
            action: address,
            fields: &[("token", &proof)],
            password: Some(&format!("{}/account/password", visit.site.virtual_folder)),
            sign_out: Some(&format!("{}/account/logout", visit.site.virtual_folder)),
            request: &visit.exchange.id,
        }))
    }
}

/// A client that is not configured any more.
const fn unknown(id: &str) -> Application<'_> {
    Application { name: id, uri: None, logo: None }
}

fn add(given: &mut BTreeMap<String, Given>, client: String, more: Given) {
    let Some(known) = given.get_mut(&client) else {
        given.insert(client, more);
        return;
    };
    for scope in more.scopes {
        if !known.scopes.contains(&scope) {
            known.scopes.push(scope);
        }
    }
    known.since = known.since.min(more.since);
    known.until = known.until.max(more.until);
}

fn write_audit(visit: &Visit, session: &Session) {
    let identity = &session.identity;
    let (provider, user) = (Some(&*identity.provider), Some(identity.user.name.as_str()));
    audit::Entry { provider, user, ..visit.entry(audit::Event::GrantRevoked) }.write();
}
