//! Calls of ours to a provider's documents and endpoints, counted.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use jsonwebtoken::jwk::Jwk;
use url::Url;

use crate::http::client::Client;
use crate::http::client::Trust;
use crate::login::oidc::fault::Fault;
use crate::login::oidc::keys;
use crate::observe::Metrics;

/// One call to a provider, owned so that it can outlive the request that asked for it.
pub(in crate::login) struct Call {
    /// Sends it.
    pub client: Arc<Client>,
    /// Counts it.
    pub metrics: Arc<Metrics>,
    /// Whom it goes to.
    pub provider: Arc<str>,
    /// What is believed of the other side.
    pub trust: Trust,
    /// What it is for, as the metrics name it.
    pub endpoint: &'static str,
}

impl Call {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// [`Fault::Down`].
    pub(in crate::login) async fn read(&self, address: String) -> Result<Bytes, Fault> {
        let request = http::Request::get(address)
            .header(http::header::ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| Fault::Metadata("an address is no URL".to_owned()))?;
        Ok(self.send(request).await?.into_body())
    }

    /// Sends a request and takes whatever answer comes, which the caller counts.
    ///
    /// # Errors
    ///
    /// [`Fault::Down`] when none comes, which is counted.
    pub(in crate::login) async fn ask(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Bytes>, Fault> {
        self.client.send(request, &self.trust).await.map_err(|error| {
            self.count("failed");
            Fault::unanswered(&error)
        })
    }

    /// Sends a request that only 200 answers.
    ///
    /// # Errors
    ///
    /// [`Fault::Down`].
    pub(in crate::login) async fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> Result<http::Response<Bytes>, Fault> {
        let answer = self.ask(request).await?;
        if answer.status() == StatusCode::OK {
            self.count("answered");
            return Ok(answer);
        }
        self.count("failed");
        Err(Fault::Down(format!("status {}", answer.status().as_u16())))
    }

    /// Counts how a call ended: `answered` or `failed`.
    pub(in crate::login) fn count(&self, outcome: &str) {
        let labels = [&*self.provider, self.endpoint, outcome];
        self.metrics.provider_requests.with_label_values(&labels).inc();
    }

    /// Reads a key set.
    ///
    /// # Errors
    ///
    /// [`Fault::Down`] and [`Fault::Metadata`].
    pub(in crate::login) async fn keys(self, address: Url) -> Result<Vec<Jwk>, Fault> {
        keys::read(&self.read(address.into()).await?)
    }
}
