//! `Sitecore:IdentityServer:Clients` → [`Client`] (spec §4.3).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::model::identity_server::AccessTokenType;
use crate::config::model::identity_server::Client;
use crate::config::model::identity_server::RefreshExpiration;
use crate::config::model::identity_server::RefreshRules;
use crate::config::model::identity_server::RefreshUsage;
use crate::config::read::client_addresses;
use crate::config::read::client_addresses::Addresses;
use crate::config::read::client_keys;
use crate::config::read::client_secrets;
use crate::config::read::dictionary;
use crate::config::read::dictionary::boolean;
use crate::config::read::grants;
use crate::config::read::issuer::OwnOrigins;
use crate::config::read::report::Refusal;
use crate::config::read::report::Report;
use crate::config::settings::Setting;

/// Every client that can be used. `own` are the gateway's own sites: those of the CMS are the origins
/// of the client `DefaultClient` when it names none, and the administrators' pages are always among
/// its addresses.
pub(crate) fn read(
    server: Option<&Setting>,
    own: &OwnOrigins,
    report: &mut Report,
) -> Vec<Arc<Client>> {
    let mut clients: Vec<Arc<Client>> = Vec::new();
    for setting in dictionary::entries(server, "Clients") {
        let reader = Reader { setting, own };
        match reader.client(report) {
            Ok(Some(client)) if clients.iter().any(|known| known.id == client.id) => {
                let what = format!("two clients have the id `{}`", client.id);
                report.fault(&client.origin, what, "give one of them another ClientId");
            }
            Ok(Some(client)) => clients.push(Arc::new(client)),
            Ok(None) => {}
            Err(refusal) => {
                let what = format!("the client `{}` is off: {}", setting.name, refusal.what);
                report.disable(&refusal.origin, what, refusal.instead);
            }
        }
    }
    clients
}

struct Reader<'a> {
    setting: &'a Setting,
    own: &'a OwnOrigins,
}

impl Reader<'_> {
    fn client(&self, report: &mut Report) -> Result<Option<Client>, Refusal> {
        let setting = self.setting;
        dictionary::whole(setting)?;
        client_keys::check_names(setting)?;
        if !boolean(setting, "Enabled", true, report) {
            return Ok(None);
        }
        let Some(id) = setting.text("ClientId") else {
            return Err(Refusal::at(
                &setting.origin,
                "it has no ClientId",
                "write <ClientId>…</ClientId>",
            ));
        };
        let mut client = Client::named(id, setting.origin.clone());
        client.grant_types = grants::read(setting, report)?;
        client.secrets = client_secrets::read(setting, "ClientSecrets", report);
        client.require_secret = boolean(setting, "RequireClientSecret", true, report);
        let proves_nothing = client.secrets.is_empty();
        if let Some(address) =
            setting.child("JwksUri").filter(|_| setting.text("JwksUri").is_some())
        {
            let what = format!("the keys at the JwksUri of `{}` are not fetched", setting.name);
            let instead = "write them as secrets: <ClientSecrets><Key1><Type>JWK</Type><Value>{\"keys\":[…]}</Value></Key1></ClientSecrets>";
            report.lint(&address.origin, what, instead);
        }
        // The shipped client for passwords waits for its owner to give it a secret.
        if proves_nothing && setting.name.eq_ignore_ascii_case("PasswordClient") {
            return Ok(None);
        }
        let needs_none = client.grant_types.iter().all(|grant| grant == "implicit");
        if client.require_secret && proves_nothing && !needs_none {
            let instead = "write <ClientSecrets><ClientSecret1>…</ClientSecret1></ClientSecrets>, or <RequireClientSecret>false</RequireClientSecret> for a public client";
            return Err(Refusal::at(&setting.origin, "it has no secret and needs one", instead));
        }
        self.describe(&mut client, report);
        self.address(&mut client, report);
        self.switch(&mut client, report);
        self.set_lifetimes(&mut client, report);
        grants::lint(&client, report);
        Ok(Some(client))
    }

    fn describe(&self, client: &mut Client, report: &mut Report) {
        let setting = self.setting;
        let text = |name: &str| setting.text(name).map(str::to_owned);
        client.name = text("ClientName").unwrap_or_else(|| client.id.clone());
        client.description = text("Description");
        client.client_uri = text("ClientUri");
        client.logo_uri = text("LogoUri");
        client.protocol = text("ProtocolType").unwrap_or_else(|| client.protocol.clone());
        client.scopes = dictionary::texts(setting, "AllowedScopes");
        client.identity_provider_restrictions =
            dictionary::texts(setting, "IdentityProviderRestrictions");
        client.id_token_algorithms =
            dictionary::algorithms(setting, "AllowedIdentityTokenSigningAlgorithms", report);
        client.claims = self.claims(report);
        client.claims_prefix = match setting.child("ClientClaimsPrefix") {
            Some(prefix) => prefix.value.as_deref().unwrap_or_default().trim().to_owned(),
            None => client.claims_prefix.clone(),
        };
        client.other = self.other();
    }

    fn address(&self, client: &mut Client, report: &mut Report) {
        let origins = client_addresses::origins(self.setting, &self.own.cms, report);
        let mut reached_at = origins.clone();
        if client_addresses::is_default(self.setting) {
            reached_at.extend_from_slice(&self.own.admin);
        }
        let addresses = Addresses { setting: self.setting, origins: &reached_at };
        client.redirect_uris = addresses.list(&["RedirectUris"], report);
        client.post_logout_redirect_uris = addresses.list(&["PostLogoutRedirectUris"], report);
        client.front_channel_logout_uris =
            addresses.list(&["FrontChannelLogoutUri", "FrontChannelLogoutUris"], report);
        client.back_channel_logout_uri = addresses.called("BackChannelLogoutUri", report);
        client.cors_origins = origins;
    }

    fn switch(&self, client: &mut Client, report: &mut Report) {
        let switches: [(&str, &mut bool); 20] = [
            ("RequirePkce", &mut client.require_pkce),
            ("AllowPlainTextPkce", &mut client.allow_plain_pkce),
            ("RequireRequestObject", &mut client.require_request_object),
            ("RequirePushedAuthorization", &mut client.require_pushed_authorization),
            ("RequireDPoP", &mut client.require_dpop),
            ("AllowOfflineAccess", &mut client.offline_access),
            ("AllowAccessTokensViaBrowser", &mut client.tokens_via_browser),
            ("AlwaysIncludeUserClaimsInIdToken", &mut client.user_claims_in_id_token),
            ("RequireConsent", &mut client.require_consent),
            ("AllowRememberConsent", &mut client.remember_consent),
            ("EnableLocalLogin", &mut client.local_login),
            ("IncludeJwtId", &mut client.include_jwt_id),
            ("AlwaysSendClientClaims", &mut client.always_send_claims),
            ("FrontChannelLogoutSessionRequired", &mut client.front_channel_session_required),
            ("BackChannelLogoutSessionRequired", &mut client.back_channel_session_required),
            ("CoordinateLifetimeWithUserSession", &mut client.coordinate_with_session),
            ("UpdateAccessTokenClaimsOnRefresh", &mut client.refresh.update_claims),
            ("AllowPostLogoutQuery", &mut client.post_logout_query),
            ("AllowLoopbackPorts", &mut client.loopback_ports),
            ("RequireClientSecret", &mut client.require_secret),
        ];
        for (name, switch) in switches {
            *switch = boolean(self.setting, name, *switch, report);
        }
        let kinds = [
            ("0", AccessTokenType::Jwt),
            ("1", AccessTokenType::Reference),
            ("Jwt", AccessTokenType::Jwt),
            ("Reference", AccessTokenType::Reference),
        ];
        client.access_token_type = dictionary::choice(
            self.setting,
            "AccessTokenType",
            &kinds,
            AccessTokenType::Jwt,
            report,
        );
    }

    fn set_lifetimes(&self, client: &mut Client, report: &mut Report) {
        let lifetimes = [
            ("AccessTokenLifetime", &mut client.access_token_lifetime),
            ("IdentityTokenLifetime", &mut client.id_token_lifetime),
            ("AuthorizationCodeLifetime", &mut client.code_lifetime),
            ("DeviceCodeLifetime", &mut client.device_code_lifetime),
            ("SlidingRefreshTokenLifetime", &mut client.refresh.sliding),
        ];
        for (name, lifetime) in lifetimes {
            *lifetime = dictionary::seconds(self.setting, name, 1, report).unwrap_or(*lifetime);
        }
        let optional =
            |name, report: &mut Report| dictionary::optional_seconds(self.setting, name, report);
        client.consent_lifetime = optional("ConsentLifetime", report);
        client.user_sso_lifetime = optional("UserSsoLifetime", report);
        self.refresh(&mut client.refresh, report);
    }

    fn refresh(&self, rules: &mut RefreshRules, report: &mut Report) {
        let usages = [
            ("0", RefreshUsage::ReUse),
            ("1", RefreshUsage::OneTimeOnly),
            ("ReUse", RefreshUsage::ReUse),
            ("OneTimeOnly", RefreshUsage::OneTimeOnly),
        ];
        let ends = [
            ("0", RefreshExpiration::Sliding),
            ("1", RefreshExpiration::Absolute),
            ("Sliding", RefreshExpiration::Sliding),
            ("Absolute", RefreshExpiration::Absolute),
        ];
        let setting = self.setting;
        rules.usage =
            dictionary::choice(setting, "RefreshTokenUsage", &usages, rules.usage, report);
        rules.expiration =
            dictionary::choice(setting, "RefreshTokenExpiration", &ends, rules.expiration, report);
        // Zero: a token that is used often enough never ends.
        let least = u64::from(rules.expiration == RefreshExpiration::Absolute);
        let absolute = dictionary::seconds(setting, "AbsoluteRefreshTokenLifetime", least, report);
        rules.absolute = absolute.unwrap_or(rules.absolute);
    }

    /// `Claims`: each with a type and a value.
    fn claims(&self, report: &mut Report) -> Vec<(String, String)> {
        let mut claims = Vec::new();
        for item in dictionary::entries(Some(self.setting), "Claims") {
            if let (Some(kind), Some(value)) = (item.text("Type"), item.text("Value")) {
                claims.push((kind.to_owned(), value.to_owned()));
                continue;
            }
            let what = format!("<{}> is no claim, so it is left out", item.name);
            report.disable(&item.origin, what, "write type=\"…\" and value=\"…\"");
        }
        claims
    }

    /// Properties that have no field, as written, by their path.
    fn other(&self) -> BTreeMap<String, String> {
        let unknown = |child: &&Setting| !client_keys::has_field(&child.name);
        let mut other = BTreeMap::new();
        for child in self.setting.children.iter().filter(unknown) {
            child.flatten(&child.name, &mut other);
        }
        other
    }
}
