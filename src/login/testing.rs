//! For the tests of this room: a small configuration and a browser.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::StatusCode;
use http::Uri;
use http::header;

use crate::clock::Clock;
use crate::clock::Timestamp;
use crate::config::model::ClientAuthentication;
use crate::config::model::Config;
use crate::config::model::Destination;
use crate::config::model::OpenIdConnect;
use crate::config::model::Protocol;
use crate::config::model::Provider;
use crate::config::model::ResponseMode;
use crate::config::model::ResponseType;
use crate::config::model::Site;
use crate::config::model::SiteProviders;
use crate::config::model::Transformation;
use crate::config::model::TransformationKind;
use crate::crypto::seal::SealKeys;
use crate::crypto::secret::Secret;
use crate::error::Problem;
use crate::http::Connection;
use crate::http::Exchange;
use crate::http::RequestId;
use crate::http::Response;
use crate::http::Target;
use crate::http::connection::Purpose;
use crate::http::form::Form;
use crate::http::response;
use crate::login::Login;
use crate::login::Outcome;
use crate::login::Parts;
use crate::login::place;
use crate::observe::Metrics;
use crate::session::Sessions;
use crate::session::Visit;
use crate::store::accounts::Accounts;
use crate::users::local::LocalUsers;
use crate::users::testing;

pub(super) const NOW: Timestamp = Timestamp(1_800_000_000);
pub(super) const CMS: &str = "cms.localhost:8443";

/// A gateway with sites shell, website and id, provider `Partner` at shell and at id, and a browser.
pub(super) struct Stage {
    pub login: Login,
    pub clock: Clock,
    pub config: Arc<Config>,
    pub cookies: BTreeMap<String, String>,
    pub sessions: Arc<Sessions>,
    pub seal: SealKeys,
}

impl Stage {
    pub(super) fn new(issuer: &str) -> Self {
        Self::with(config(connection(issuer)))
    }

    pub(super) fn with(config: Config) -> Self {
        let clock = Clock::manual(NOW);
        let metrics = Arc::new(Metrics::new());
        let sessions = Arc::new(Sessions::new(clock.clone(), Arc::clone(&metrics)));
        let seal = SealKeys::ephemeral();
        let login = Login::new(Parts {
            clock: clock.clone(),
            accounts: Arc::new(Accounts::in_memory()),
            local_users: Arc::new(LocalUsers::new(
                Arc::clone(&metrics),
                Arc::new(Accounts::in_memory()),
            )),
            metrics,
            seal: seal.clone(),
            sessions: Arc::clone(&sessions),
        });
        let cookies = BTreeMap::new();
        Self { login, clock, config: Arc::new(config), cookies, sessions, seal }
    }

    /// Opens `path` on the CMS.
    pub(super) async fn get(&mut self, path: &str) -> Result<Response, Problem> {
        self.send(Method::GET, CMS, path, None).await
    }

    /// Posts a form to the CMS.
    pub(super) async fn post(&mut self, path: &str, form: &str) -> Result<Response, Problem> {
        self.send(Method::POST, CMS, path, Some(form)).await
    }

    /// Sends a request as the browser and keeps the cookies of the answer.
    pub(super) async fn send(
        &mut self,
        method: Method,
        authority: &str,
        path: &str,
        form: Option<&str>,
    ) -> Result<Response, Problem> {
        let visit = self.visit(method, authority, path, form);
        let response = match self.login.answer(&visit).await? {
            Outcome::Answer(response) => response,
            Outcome::Entered(entered) => entered.answer,
            Outcome::Ended(_) => response::empty(StatusCode::OK),
        };
        for line in response.headers().get_all(header::SET_COOKIE) {
            let (pair, flags) = line.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if flags.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(response)
    }

    fn visit(&self, method: Method, authority: &str, path: &str, form: Option<&str>) -> Visit {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, authority.parse().unwrap());
        let cookies: Vec<_> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        if form.is_some() {
            let kind = "application/x-www-form-urlencoded".parse().unwrap();
            headers.insert(header::CONTENT_TYPE, kind);
        }
        let uri: Uri = path.parse().unwrap();
        let target = Target::read(&uri, &headers).unwrap();
        let site = if target.host == "id.localhost" { "id" } else { "website" };
        let exchange = Exchange {
            method,
            target,
            headers,
            body: Bytes::from(form.unwrap_or_default().to_owned()),
            connection: Arc::new(Connection {
                peer: SocketAddr::from(([192, 0, 2, 1], 4000)),
                port: 8443,
                secure: true,
                server_name: None,
                http2: false,
                purpose: Purpose::Sites,
                listener: "https".into(),
                trusted_proxies: Vec::new().into(),
            }),
            client: [192, 0, 2, 1].into(),
            secure: true,
            id: RequestId::fresh(),
            now: self.clock.now(),
        };
        let config = Arc::clone(&self.config);
        let site = Arc::clone(config.site(site).unwrap());
        Visit { config, site, exchange, session: None }
    }

    /// The user that the browser is at `site`.
    pub(super) fn user(&self, site: &str) -> Option<String> {
        let visit = self.visit(Method::GET, CMS, "/", None);
        let site = self.config.site(site)?;
        let session = place::session(&self.sessions, &visit, site)?;
        Some(session.identity.user.name.clone())
    }

    /// Begins a sign-in and returns the parameters that the provider was sent.
    pub(super) async fn begin(&mut self, path: &str) -> Form {
        let response = self.get(path).await.unwrap();
        parameters(&response)
    }
}

/// The query of a redirect.
pub(super) fn parameters(response: &Response) -> Form {
    Form::parse(location(response).split_once('?').unwrap().1.as_bytes()).unwrap()
}

/// Where a redirect leads.
pub(super) fn location(response: &Response) -> &str {
    response.headers()[header::LOCATION].to_str().unwrap()
}

/// The closed reason of a refused sign-in.
pub(super) fn reason(answer: Result<Response, Problem>) -> &'static str {
    match answer {
        Err(Problem::SignInFailed { reason, .. }) => reason,
        other => panic!("not a refused sign-in: {other:?}"),
    }
}

pub(super) fn connection(issuer: &str) -> OpenIdConnect {
    OpenIdConnect {
        issuer: issuer.to_owned(),
        issuer_alias: None,
        tenants: crate::config::model::Tenants::One,
        hosted_domain: None,
        metadata_address: None,
        client_id: "gateway".to_owned(),
        client_secret: Some(Secret::new("a secret: + /")),
        client_authentication: ClientAuthentication::Basic,
        scopes: vec!["openid".to_owned(), "email".to_owned()],
        response_type: ResponseType::Code,
        response_mode: ResponseMode::Query,
        callback_path: "/signin-oidc".to_owned(),
        shares_callback: false,
        post_logout_path: "/signout-callback-oidc".to_owned(),
        sign_out_address: None,
        signing_algorithms: vec!["ES256".to_owned()],
        clock_skew: Duration::from_mins(5),
        userinfo: false,
        certificate_authority: None,
        require_https: true,
        refresh_after: None,
        parameters: vec![
            ("prompt".to_owned(), "login".to_owned()),
            ("state".to_owned(), "x".to_owned()),
        ],
    }
}

pub(super) fn config(connection: OpenIdConnect) -> Config {
    let partner = Provider {
        protocol: Protocol::OpenIdConnect(Box::new(connection)),
        trigger_external_sign_out: true,
        transformations: vec![Transformation {
            name: "setIdpClaim".into(),
            kind: TransformationKind::SetIdp,
            origin: testing::origin(),
        }],
        ..testing::provider("Partner")
    };
    let partner = Arc::new(partner);
    let mut config = testing::config();
    config.local_users = vec![testing::jane()];
    config.limits.sign_ins_per_minute = 1000;
    config.identity_server.external_providers = vec![Arc::clone(&partner)];
    let shell = Site {
        providers: SiteProviders { providers: vec![Arc::clone(&partner)], persistent: false },
        login_page: Some("/identity/login/shell/Partner".to_owned()),
        domain: Some("sitecore".to_owned()),
        ..site("shell", "/sitecore/shell", "cms.localhost")
    };
    let id = Site { destination: Destination::IdentityServer, ..site("id", "", "id.localhost") };
    config.sites =
        vec![Arc::new(shell), Arc::new(site("website", "", "cms.localhost")), Arc::new(id)];
    config.providers = vec![partner];
    config
}

fn site(name: &str, folder: &str, host: &str) -> Site {
    Site {
        name: name.into(),
        host_names: vec![crate::config::model::HostPattern(host.to_owned())],
        target_host_name: None,
        port: None,
        virtual_folder: folder.to_owned(),
        domain: None,
        require_login: false,
        roles: Vec::new(),
        login_page: None,
        destination: Destination::Nothing,
        providers: SiteProviders::default(),
        sources: Vec::new(),
        assertion_as_bearer: false,
        sign_ins: crate::config::model::SignInRules::default(),
        pass_authorization: false,
        origins: Vec::new(),
        origin: testing::origin(),
    }
}
