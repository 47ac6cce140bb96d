//! `<connection>`: how to reach a provider over OpenID Connect, with presets for the well-known ones.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use crate::config::fault::Origin;
use crate::config::model::ClientAuthentication;
use crate::config::model::OpenIdConnect;
use crate::config::model::ResponseMode;
use crate::config::model::ResponseType;
use crate::config::read::ours::Ours;
use crate::config::read::presets;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::read::values;
use crate::config::tree::Element;
use crate::crypto::secret::Secret;
use crate::http::CanonicalPath;

/// The connections by provider.
#[derive(Debug, Default)]
pub(crate) struct Connections<'a>(BTreeMap<&'a str, &'a Element>);

impl<'a> Connections<'a> {
    /// Reads `connections`.
    pub(crate) fn read(gateway: &'a Element, report: &mut Report) -> Self {
        let mut connections = BTreeMap::new();
        let Some(list) = gateway.child("connections") else { return Self(connections) };
        let list = Ours::new(list, &[], &["connection"], report);
        for element in list.children("connection") {
            let Some(provider) = element.value("provider").filter(|p| !p.trim().is_empty()) else {
                report.fault(
                    &element.origin,
                    "a connection names no provider",
                    "write provider=\"…\"",
                );
                continue;
            };
            if connections.insert(provider.trim(), element).is_some() {
                let what = format!("the provider `{provider}` has two connections");
                let hint = "to change an attribute in a patch, write it as set:attribute=\"…\"";
                report.fault(&element.origin, what, hint);
            }
        }
        Self(connections)
    }

    /// The connection of a provider.
    pub(crate) fn find(&self, provider: &str) -> Option<&'a Element> {
        self.0.get(provider).copied()
    }

    /// Every provider with its connection.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Element)> {
        self.0.iter().map(|(provider, element)| (*provider, *element))
    }
}

/// What is known of a provider before its connection is read.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Where that stands.
    pub(crate) origin: Origin,
    /// The issuer.
    pub(crate) authority: Option<String>,
    /// Where its discovery document is.
    pub(crate) metadata_address: Option<String>,
    /// Our client id there.
    pub(crate) client_id: Option<String>,
    /// Our secret there.
    pub(crate) client_secret: Option<String>,
    /// Scopes asked for.
    pub(crate) scopes: Vec<String>,
    /// Path of the redirect URI.
    pub(crate) callback_path: &'static str,
    /// Path of the post-logout redirect URI.
    pub(crate) post_logout_path: &'static str,
    /// Whether plain http is refused.
    pub(crate) require_https: bool,
    /// Whether inbound claims are renamed.
    pub(crate) map_inbound_claims: bool,
    /// What is asked for at the authorization endpoint.
    pub(crate) response_type: ResponseType,
}

impl Known {
    /// Nothing but the defaults.
    pub(crate) fn nothing(origin: &Origin) -> Self {
        Self {
            origin: origin.clone(),
            authority: None,
            metadata_address: None,
            client_id: None,
            client_secret: None,
            scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
            callback_path: "/signin-oidc",
            post_logout_path: "/signout-callback-oidc",
            require_https: true,
            map_inbound_claims: true,
            response_type: ResponseType::Code,
        }
    }
}

const ATTRIBUTES: [&str; 23] = [
    "provider",
    "preset",
    "tenant",
    "domain",
    "realm",
    "authorizationServer",
    "authority",
    "metadataAddress",
    "clientId",
    "clientSecret",
    "clientAuthentication",
    "scopes",
    "responseType",
    "responseMode",
    "callbackPath",
    "postLogoutPath",
    "algorithms",
    "clockSkew",
    "refreshAfter",
    "userinfo",
    "ca",
    "requireHttpsMetadata",
    "mapInboundClaims",
];

/// The settings of a provider, and whether its inbound claims are renamed.
///
/// # Errors
///
/// What is missing or cannot be served: the provider is off then. What is malformed is a fault.
pub(crate) fn open_id_connect(
    connection: Option<&Element>,
    known: &Known,
    report: &mut Report,
) -> Result<(Box<OpenIdConnect>, bool), Refusal> {
    let Some(element) = connection else { return settings(None, known, report) };
    if let Some((token, origin)) = values::unresolved_in(element) {
        let what = format!("the connection holds {token}, which nothing defines");
        return Err(Refusal::at(&origin, what, values::resolve_hint(&token)));
    }
    let ours = Ours::new(element, &ATTRIBUTES, &["parameter"], report);
    settings(Some(ours), known, report)
}

fn settings(
    ours: Option<Ours<'_>>,
    known: &Known,
    report: &mut Report,
) -> Result<(Box<OpenIdConnect>, bool), Refusal> {
    let reader = Reader { ours, known };
    let require_https = reader.boolean("requireHttpsMetadata", known.require_https, report);
    let issuer = reader.issuer(require_https)?;
    let metadata_address = reader.metadata_address(require_https)?;
    let Some(client_id) = reader.text("clientId").or(known.client_id.as_deref()) else {
        return Err(reader.refusal("clientId", "the client id is missing", "write clientId=\"…\""));
    };
    let secret = reader.text("clientSecret").or(known.client_secret.as_deref());
    let response_type = reader.response_type(report);
    let protocol = OpenIdConnect {
        issuer,
        metadata_address,
        client_id: client_id.to_owned(),
        client_secret: secret.map(Secret::new),
        client_authentication: reader.client_authentication(report),
        scopes: reader.scopes(),
        response_type,
        response_mode: reader.response_mode(response_type, report),
        callback_path: reader.own_path("callbackPath", known.callback_path, report),
        shares_callback: false,
        post_logout_path: reader.own_path("postLogoutPath", known.post_logout_path, report),
        signing_algorithms: reader.algorithms(report),
        clock_skew: reader.clock_skew(report),
        userinfo: reader.boolean("userinfo", false, report),
        certificate_authority: ours.and_then(|ours| ours.path("ca")),
        require_https,
        refresh_after: reader.refresh_after(report),
        parameters: reader.parameters(report),
    };
    let inbound = reader.boolean("mapInboundClaims", known.map_inbound_claims, report);
    Ok((Box::new(protocol), inbound))
}

struct Reader<'a> {
    ours: Option<Ours<'a>>,
    known: &'a Known,
}

impl<'a> Reader<'a> {
    fn text(&self, attribute: &str) -> Option<&'a str> {
        self.ours.and_then(|ours| ours.text(attribute)).filter(|text| !text.is_empty())
    }

    fn origin_of(&self, attribute: &str) -> &Origin {
        self.ours.map_or(&self.known.origin, |ours| ours.origin_of(attribute))
    }

    fn refusal(&self, attribute: &str, what: &str, instead: &str) -> Refusal {
        Refusal::at(self.origin_of(attribute), what, instead)
    }

    fn boolean(&self, attribute: &str, default: bool, report: &mut Report) -> bool {
        self.ours.map_or(default, |ours| ours.boolean(attribute, default, report))
    }

    fn choice<T: Copy>(
        &self,
        attribute: &str,
        choices: &[(&str, T)],
        report: &mut Report,
    ) -> Option<T> {
        let shape: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let read = |text: &str| choices.iter().find(|(name, _)| *name == text).map(|(_, v)| *v);
        self.ours?.parse(attribute, &shape.join(" or "), report, read)
    }

    fn issuer(&self, require_https: bool) -> Result<String, Refusal> {
        let of_preset = match self.ours {
            Some(ours) => presets::authority(ours)?,
            None => None,
        };
        let written = self.text("authority").map(str::to_owned);
        let Some(issuer) = written.or(of_preset).or_else(|| self.known.authority.clone()) else {
            let instead =
                "write authority=\"https://…\", or a preset with its tenant, domain or realm";
            return Err(self.refusal("authority", "nothing says where the provider is", instead));
        };
        self.url("authority", &issuer, require_https)?;
        Ok(issuer)
    }

    fn metadata_address(&self, require_https: bool) -> Result<Option<Url>, Refusal> {
        let written = self.text("metadataAddress").or(self.known.metadata_address.as_deref());
        written.map(|text| self.url("metadataAddress", text, require_https)).transpose()
    }

    fn url(&self, attribute: &str, text: &str, require_https: bool) -> Result<Url, Refusal> {
        let url = Url::parse(text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
        let Some(url) = url else {
            let what = format!("`{text}` is not the address of a provider");
            return Err(self.refusal(attribute, &what, "write https://host/path"));
        };
        if require_https && url.scheme() != "https" {
            let what = format!("the address `{text}` is plain http, where anybody can answer");
            let instead = "use https, or for a network that you trust requireHttpsMetadata=\"false\" (FederatedAuthentication.IdentityServer.RequireHttpsMetadata for SitecoreIdentityServer)";
            return Err(self.refusal(attribute, &what, instead));
        }
        Ok(url)
    }

    fn client_authentication(&self, report: &mut Report) -> ClientAuthentication {
        let choices = [
            ("basic", ClientAuthentication::Basic),
            ("basicRaw", ClientAuthentication::BasicRaw),
            ("post", ClientAuthentication::Post),
        ];
        self.choice("clientAuthentication", &choices, report).unwrap_or(ClientAuthentication::Basic)
    }

    fn response_type(&self, report: &mut Report) -> ResponseType {
        let choices = [("code", ResponseType::Code), ("code id_token", ResponseType::CodeIdToken)];
        self.choice("responseType", &choices, report).unwrap_or(self.known.response_type)
    }

    fn response_mode(&self, kind: ResponseType, report: &mut Report) -> ResponseMode {
        let choices = [("query", ResponseMode::Query), ("form_post", ResponseMode::FormPost)];
        let hybrid = kind == ResponseType::CodeIdToken;
        let default = if hybrid { ResponseMode::FormPost } else { ResponseMode::Query };
        let mode = self.choice("responseMode", &choices, report).unwrap_or(default);
        if hybrid && mode == ResponseMode::Query {
            let what = "an ID token must not travel in a query";
            report.fault(self.origin_of("responseMode"), what, "write responseMode=\"form_post\"");
        }
        mode
    }

    fn scopes(&self) -> Vec<String> {
        let written = self.text("scopes").map(values::words);
        let mut scopes = written.unwrap_or_else(|| self.known.scopes.clone());
        if !scopes.iter().any(|scope| scope == "openid") {
            scopes.insert(0, "openid".to_owned());
        }
        scopes
    }

    fn own_path(&self, attribute: &str, default: &str, report: &mut Report) -> String {
        let read =
            |text: &str| CanonicalPath::read(text).ok().map(|path| path.decoded().to_owned());
        let path = self.ours.and_then(|ours| {
            ours.parse(attribute, "a path on this host, such as /signin-oidc", report, read)
        });
        path.unwrap_or_else(|| default.to_owned())
    }

    fn algorithms(&self, report: &mut Report) -> Vec<String> {
        let written = values::words(self.text("algorithms").unwrap_or("RS256"));
        for algorithm in written.iter().filter(|a| !ALGORITHMS.contains(&a.as_str())) {
            let what = format!("`{algorithm}` is not an algorithm for ID tokens here");
            report.fault(
                self.origin_of("algorithms"),
                what,
                format!("known are {}", ALGORITHMS.join(", ")),
            );
        }
        written
    }

    fn clock_skew(&self, report: &mut Report) -> Duration {
        let most = Duration::from_mins(5);
        let read = |text: &str| values::duration(text).filter(|skew| *skew <= most);
        let skew = self.ours.and_then(|o| o.parse("clockSkew", "at most 5m", report, read));
        skew.unwrap_or(Duration::from_mins(1))
    }

    fn refresh_after(&self, report: &mut Report) -> Option<Duration> {
        let read = |text: &str| match text.trim() {
            "0" => Some(Duration::ZERO),
            text => values::duration(text),
        };
        self.ours?.parse("refreshAfter", "a time such as 30s, 10m or 1h, or 0", report, read)
    }

    fn parameters(&self, report: &mut Report) -> Vec<(String, String)> {
        let Some(ours) = self.ours else { return Vec::new() };
        let mut parameters = Vec::new();
        for element in ours.children("parameter") {
            let parameter = Ours::new(element, &["name", "value"], &[], report);
            let Some(name) = parameter.required("name", report) else { continue };
            if RESERVED.contains(&name) {
                let what = format!("the parameter `{name}` is set by the gateway");
                report.fault(parameter.origin(), what, "leave it out");
            }
            parameters.push((name.to_owned(), parameter.text("value").unwrap_or("").to_owned()));
        }
        parameters
    }
}

/// Public-key algorithms: with HMAC our own secret would sign.
const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// Parameters of the authorization request that are never free.
const RESERVED: [&str; 12] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "id_token_hint",
];
