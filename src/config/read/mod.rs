//! Tree → model: the merged `/sitecore` tree and the identity server's dictionary become one
//! [`Config`], or all of their faults at once.

mod access;
mod admin_sites;
mod appearance;
mod bearer;
mod callbacks;
mod client_addresses;
mod client_keys;
mod client_secrets;
mod clients;
mod connection;
mod connections;
mod dates;
mod dictionary;
mod external;
mod external_preset;
mod fold;
mod gateway;
mod grants;
mod headers;
mod identity_provider;
mod identity_server;
mod issuer;
mod listeners;
mod mappings;
mod oauth2;
mod oauth2_presets;
mod ours;
mod presets;
mod properties;
mod providers;
mod reference;
pub(crate) mod report;
mod resources;
mod server_options;
mod sessions;
mod settings;
mod signing;
mod sites;
pub(crate) mod sql_server;
mod store;
mod transformations;
pub(crate) mod values;

use std::path::PathBuf;
use std::sync::Arc;

pub use dates::moment;
pub(crate) use fold::fold;
pub use store::typed as store_address;

use crate::config::Config;
use crate::config::fault::Fault;
use crate::config::fault::Notice;
use crate::config::fault::Origin;
use crate::config::lint;
use crate::config::model::Destination;
use crate::config::model::PropertyMap;
use crate::config::model::Provider;
use crate::config::model::SiteProviders;
use crate::config::model::identity_server::IdentityServerSettings;
use crate::config::read::connections::Connections;
use crate::config::read::gateway::Gateway;
use crate::config::read::identity_server::Surroundings;
use crate::config::read::report::Report;
use crate::config::read::settings::Settings;
use crate::config::read::sites::Sites;
use crate::config::settings::Dictionary;
use crate::config::tree::Element;

/// What the files came to, before anybody asks what it means.
#[derive(Debug)]
pub(crate) struct Material {
    /// The merged `/sitecore` element.
    pub(crate) root: Element,
    /// The identity server's dictionary.
    pub(crate) dictionary: Dictionary,
    /// What came up on the way.
    pub(crate) notices: Vec<Notice>,
    /// Every file that was read.
    pub(crate) files: Vec<PathBuf>,
    /// Places of values that came out of secret files.
    pub(crate) secrets: Vec<Origin>,
}

/// Reads everything.
///
/// # Errors
///
/// Every fault, in the order of the files.
pub(crate) fn read(material: Material) -> Result<Config, Vec<Fault>> {
    let mut report = Report::default();
    let Material { root, dictionary, notices, files, secrets } = material;
    report.notices = notices;
    let root = Arc::new(root);
    let config = Gateway::read(&root, &mut report)
        .map(|gateway| config(&root, gateway, &dictionary, &mut report));
    let Report { mut faults, mut notices } = report;
    if let Some(mut config) = config.filter(|_| faults.is_empty()) {
        notices.sort_by_key(|notice| order(notice.fault.origin.as_ref(), &files));
        config.notices = notices;
        config.files = files;
        config.secrets = secrets;
        return Ok(config);
    }
    faults.sort_by_key(|fault| order(fault.origin.as_ref(), &files));
    faults.dedup();
    Err(faults)
}

/// Where something comes in a list: by file in the order they were read, then by line.
pub(crate) fn order(origin: Option<&Origin>, files: &[PathBuf]) -> (usize, PathBuf, u32, u32) {
    let Some(origin) = origin else { return (0, PathBuf::new(), 0, 0) };
    let file = origin.file.to_path_buf();
    let at = files.iter().position(|known| *known == file).map_or(usize::MAX, |at| at + 1);
    (at, file, origin.line, origin.column)
}

fn config(
    root: &Arc<Element>,
    gateway: Gateway<'_>,
    dictionary: &Dictionary,
    report: &mut Report,
) -> Config {
    let settings = Settings::read(root, report);
    let connections = Connections::read(gateway.element(), report);
    let upstreams = listeners::upstreams(gateway, report);
    let listeners = listeners::listeners(gateway, report);
    let mut sites = sites::read(root, &upstreams, report);
    let (providers, property_maps) = federation(root, &connections, &settings, &mut sites, report);
    let surroundings = Surroundings {
        connections: &connections,
        own_origins: &issuer::own_origins(&sites.drafts, &listeners),
        own: issuer::own(gateway, dictionary, &sites.drafts, &listeners, report),
    };
    let identity_server = identity_server::read(dictionary, surroundings, report);
    serve_identity(&mut sites, &identity_server, report);
    let users = sessions::users(gateway, report);
    let config = Config {
        tree: Arc::clone(root),
        domains: domains(root),
        identity_headers: headers::read(gateway, report),
        access: access::rules(gateway, &sites.drafts, report),
        site_neutral_paths: sessions::paths(root, NEUTRAL, report),
        default_source_paths: sessions::paths(root, DEFAULT_SOURCE, report),
        bearer: bearer::read(root, &providers, report),
        appearance: appearance::appearances(gateway, &sites.drafts, report),
        local_users: access::local_users(gateway, report),
        user_name_template: users.name_template,
        requires_unique_email: users.requires_unique_email,
        reset_command: users.reset_command,
        signing: signing::read(gateway, dictionary, &identity_server, &users.store, report),
        store: users.store,
        sessions: sessions::sessions(root, gateway, &settings, report),
        identity_prefix: settings.identity_prefix.clone(),
        legacy_login_page: legacy_login_page(root),
        limits: sessions::limits(gateway, report),
        timeouts: sessions::timeouts(gateway, report),
        logging: sessions::logging(gateway, report),
        data: gateway.data(),
        settings: settings.into_values(),
        sites: sites.drafts.into_iter().map(|draft| Arc::new(draft.site)).collect(),
        notices: Vec::new(),
        files: Vec::new(),
        secrets: Vec::new(),
        listeners,
        upstreams,
        providers,
        property_maps,
        identity_server,
    };
    report.notices.extend(sql_server::notices(root, dictionary));
    look_over(&config, &connections, gateway, report);
    config
}

/// What can only be told of the whole.
fn look_over(
    config: &Config,
    connections: &Connections<'_>,
    gateway: Gateway<'_>,
    report: &mut Report,
) {
    check_connections(config, connections, report);
    lint::run(config, &sessions::origin_of(gateway, "sessions"), report);
}

/// The processor whose paths need no provider that is mapped to the site, and its list.
const NEUTRAL: (&str, &str) = ("ValidateSiteNeutralPaths", "siteNeutralPaths");

/// The processor whose paths always use the Default authentication source, and its list.
const DEFAULT_SOURCE: (&str, &str) = ("ResolveToDefaultAuthenticationSourceOnly", "paths");

/// `federatedAuthentication`: the providers and property maps; maps the providers to `sites`.
fn federation(
    root: &Element,
    connections: &Connections<'_>,
    settings: &Settings,
    sites: &mut Sites,
    report: &mut Report,
) -> (Vec<Arc<Provider>>, Vec<PropertyMap>) {
    let Some(federation) = root.child("federatedAuthentication") else {
        return (Vec::new(), Vec::new());
    };
    let context = providers::Context { root, federation, connections, settings };
    let providers = providers::read(&context, report);
    mappings::apply(root, federation, &providers, sites, report);
    (providers, properties::read(federation, report))
}

/// On the identity server's own site people sign in with the external providers and as local users.
fn serve_identity(sites: &mut Sites, server: &IdentityServerSettings, report: &mut Report) {
    let own = |d: &&mut sites::SiteDraft| d.site.destination == Destination::IdentityServer;
    for (at, draft) in sites.drafts.iter_mut().filter(own).enumerate() {
        if at > 0 {
            let what = "two sites are identity servers, but there is one issuer";
            report.fault(&draft.site.origin, what, "switch one of them off with mode=\"off\"");
        }
        let local = identity_server::local_provider(&draft.site.origin);
        let enabled = server.external_providers.iter().filter(|p| p.is_enabled()).cloned();
        let providers: Vec<Arc<Provider>> = std::iter::once(local).chain(enabled).collect();
        draft.site.providers = SiteProviders { providers, persistent: false };
    }
}

fn domains(root: &Element) -> Vec<String> {
    let list = root.descend(&["domainManager", "domains"]);
    let domains = list.into_iter().flat_map(|list| list.children_named("domain"));
    domains.filter_map(|domain| domain.value("id").map(str::to_owned)).collect()
}

/// `legacyShellLoginPage` of the processor that intercepts it.
fn legacy_login_page(root: &Element) -> String {
    let pipeline = root.descend(&["pipelines", "owin.initialize"]);
    let processors = pipeline.into_iter().flat_map(|p| p.children_named("processor"));
    let mut pages = processors.filter_map(|p| p.child("legacyShellLoginPage")).map(Element::text);
    let page = pages.find(|page| page.starts_with('/'));
    page.unwrap_or_else(|| "/sitecore/login".to_owned())
}

/// A connection that no provider uses was probably meant for one that is spelt differently.
fn check_connections(config: &Config, connections: &Connections<'_>, report: &mut Report) {
    let all = || config.providers.iter().chain(&config.identity_server.external_providers);
    for (name, element) in connections.iter() {
        if all().any(|provider| &*provider.name == name) {
            continue;
        }
        let what = format!("the connection is for `{name}`, which is no provider");
        let instead = match values::nearest(name, all().map(|provider| &*provider.name)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "declare it in federatedAuthentication/identityProviders, or in identity/"
                .to_owned(),
        };
        report.lint(&element.origin, what, instead);
    }
}
