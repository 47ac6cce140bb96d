//! The page "Access": what would become of somebody at an address. Nothing is changed by it; what is
//! pasted is neither kept nor logged, and signs nobody in.

mod answer;
mod question;
mod remarks;
mod settled;

use askama::Template;
use http::Method;
use http::StatusCode;

use crate::admin::Admin;
use crate::admin::Neighbours;
use crate::admin::access::answer::Person;
use crate::admin::access::answer::Told;
use crate::admin::access::question::Question;
use crate::admin::frame::Frame;
use crate::admin::frame::Notice;
use crate::config::model::Config;
use crate::config::model::Provider;
use crate::error::Problem;
use crate::http::Response;
use crate::login::Signature;
use crate::session::form_proof;

#[derive(Template)]
#[template(path = "access.html")]
struct AccessPage<'a> {
    frame: &'a Frame<'a>,
    proof: &'a str,
    question: &'a Question,
    providers: Vec<&'a Provider>,
    told: Option<&'a Told>,
}

/// What the form of the page is about.
const ABOUT: &str = "access";

impl Admin {
    /// Shows the form and, once it has been sent, the answer. A user's name and an address may stand
    /// in a link; claims and tokens are only ever posted.
    pub(super) async fn access(
        &self,
        frame: Frame<'_>,
        neighbours: Neighbours<'_>,
    ) -> Result<Response, Problem> {
        let exchange = &frame.visit.exchange;
        let posted = exchange.method == Method::POST;
        let form = if posted { exchange.form()? } else { exchange.query()? };
        if posted {
            let proof = form.get("token").unwrap_or_default();
            form_proof::accept(frame.keeper.seal, frame.visit, ABOUT, proof)?;
        }
        let mut question = Question::read(&form);
        if !posted {
            question.said.clear();
        }
        if question.is_empty() {
            return show(&frame, &question, None);
        }
        match self.explain(frame.visit, neighbours.login, &question).await? {
            Ok(told) => show(&frame, &question, Some(&told)),
            Err(why) => show(&frame.saying(Notice::Refused(why)), &question, None),
        }
    }
}

fn show(frame: &Frame<'_>, question: &Question, told: Option<&Told>) -> Result<Response, Problem> {
    let proof = &frame.proof(ABOUT)?;
    let providers = providers(&frame.visit.config);
    let refused = matches!(frame.notice, Some(Notice::Refused(_)));
    let status = if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(frame.show_as(status, &AccessPage { frame, proof, question, providers, told }))
}

/// Those of the sites, and then those of the identity server.
fn providers(config: &Config) -> Vec<&Provider> {
    let external = &config.identity_server.external_providers;
    config.providers.iter().chain(external).map(AsRef::as_ref).collect()
}

impl AccessPage<'_> {
    /// Whether the pasted token is the provider's, in words, and whether that is bad.
    fn signature(&self) -> Option<(String, bool)> {
        let signature = self.told?.signature.as_ref()?;
        Some(match signature {
            Signature::Verified => (
                "The token is verified: the provider signed it for this gateway.".to_owned(),
                false,
            ),
            Signature::Unfit(why) => (
                format!("The signature is verified, but no sign-in would take the token: {why}."),
                true,
            ),
            Signature::Unverified(why) => {
                (format!("The token is not verified ({why}): anybody may have written it."), true)
            }
        })
    }
}
