//! `request_uri` (RFC 9101 §5.2): a request object that the client publishes and we fetch, where the
//! owner switches that on (`EnableJwtRequestUri`).
//!
//! The address comes from a stranger's browser, so it may only lie where the client's file already
//! sends people: on the https origin of one of its redirect URIs. What is there cannot be anything
//! of ours by surprise (security entry O), whatever a name server says.

use http::Request;
use http::StatusCode;
use http::header;
use url::Url;

use crate::config::model::identity_server::Client;
use crate::http::client::Trust;
use crate::http::form::Form;
use crate::identity_server::IdentityServer;
use crate::identity_server::request::Fault;
use crate::identity_server::request::Judge;
use crate::identity_server::request_object;
use crate::session::Visit;

/// Longest `request_uri`, in bytes.
const LONGEST: usize = 512;

/// The media type of a request object (RFC 9101 §10.2).
const TYPE: &str = "application/oauth-authz-req+jwt";

const fn bad(description: &'static str) -> Fault {
    Fault("invalid_request_uri", description)
}

impl IdentityServer {
    /// The request object that `address` names.
    ///
    /// # Errors
    ///
    /// What the client is told.
    pub(super) async fn fetch_object(
        &self,
        visit: &Visit,
        judge: &Judge<'_>,
        (form, address): (&Form, &str),
    ) -> Result<String, Fault> {
        let settings = &visit.config.identity_server;
        let options = &settings.options;
        if !options.endpoints.request_uri {
            return Err(Fault("request_uri_not_supported", "request_uri is not supported"));
        }
        if address.len() > LONGEST {
            return Err(bad("request_uri is too long"));
        }
        let elsewhere = bad("request_uri is not on an https origin of the client's redirect URIs");
        let client = judge.client(form).map_err(|_| elsewhere)?;
        let address = Url::parse(address).ok().filter(|address| is_the_clients(&client, address));
        let address = address.ok_or(elsewhere)?;
        let trust =
            Trust { certificate_authority: settings.clients_authority.clone(), ..Trust::default() };
        self.download(&address, &trust, options.strict_request_objects).await
    }

    async fn download(&self, address: &Url, trust: &Trust, strict: bool) -> Result<String, Fault> {
        const FAILED: Fault = bad("request_uri cannot be fetched");
        let request = Request::get(address.as_str())
            .header(header::ACCEPT, TYPE)
            .body(Vec::new())
            .map_err(|_| FAILED)?;
        let answer = self.calls.send(request, trust).await.map_err(|error| {
            tracing::info!(?error, "a client's request_uri cannot be fetched");
            FAILED
        })?;
        if answer.status() != StatusCode::OK || answer.body().len() > request_object::LONGEST {
            return Err(FAILED);
        }
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if strict && !kind.eq_ignore_ascii_case(TYPE) {
            return Err(bad("request_uri leads to another kind of document"));
        }
        let text = std::str::from_utf8(answer.body()).map_err(|_| FAILED)?;
        Ok(text.trim().to_owned())
    }
}

fn is_the_clients(client: &Client, address: &Url) -> bool {
    let plain = address.username().is_empty() && address.password().is_none();
    let origin = address.origin();
    let mut known = client.redirect_uris.iter().filter_map(|uri| Url::parse(uri).ok());
    plain && address.scheme() == "https" && known.any(|known| known.origin() == origin)
}
