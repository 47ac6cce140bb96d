//! What the owner wrote, as typed values that cannot be wrong.

pub mod appearance;
pub mod bearer;
pub mod client;
pub mod gateway;
pub mod identity_server;
pub mod provider;
pub mod signing;
pub mod site;
pub mod store;
pub mod transformation;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub use appearance::Appearance;
pub use appearance::Appearances;
pub use appearance::Color;
pub use gateway::AccessRule;
pub use gateway::Admit;
pub use gateway::HeaderSource;
pub use gateway::IdentityHeader;
pub use gateway::IdentityHeaders;
pub use gateway::Limits;
pub use gateway::Listener;
pub use gateway::ListenerKind;
pub use gateway::LocalUser;
pub use gateway::Logging;
pub use gateway::ServerAddress;
pub use gateway::SessionSettings;
pub use gateway::Timeouts;
pub use gateway::UpstreamSettings;
pub use provider::ClientAuthentication;
pub use provider::MemberClaim;
pub use provider::OAuth2;
pub use provider::OpenIdConnect;
pub use provider::Protocol;
pub use provider::Provider;
pub use provider::ProviderState;
pub use provider::ResponseMode;
pub use provider::ResponseType;
pub use provider::Tenants;
pub use provider::Userinfo;
pub use signing::SigningSettings;
pub use site::Destination;
pub use site::HostPattern;
pub use site::Linking;
pub use site::SignInRules;
pub use site::Site;
pub use site::SiteProviders;
pub use store::DatabaseUrl;
pub use store::StoreAddress;
pub use transformation::ClaimPattern;
pub use transformation::PropertyMap;
pub use transformation::Transformation;
pub use transformation::TransformationKind;

use crate::config::fault::Notice;
use crate::config::fault::Origin;
use crate::config::tree::Element;

/// Everything that was configured. Immutable; a reload makes a new one.
#[derive(Clone, Debug)]
pub struct Config {
    /// The merged `/sitecore` tree, for `vestibule show`.
    pub tree: Arc<Element>,
    /// Where the gateway listens.
    pub listeners: Vec<Listener>,
    /// The servers behind the sites.
    pub upstreams: Vec<UpstreamSettings>,
    /// In Sitecore's order: the first that matches host, port and path serves the request.
    pub sites: Vec<Arc<Site>>,
    /// Every provider that is defined, switched off or not.
    pub providers: Vec<Arc<Provider>>,
    /// Run for every user of every provider, in order (`propertyInitializer/maps`).
    pub property_maps: Vec<PropertyMap>,
    /// Names of the declared domains, as written.
    pub domains: Vec<String>,
    /// What the CMS is told about the caller.
    pub identity_headers: IdentityHeaders,
    /// In order; the first rule that matches site, path and method decides.
    pub access: Vec<AccessRule>,
    /// Paths on which a session's provider need not be mapped to the site (`siteNeutralPaths`),
    /// canonical, compared as a prefix on a segment boundary, without regard to case.
    pub site_neutral_paths: Vec<String>,
    /// Paths that always use the Default authentication source
    /// (`ResolveToDefaultAuthenticationSourceOnly/paths`).
    pub default_source_paths: Vec<String>,
    /// People who sign in with a name and password kept here.
    pub local_users: Vec<LocalUser>,
    /// The pattern for user names of external users, and its pieces' meaning: see
    /// [`crate::users`]. `None` is the CMS's shape (`domain\` and ten characters of a hash).
    pub user_name_template: Option<String>,
    /// `requiresUniqueEmail` of the CMS: a mapped user without e-mail is refused.
    pub requires_unique_email: bool,
    /// The command that sends people links for new passwords: a program and its arguments; empty
    /// where nobody does.
    pub reset_command: Vec<String>,
    /// How pages look.
    pub appearance: Appearances,
    /// Where is kept what outlives the process and what instances share.
    pub store: StoreAddress,
    /// What the identity server signs with.
    pub signing: SigningSettings,
    /// How long sessions live, how many there may be, what their cookies are called.
    pub sessions: SessionSettings,
    /// `FederatedAuthentication.IdentityProcessingPathPrefix`: `/identity/` unless patched; begins
    /// and ends with `/`.
    pub identity_prefix: String,
    /// The shell's legacy login page, `/sitecore/login`.
    pub legacy_login_page: String,
    /// Access tokens that the sites take in place of a session.
    pub bearer: Option<bearer::BearerRules>,
    /// The embedded identity server.
    pub identity_server: identity_server::IdentityServerSettings,
    /// Limits on what a peer can drive.
    pub limits: Limits,
    /// Times after which waiting ends.
    pub timeouts: Timeouts,
    /// How the gateway logs.
    pub logging: Logging,
    /// Where keys are kept and, unless said otherwise, the embedded database.
    pub data: PathBuf,
    /// What the owner should know, with file and line.
    pub notices: Vec<Notice>,
    /// `settings/setting` of the merged tree, by name.
    pub settings: BTreeMap<String, String>,
    /// Places in `tree` whose values came out of secret files; never to be shown.
    pub secrets: Vec<Origin>,
    /// Every file that was read: what a reload watches, beside the directories they stand in.
    pub files: Vec<PathBuf>,
}

impl Config {
    /// The provider called `name`, compared exactly.
    pub fn provider(&self, name: &str) -> Option<&Arc<Provider>> {
        self.providers.iter().find(|p| &*p.name == name)
    }

    /// Whether people are sent links by which they choose new passwords.
    pub fn offers_password_reset(&self) -> bool {
        let settings = &self.identity_server;
        let allowed =
            settings.allows("AllowPasswordRecovery") && settings.allows("AllowLocalLogin");
        allowed && !self.reset_command.is_empty()
    }

    /// The site called `name`, without regard to case as in Sitecore.
    pub fn site(&self, name: &str) -> Option<&Arc<Site>> {
        self.sites.iter().find(|s| s.name.eq_ignore_ascii_case(name))
    }
}
