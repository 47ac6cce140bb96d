//! The attributes of one `<connection>`, read over what is known of the provider beside it.

use std::time::Duration;

use url::Url;

use crate::config::fault::Origin;
use crate::config::model::ClientAuthentication;
use crate::config::model::OpenIdConnect;
use crate::config::model::ResponseMode;
use crate::config::model::ResponseType;
use crate::config::model::Tenants;
use crate::config::read::connections::Known;
use crate::config::read::oauth2_presets::Plain;
use crate::config::read::ours::Ours;
use crate::config::read::presets;
use crate::config::read::presets::Place;
use crate::config::read::presets::Preset;
use crate::config::read::presets::TENANT;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::read::values;
use crate::config::tree::Element;
use crate::crypto::secret::Secret;
use crate::http::CanonicalPath;

/// Reads what the connection says, or else what is known beside it.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    /// The connection, when there is one.
    pub(crate) ours: Option<Ours<'a>>,
    /// What is known beside it.
    pub(crate) known: &'a Known,
    /// Which of the well-known providers it is.
    pub(crate) preset: Option<Preset>,
}

impl<'a> Reader<'a> {
    /// The settings of an OpenID provider.
    ///
    /// # Errors
    ///
    /// What is missing: the provider is off then.
    pub(crate) fn open_id_connect(
        &self,
        report: &mut Report,
    ) -> Result<Box<OpenIdConnect>, Refusal> {
        let require_https = self.boolean("requireHttpsMetadata", self.known.require_https, report);
        let place = self.place(require_https)?;
        let metadata_address = self.metadata_address(&place, require_https)?;
        let preset = self.preset;
        let response_type = self.response_type(report);
        Ok(Box::new(OpenIdConnect {
            sign_out_address: preset.and_then(|p| p.sign_out_address(&place.authority)),
            issuer_alias: preset.and_then(Preset::issuer_alias).map(str::to_owned),
            issuer: place.authority,
            tenants: place.tenants,
            metadata_address,
            hosted_domain: self.part("hostedDomain").map(str::to_owned),
            client_id: self.client_id()?.to_owned(),
            client_secret: self.secret().map(Secret::new),
            client_authentication: self.client_authentication(ClientAuthentication::Basic, report),
            scopes: self.scopes(),
            response_type,
            response_mode: self.response_mode(response_type, report),
            callback_path: self.own_path("callbackPath", self.known.callback_path, report),
            shares_callback: false,
            post_logout_path: self.own_path("postLogoutPath", self.known.post_logout_path, report),
            signing_algorithms: self.algorithms(report),
            clock_skew: self.clock_skew(report),
            userinfo: self.boolean("userinfo", preset.is_some_and(Preset::wants_userinfo), report),
            certificate_authority: self.path("ca"),
            require_https,
            refresh_after: self.refresh_after(report),
            parameters: self.parameters(report),
        }))
    }

    /// What stands in an attribute.
    pub(crate) fn text(&self, attribute: &str) -> Option<&'a str> {
        self.ours.and_then(|ours| ours.text(attribute)).filter(|text| !text.is_empty())
    }

    fn origin_of(&self, attribute: &str) -> &Origin {
        self.ours.map_or(&self.known.origin, |ours| ours.origin_of(attribute))
    }

    /// What stands in an attribute, or is known under its name.
    pub(crate) fn part(&self, attribute: &str) -> Option<&'a str> {
        let known = || self.known.parts.iter().find(|(name, _)| *name == attribute);
        self.text(attribute).or_else(|| known().map(|(_, value)| value.as_str()))
    }

    /// As [`Self::part`], for what `preset` cannot do without.
    pub(crate) fn needs(&self, preset: Preset, attribute: &str) -> Result<&'a str, Refusal> {
        self.part(attribute).ok_or_else(|| {
            let what = format!("the preset {} needs `{attribute}`", preset.name());
            let place = self.ours.map_or(&self.known.origin, |ours| ours.origin());
            Refusal::at(place, what, format!("write {attribute}=\"…\""))
        })
    }

    /// The tenants whose people are admitted, where that was written.
    pub(crate) fn tenants(&self) -> Result<Option<Tenants>, Refusal> {
        let Some(text) = self.part("tenants") else { return Ok(None) };
        if text == "*" {
            return Ok(Some(Tenants::Any));
        }
        let ids = values::words(text);
        match ids.iter().find(|id| !values::is_guid(id)) {
            None => Ok(Some(Tenants::Listed(ids))),
            Some(other) => {
                let what = format!("`{other}` is not the id of a tenant");
                Err(self.refusal("tenants", &what, "write the ids of tenants, which are GUIDs"))
            }
        }
    }

    /// Our client id.
    pub(crate) fn client_id(&self) -> Result<&'a str, Refusal> {
        let written = self.text("clientId").or(self.known.client_id.as_deref());
        written.ok_or_else(|| {
            let (what, instead) = ("the client id is missing", "write clientId=\"…\"");
            self.refusal("clientId", what, instead)
        })
    }

    fn secret(&self) -> Option<&'a str> {
        self.text("clientSecret").or(self.known.client_secret.as_deref())
    }

    /// Our secret, where there must be one.
    pub(crate) fn client_secret(&self) -> Result<&'a str, Refusal> {
        self.secret().ok_or_else(|| {
            let (what, instead) = ("the client secret is missing", "write clientSecret=\"…\"");
            self.refusal("clientSecret", what, instead)
        })
    }

    /// A file's path.
    pub(crate) fn path(&self, attribute: &str) -> Option<std::path::PathBuf> {
        self.ours.and_then(|ours| ours.path(attribute))
    }

    /// Child elements of the connection.
    pub(crate) fn children(&self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.ours.into_iter().flat_map(move |ours| ours.children(name))
    }

    /// A list in an attribute.
    pub(crate) fn words(&self, attribute: &str) -> Option<Vec<String>> {
        self.text(attribute).map(values::words)
    }

    /// A refusal of what stands in `attribute`.
    pub(crate) fn refusal(&self, attribute: &str, what: &str, instead: &str) -> Refusal {
        Refusal::at(self.origin_of(attribute), what, instead)
    }

    /// A boolean attribute.
    pub(crate) fn boolean(&self, attribute: &str, default: bool, report: &mut Report) -> bool {
        self.ours.map_or(default, |ours| ours.boolean(attribute, default, report))
    }

    /// One of several words.
    pub(crate) fn choice<T: Copy>(
        &self,
        attribute: &str,
        choices: &[(&str, T)],
        report: &mut Report,
    ) -> Option<T> {
        let shape: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let read = |text: &str| choices.iter().find(|(name, _)| *name == text).map(|(_, v)| *v);
        self.ours?.parse(attribute, &shape.join(" or "), report, read)
    }

    /// Where the provider is: what was written, else what its preset says, else what is known.
    fn place(&self, require_https: bool) -> Result<Place, Refusal> {
        let ours = self.text("authority");
        let known = self.known.authority.as_deref().filter(|_| self.text("preset").is_none());
        let place = match (ours.or(known), self.preset) {
            (Some(authority), _) => Some(self.written_place(authority)?),
            (None, Some(preset)) => preset.place(self)?,
            (None, None) => None,
        };
        let Some(place) = place else {
            let instead =
                "write authority=\"https://…\", or a preset with its tenant, domain or realm";
            return Err(self.refusal("authority", "nothing says where the provider is", instead));
        };
        self.url("authority", &place.authority, require_https)?;
        Ok(place)
    }

    fn written_place(&self, authority: &str) -> Result<Place, Refusal> {
        if let Some(place) = presets::microsoft(self, authority)? {
            return Ok(place);
        }
        let tenants = if authority.contains(TENANT) { self.tenants()? } else { None };
        Ok(Place {
            authority: authority.to_owned(),
            metadata_address: None,
            tenants: tenants.unwrap_or(Tenants::One),
        })
    }

    fn metadata_address(&self, place: &Place, require_https: bool) -> Result<Option<Url>, Refusal> {
        let written = self.text("metadataAddress").or(self.known.metadata_address.as_deref());
        let written = written.or(place.metadata_address.as_deref());
        written.map(|text| self.url("metadataAddress", text, require_https)).transpose()
    }

    /// Reads an address of the provider's.
    pub(crate) fn url(
        &self,
        attribute: &str,
        text: &str,
        require_https: bool,
    ) -> Result<Url, Refusal> {
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

    /// How our secret is sent.
    pub(crate) fn client_authentication(
        &self,
        default: ClientAuthentication,
        report: &mut Report,
    ) -> ClientAuthentication {
        let choices = [
            ("basic", ClientAuthentication::Basic),
            ("basicRaw", ClientAuthentication::BasicRaw),
            ("post", ClientAuthentication::Post),
        ];
        self.choice("clientAuthentication", &choices, report).unwrap_or(default)
    }

    fn response_type(&self, report: &mut Report) -> ResponseType {
        let choices = [
            ("code", ResponseType::Code),
            ("code id_token", ResponseType::CodeIdToken),
            ("id_token", ResponseType::IdToken),
        ];
        self.choice("responseType", &choices, report).unwrap_or(self.known.response_type)
    }

    fn response_mode(&self, response_type: ResponseType, report: &mut Report) -> ResponseMode {
        let choices = [
            ("query", ResponseMode::Query),
            ("form_post", ResponseMode::FormPost),
            ("fragment", ResponseMode::Fragment),
        ];
        let has_id_token = response_type.has_id_token();
        let default = if has_id_token { ResponseMode::FormPost } else { ResponseMode::Query };
        let mode = self.choice("responseMode", &choices, report).unwrap_or(default);
        if has_id_token && mode == ResponseMode::Query {
            let what = "an ID token must not travel in a query";
            report.fault(self.origin_of("responseMode"), what, "write responseMode=\"form_post\"");
        }
        mode
    }

    fn scopes(&self) -> Vec<String> {
        let usual = || ["openid", "profile", "email"].map(str::to_owned).to_vec();
        let written = self.words("scopes").or_else(|| self.known.scopes.clone());
        let mut scopes = written.unwrap_or_else(usual);
        if !scopes.iter().any(|scope| scope == "openid") {
            scopes.insert(0, "openid".to_owned());
        }
        scopes
    }

    /// Scopes of plain OAuth 2.0 when the connection names none.
    pub(crate) fn plain_scopes(&self, plain: Option<&Plain>) -> Vec<String> {
        let usual =
            || plain.map_or(&[][..], |p| p.scopes).iter().map(|s| (*s).to_owned()).collect();
        self.known.scopes.clone().unwrap_or_else(usual)
    }

    /// A path of ours.
    pub(crate) fn own_path(&self, attribute: &str, default: &str, report: &mut Report) -> String {
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

    /// Further parameters of the authorization request.
    pub(crate) fn parameters(&self, report: &mut Report) -> Vec<(String, String)> {
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
