//! Presets of the well-known OpenID providers: where they are and what they do otherwise. Those of
//! plain OAuth 2.0 are in `oauth2_presets`.

use url::Url;

use crate::config::model::OpenIdConnect;
use crate::config::model::Tenants;
use crate::config::read::connection::Reader;
use crate::config::read::report::Refusal;
use crate::config::read::values;

/// A well-known provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preset {
    /// Microsoft Entra ID, formerly Azure AD.
    Entra,
    /// Google.
    Google,
    /// Okta.
    Okta,
    /// Auth0.
    Auth0,
    /// Active Directory Federation Services.
    AdFs,
    /// Keycloak.
    Keycloak,
    /// Facebook, over plain OAuth 2.0.
    Facebook,
    /// X, formerly Twitter, over plain OAuth 2.0.
    X,
    /// GitHub, over plain OAuth 2.0.
    GitHub,
    /// LinkedIn, over plain OAuth 2.0.
    LinkedIn,
}

/// Where an OpenID provider is.
#[derive(Debug)]
pub(crate) struct Place {
    /// The issuer.
    pub(crate) authority: String,
    /// Its discovery document, when not under the issuer.
    pub(crate) metadata_address: Option<String>,
    /// Whose people are admitted.
    pub(crate) tenants: Tenants,
}

const PRESETS: [(&str, Preset); 11] = [
    ("entra", Preset::Entra),
    ("google", Preset::Google),
    ("okta", Preset::Okta),
    ("auth0", Preset::Auth0),
    ("adfs", Preset::AdFs),
    ("keycloak", Preset::Keycloak),
    ("facebook", Preset::Facebook),
    ("x", Preset::X),
    ("twitter", Preset::X),
    ("github", Preset::GitHub),
    ("linkedin", Preset::LinkedIn),
];

impl Preset {
    /// The preset called `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        PRESETS.iter().find(|(known, _)| *known == name).map(|(_, preset)| *preset)
    }

    /// The names of all of them.
    pub(crate) fn names() -> String {
        PRESETS.map(|(name, _)| name).join(", ")
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        PRESETS.iter().find(|(_, preset)| *preset == self).map_or("", |(name, _)| name)
    }

    /// Whether it speaks plain OAuth 2.0.
    pub(crate) const fn is_plain(self) -> bool {
        match self {
            Self::Facebook | Self::X | Self::GitHub | Self::LinkedIn => true,
            Self::Entra | Self::Google | Self::Okta | Self::Auth0 | Self::AdFs | Self::Keycloak => {
                false
            }
        }
    }

    /// Whether its ID tokens leave out what its userinfo endpoint tells (Okta's thin tokens).
    pub(crate) fn wants_userinfo(self) -> bool {
        self == Self::Okta
    }

    /// What Google calls itself without a scheme in some ID tokens.
    pub(crate) fn issuer_alias(self) -> Option<&'static str> {
        (self == Self::Google).then_some("accounts.google.com")
    }

    /// Where an OpenID provider is; `None` for one of plain OAuth 2.0.
    ///
    /// # Errors
    ///
    /// What it lacks.
    pub(crate) fn place(self, reader: &Reader<'_>) -> Result<Option<Place>, Refusal> {
        let authority = match self {
            Self::Entra => return entra(reader, reader.needs(self, "tenant")?).map(Some),
            Self::Google => "https://accounts.google.com".to_owned(),
            Self::Okta => {
                let domain = https(reader.needs(self, "domain")?);
                match reader.part("authorizationServer") {
                    Some(server) => format!("{domain}/oauth2/{server}"),
                    None => domain,
                }
            }
            Self::Auth0 => format!("{}/", https(reader.needs(self, "domain")?)),
            Self::AdFs => format!("{}/adfs", https(reader.needs(self, "domain")?)),
            Self::Keycloak => https(reader.needs(self, "realm")?),
            Self::Facebook | Self::X | Self::GitHub | Self::LinkedIn => return Ok(None),
        };
        Ok(Some(Place { authority, metadata_address: None, tenants: Tenants::One }))
    }

    /// Where people sign out when discovery does not say.
    pub(crate) fn sign_out_address(self, authority: &str) -> Option<Url> {
        let base = (self == Self::Auth0).then(|| Url::parse(authority).ok()).flatten()?;
        base.join("/v2/logout").ok()
    }
}

const MICROSOFT: &str = "https://login.microsoftonline.com";

/// The tenant of personal accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The place in an issuer where a tenant's id stands.
pub(crate) const TENANT: &str = OpenIdConnect::TENANT;

/// Entra ID names its issuer by the tenant's id: for a tenant that is called by its domain, the
/// discovery document says which id that is; one for all tenants says none, so the owner lists those
/// whose people may come in.
fn entra(reader: &Reader<'_>, tenant: &str) -> Result<Place, Refusal> {
    let tenant = if tenant == "consumers" { PERSONAL } else { tenant };
    if values::is_guid(tenant) {
        let authority = format!("{MICROSOFT}/{tenant}/v2.0");
        return Ok(Place { authority, metadata_address: None, tenants: Tenants::One });
    }
    let everybodys = ["common", "organizations"].contains(&tenant);
    let tenants = match (everybodys, reader.tenants()?) {
        (false, None) => Tenants::One,
        (_, Some(tenants)) => tenants,
        (true, None) => {
            let what = format!("tenant=\"{tenant}\" would admit every organisation's people");
            let instead = "write your tenant's id; or list the ids of those whose people may come in: tenants=\"id id\" (tenants=\"*\" for everybody's)";
            return Err(reader.refusal("tenant", &what, instead));
        }
    };
    Ok(Place {
        authority: format!("{MICROSOFT}/{TENANT}/v2.0"),
        metadata_address: Some(format!(
            "{MICROSOFT}/{tenant}/v2.0/.well-known/openid-configuration"
        )),
        tenants,
    })
}

/// Where an authority of Entra ID's leads: its issuer has another form than its address says, for the
/// older tokens, and for a tenant that is called by its domain. `None` for any other authority.
///
/// # Errors
///
/// When it is everybody's and nothing says whose people may come in.
pub(crate) fn microsoft(reader: &Reader<'_>, authority: &str) -> Result<Option<Place>, Refusal> {
    let Some(path) = authority.strip_prefix(MICROSOFT).and_then(|rest| rest.strip_prefix('/'))
    else {
        return Ok(None);
    };
    let path = path.trim_end_matches('/');
    let (tenant, current) = match path.strip_suffix("/v2.0") {
        Some(tenant) => (tenant, true),
        None => (path, false),
    };
    if tenant.contains(['/', '{']) {
        return Ok(None);
    }
    if current || ["common", "organizations", "consumers"].contains(&tenant) {
        return entra(reader, tenant).map(Some);
    }
    let named = if values::is_guid(tenant) { tenant } else { TENANT };
    Ok(Some(Place {
        authority: format!("https://sts.windows.net/{named}/"),
        metadata_address: Some(format!("{MICROSOFT}/{tenant}/.well-known/openid-configuration")),
        tenants: Tenants::One,
    }))
}

fn https(address: &str) -> String {
    let address = address.trim_end_matches('/');
    if address.contains("://") { address.to_owned() } else { format!("https://{address}") }
}
