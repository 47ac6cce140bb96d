//! A world in which the CMS sites sign in at our own identity server, by real OpenID Connect.

use std::net::SocketAddr;

use socket2::Domain;
use socket2::Socket;
use socket2::Type;
use vestibule::clock::Clock;
use vestibule::config::Environment;
use vestibule::crypto::password;
use vestibule::crypto::secret::Secret;

use crate::support::browser::Browser;
use crate::support::cms::EchoCms;
use crate::support::gateway::Gateway;
use crate::support::gateway::Setup;
use crate::support::wire::Answer;

/// Jane's password.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The gateway with its identity server, and a CMS. Ends when dropped.
pub(crate) struct Chain {
    /// The gateway.
    pub(crate) gateway: Gateway,
    /// The CMS.
    pub(crate) cms: EchoCms,
    /// Its time.
    pub(crate) clock: Clock,
    _port: Socket,
}

impl Chain {
    /// Starts with the local users `sitecore\jane` (an author) and `sitecore\bob` (nothing special).
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// The same, patched further.
    pub(crate) async fn with(more: &str) -> Self {
        Self::with_clients(more, "").await
    }

    /// The same, with further clients and resources of the identity server.
    pub(crate) async fn with_clients(more: &str, settings: &str) -> Self {
        let (reserved, https) = reserve();
        let cms = EchoCms::start().await;
        let clock = Clock::manual(Clock::system().now());
        let settings = format!(
            "<Settings><Sitecore><IdentityServer>{settings}</IdentityServer></Sitecore></Settings>"
        );
        let gateway = Gateway::start(Setup {
            patch: format!("{}{more}", patch(&cms, https.port())),
            files: vec![("conf/identity/test.xml".to_owned(), settings)],
            environment: Environment::default(),
            clock: clock.clone(),
            https,
        })
        .await;
        Self { gateway, cms, clock, _port: reserved }
    }

    /// The issuer.
    pub(crate) fn issuer(&self) -> String {
        format!("https://id.localhost:{}", self.gateway.port)
    }

    /// An address of the CMS.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://cms.localhost:{}{path}", self.gateway.port)
    }

    /// A fresh browser.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.url("/"))
    }

    /// Goes to the shell, and types this name and password at the sign-in page; what comes of it.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, name: &str, word: &str) -> Answer {
        let page = browser.go("/sitecore/shell/start").await;
        assert!(
            page.text().contains("id=\"sign-in\""),
            "no sign-in page: {} {}",
            page.status,
            page.gist()
        );
        let answer = browser.submit(&page, &[("username", name), ("password", word)]).await;
        browser.follow(answer).await
    }
}

/// A port that nobody else is given while the socket lives, and that the gateway can still bind.
pub(crate) fn reserve() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

fn patch(cms: &EchoCms, port: u16) -> String {
    let url = format!("http://{}", cms.address);
    let hash = password::hash(&Secret::new(PASSWORD)).unwrap();
    format!(
        r#"<sc.variable name="identityServerAuthority" value="https://id.localhost:{port}" />
<gateway>
  <upstreams><upstream name="cms"><server set:url="{url}" /></upstream></upstreams>
  <connections><connection provider="SitecoreIdentityServer" ca="{{folder}}/server.pem" /></connections>
  <localUsers>
    <user name="sitecore\jane" email="jane@local.test" fullName="Jane Doe" passwordHash="{hash}" roles="sitecore\Author|sitecore\Designer" />
    <user name="sitecore\bob" passwordHash="{hash}" />
  </localUsers>
</gateway>
"#
    )
}
