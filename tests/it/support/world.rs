//! A whole world for a scenario: the gateway, a CMS behind it, a provider beside it, one clock.

use std::time::Duration;

use vestibule::clock::Clock;
use vestibule::config::Environment;

use crate::support::browser::Browser;
use crate::support::cms::EchoCms;
use crate::support::gateway::Gateway;
use crate::support::gateway::Setup;
use crate::support::provider;
use crate::support::provider::CLIENT_ID;
use crate::support::provider::CLIENT_SECRET;
use crate::support::provider::FakeProvider;
use crate::support::wire::Answer;
use crate::support::wire::Wire;

/// The session cookie's name.
pub(crate) const SESSION: &str = ".AspNet.Cookies";
/// The role claim of the CMS.
pub(crate) const ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";

/// Everything a scenario needs. Ends when dropped.
pub(crate) struct World {
    /// The gateway.
    pub(crate) gateway: Gateway,
    /// The CMS.
    pub(crate) cms: EchoCms,
    /// The provider `Partner`, mapped to shell, admin and website.
    pub(crate) idp: FakeProvider,
    /// The gateway's and the provider's clock.
    pub(crate) clock: Clock,
    patch: String,
}

impl World {
    /// The usual world.
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// The usual world, patched further inside `<sitecore>`.
    pub(crate) async fn with(more: &str) -> Self {
        Self::made(|_| more.to_owned()).await
    }

    /// The usual world, patched by what `more` makes of the provider's issuer.
    pub(crate) async fn made(more: impl FnOnce(&FakeProvider) -> String) -> Self {
        let clock = Clock::manual(Clock::system().now());
        let cms = EchoCms::start().await;
        let idp = FakeProvider::start(&clock).await;
        let more = more(&idp);
        let patch = format!("{}{}", usual(&cms, &idp), more);
        let gateway = Gateway::start(Setup {
            patch: patch.clone(),
            files: Vec::new(),
            environment: Environment::default(),
            clock: clock.clone(),
            https: "127.0.0.1:0".parse().unwrap(),
        })
        .await;
        Self { gateway, cms, idp, clock, patch }
    }

    /// Reloads with `more` in place of what the world was started with.
    pub(crate) async fn patch(&self, more: &str) {
        let patch = format!("{}{more}", usual(&self.cms, &self.idp));
        let reloaded = self.gateway.reload(&patch).await;
        reloaded.unwrap_or_else(|faults| panic!("{}", crate::support::gateway::list(&faults)));
    }

    /// The patch that it was started with.
    pub(crate) fn started_with(&self) -> &str {
        &self.patch
    }

    /// An address of the CMS's host.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://cms.localhost:{}{path}", self.gateway.port)
    }

    /// The CMS's host with its port.
    pub(crate) fn host(&self) -> String {
        format!("cms.localhost:{}", self.gateway.port)
    }

    /// A fresh browser.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.url("/"))
    }

    /// A browser in which Jane is signed in at shell.
    pub(crate) async fn jane(&self) -> Browser {
        self.signed_in(provider::jane()).await
    }

    /// A browser in which `person` is signed in at shell.
    pub(crate) async fn signed_in(&self, person: serde_json::Value) -> Browser {
        self.idp.person(person);
        let mut browser = self.browser();
        let page = browser.go("/sitecore/shell/").await;
        assert_eq!(page.status, 200, "signing in failed: {}", page.gist());
        assert!(browser.cookie(SESSION).is_some(), "no session: {:?}", browser.jar);
        browser
    }

    /// A TLS connection to the gateway.
    pub(crate) async fn wire(&self) -> Wire {
        Wire::tls(self.gateway.port, "cms.localhost").await
    }

    /// Sends one request as these exact bytes on a connection of its own.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> Answer {
        let mut wire = self.wire().await;
        wire.send(bytes).await;
        wire.answer().await
    }

    /// `GET path` with these further header lines, each ending in `\r\n`.
    pub(crate) async fn raw_get(&self, path: &str, lines: &str) -> Answer {
        self.raw(format!("GET {path} HTTP/1.1\r\nHost: cms.localhost\r\n{lines}\r\n")).await
    }

    /// Lets the clock run.
    pub(crate) fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// `Cookie:` line with the session of `browser`.
pub(crate) fn cookie_line(browser: &Browser) -> String {
    format!("Cookie: {SESSION}={}\r\n", browser.cookie(SESSION).unwrap())
}

/// The CMS as upstream, and the provider `Partner` for shell, admin and website.
fn usual(cms: &EchoCms, idp: &FakeProvider) -> String {
    let url = format!("http://{}", cms.address);
    format!(
        "<gateway><upstreams><upstream name=\"cms\"><server set:url=\"{url}\" /></upstream></upstreams></gateway>\n\
         <sites>\n\
         <site name=\"shell\" set:loginPage=\"/identity/login/shell/Partner\" />\n\
         <site name=\"admin\" set:loginPage=\"/identity/login/admin/Partner\" />\n\
         <site name=\"website\" set:loginPage=\"/identity/login/website/Partner\" />\n\
         </sites>\n{}{}",
        provider_patch("Partner", &idp.issuer, ""),
        mapping("Partner", &["shell", "admin", "website"]),
    )
}

/// A provider called `name` at `issuer`: domain `sitecore`, group `editors` becomes
/// `sitecore\Author`. `connection` holds further
/// attributes of its connection.
pub(crate) fn provider_patch(name: &str, issuer: &str, connection: &str) -> String {
    format!(
        r#"<gateway><connections>
  <connection provider="{name}" authority="{issuer}" clientId="{CLIENT_ID}" clientSecret="{CLIENT_SECRET}"
              scopes="openid profile email" requireHttpsMetadata="false" {connection} />
</connections></gateway>
<federatedAuthentication>
  <identityProviders hint="list:AddIdentityProvider">
    <identityProvider id="{name}" type="Sitecore.Owin.Authentication.Configuration.DefaultIdentityProvider, Sitecore.Owin.Authentication">
      <param desc="name">$(id)</param>
      <param desc="domainManager" type="Sitecore.Abstractions.BaseDomainManager" resolve="true" />
      <caption>Go to {name}</caption>
      <domain>sitecore</domain>
      <transformations hint="list:AddTransformation">
        <transformation name="editors" type="Sitecore.Owin.Authentication.Services.DefaultTransformation, Sitecore.Owin.Authentication">
          <sources hint="raw:AddSource"><claim name="groups" value="editors" /></sources>
          <targets hint="raw:AddTarget"><claim name="{ROLE}" value="sitecore\Author" /></targets>
          <keepSource>true</keepSource>
        </transformation>
      </transformations>
    </identityProvider>
  </identityProviders>
</federatedAuthentication>
"#
    )
}

/// Maps the provider `name` to `sites`.
pub(crate) fn mapping(name: &str, sites: &[&str]) -> String {
    let sites = sites
        .iter()
        .map(|site| format!("<site hint=\"{site}\">{site}</site>"))
        .collect::<Vec<_>>()
        .concat();
    format!(
        r#"<federatedAuthentication><identityProvidersPerSites hint="list:AddIdentityProvidersPerSites">
  <mapEntry name="{name} of the test" type="Sitecore.Owin.Authentication.Collections.IdentityProvidersPerSitesMapEntry, Sitecore.Owin.Authentication" resolve="true">
    <sites hint="list">{sites}</sites>
    <identityProviders hint="list:AddIdentityProvider">
      <identityProvider ref="federatedAuthentication/identityProviders/identityProvider[@id='{name}']" />
    </identityProviders>
    <externalUserBuilder type="Sitecore.Owin.Authentication.Services.DefaultExternalUserBuilder, Sitecore.Owin.Authentication" resolve="true">
      <IsPersistentUser>false</IsPersistentUser>
    </externalUserBuilder>
  </mapEntry>
</identityProvidersPerSites></federatedAuthentication>
"#
    )
}

/// The patch that lets Partner's group `admins` in at `admin.localhost`.
pub(crate) fn admin_site() -> String {
    let mapped = mapping("Partner", &["vestibule"]).replace("of the test", "of administrators");
    format!(
        r#"<sites><site name="vestibule" set:loginPage="/identity/login/vestibule/Partner" /></sites>
<federatedAuthentication><identityProviders><identityProvider id="Partner"><transformations hint="list:AddTransformation">
  <transformation name="admins" type="Sitecore.Owin.Authentication.Services.DefaultTransformation, Sitecore.Owin.Authentication">
    <sources hint="raw:AddSource"><claim name="groups" value="admins" /></sources>
    <targets hint="raw:AddTarget"><claim name="http://www.sitecore.net/identity/claims/isAdmin" value="true" /></targets>
    <keepSource>true</keepSource>
  </transformation>
</transformations></identityProvider></identityProviders></federatedAuthentication>
{mapped}"#
    )
}
