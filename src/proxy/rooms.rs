//! Requests that our own rooms answer: gathered whole, answered on the control runtime.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::Request;
use http::StatusCode;
use http::header;
use http_body_util::BodyExt;
use http_body_util::LengthLimitError;
use http_body_util::Limited;

use crate::admin::Neighbours;
use crate::config::model::Destination;
use crate::error::Problem;
use crate::gate::assertion;
use crate::http::Body;
use crate::http::Exchange;
use crate::http::Response;
use crate::http::body::BodyError;
use crate::http::response;
use crate::identity_server::Outcome;
use crate::login;
use crate::login::Channel;
use crate::login::Ended;
use crate::login::Entered;
use crate::login::Login;
use crate::login::Occasion;
use crate::login::Renewed;
use crate::pages;
use crate::pages::Frames;
use crate::pages::Look;
use crate::proxy::forward;
use crate::proxy::gateway::House;
use crate::proxy::story::Story;
use crate::session::Session;
use crate::session::Visit;

/// Longest that a room may take, sign-in at a slow provider included.
const PATIENCE: Duration = Duration::from_secs(45);

/// Longest that a request waits for its session to be renewed; then it goes on with what is known.
const RENEWAL_PATIENCE: Duration = Duration::from_secs(10);

/// Which of our rooms a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Sign-in and sign-out.
    Login,
    /// The OpenID provider.
    IdentityServer,
    /// The keys that check assertions.
    AssertionKeys,
    /// The pages for administrators.
    Admin,
}

/// The room that serves this request, if it is not for the CMS.
pub fn room_of(story: &Story<'_>) -> Option<Room> {
    let path = &story.target.path;
    if path.as_str() == assertion::JWKS_PATH {
        return Some(Room::AssertionKeys);
    }
    if Login::serves(&story.gateway.config, story.site, path) {
        return Some(Room::Login);
    }
    match story.site.destination {
        Destination::IdentityServer => Some(Room::IdentityServer),
        Destination::Admin => Some(Room::Admin),
        Destination::Upstream(_) | Destination::Demo | Destination::Nothing => None,
    }
}

/// Answers a request in its room.
///
/// # Errors
///
/// What the room says, [`Problem::PayloadTooLarge`] for a body over the limit, and
/// [`Problem::Unavailable`] when it takes too long.
pub async fn answer(
    room: Room,
    story: &Story<'_>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let house = Arc::clone(&story.gateway.house);
    if room == Room::AssertionKeys {
        return assertion_keys(&house, request.method());
    }
    let visit = visit(story, request).await?;
    let control = house.control.clone();
    let work = control.spawn(async move {
        match room {
            Room::Login => login(&house, &visit).await,
            Room::Admin => admin(&house, &visit).await,
            Room::IdentityServer | Room::AssertionKeys => identity_server(&house, &visit).await,
        }
    });
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(answered)) => {
            if room != Room::Login && answered.is_ok() {
                story.served();
            }
            answered
        }
        Ok(Err(failed)) => {
            tracing::error!(request.id = %story.id, panicked = failed.is_panic(), "a room failed");
            Err(Problem::Internal)
        }
        Err(_) => Err(Problem::Unavailable("This took too long. Try again in a moment.".into())),
    }
}

/// Login never calls the identity server: here it hears of sessions of its own that are over, so
/// that what was granted in them ends and its clients are told.
async fn login(house: &House, visit: &Visit) -> Result<Response, Problem> {
    match house.login.answer(visit).await? {
        login::Outcome::Answer(response) => Ok(response),
        login::Outcome::Entered(Entered { answer, replaced }) => {
            for session in &replaced {
                // No page is shown that could hold a frame.
                house.identity_server.ended(&visit.config, session, &[]).await;
            }
            Ok(answer)
        }
        login::Outcome::Ended(ended) => Ok(signed_out_by_provider(house, visit, ended).await),
    }
}

async fn signed_out_by_provider(house: &House, visit: &Visit, ended: Ended) -> Response {
    let Ended { sessions, channel } = ended;
    let framed_by = match &channel {
        Channel::Back => &[],
        Channel::Front { framed_by } => framed_by.as_slice(),
    };
    let mut frames = Vec::new();
    for session in &sessions {
        frames.extend(house.identity_server.ended(&visit.config, session, framed_by).await);
    }
    match channel {
        Channel::Back => {
            let mut done = response::empty(StatusCode::OK);
            done.headers_mut().insert(header::CACHE_CONTROL, response::NO_STORE);
            done
        }
        Channel::Front { framed_by } => {
            let look = &Look::of(&visit.config, &visit.site, &visit.exchange);
            pages::frames(&Frames { look, frames: &frames, framed_by: &framed_by })
        }
    }
}

/// The session of a request that goes on, renewed if that is due: on the control runtime, so that it
/// comes to its end also when nobody waits any more.
pub async fn renewed(story: &Story<'_>, session: Arc<Session>) -> Option<Arc<Session>> {
    if room_of(story) == Some(Room::Login) {
        return Some(session);
    }
    let occasion = Occasion {
        config: Arc::clone(&story.gateway.config),
        client: story.caller.address,
        request: story.id.clone(),
        now: story.now,
    };
    let (house, due) = (Arc::clone(&story.gateway.house), Arc::clone(&session));
    let control = house.control.clone();
    let work = control.spawn(async move {
        match house.login.renew(&occasion, &due).await {
            Renewed::Live(session) => Some(session),
            Renewed::Gone => None,
            Renewed::Ended => {
                house.identity_server.ended(&occasion.config, &due, &[]).await;
                None
            }
        }
    });
    match tokio::time::timeout(RENEWAL_PATIENCE, work).await {
        Ok(Ok(renewed)) => renewed,
        Ok(Err(_)) | Err(_) => story.gateway.house.sessions.live(&session.id),
    }
}

/// The identity server never calls login: here its wish for a sign-in becomes a redirect.
async fn identity_server(house: &House, visit: &Visit) -> Result<Response, Problem> {
    match house.identity_server.answer(visit).await? {
        Outcome::Answer(response) => Ok(response),
        Outcome::SignIn { return_path, provider, login_hint, ui_locales } => {
            let folder = &visit.site.virtual_folder;
            let back = encoded(return_path.as_str());
            let mut address = format!("{folder}/account/login?ReturnUrl={back}");
            let more =
                [("provider", provider), ("loginHint", login_hint), ("ui_locales", ui_locales)];
            for (name, value) in more {
                let value = value.map(|value| format!("&{name}={}", encoded(&value)));
                address.push_str(&value.unwrap_or_default());
            }
            Ok(response::found(&address))
        }
        Outcome::SignOut { session, return_path, answer } => {
            let on = house.login.sign_out_at_provider(visit, &session, &return_path).await;
            let Some(mut on) = on else { return Ok(answer) };
            for line in answer.headers().get_all(header::SET_COOKIE) {
                on.headers_mut().append(header::SET_COOKIE, line.clone());
            }
            Ok(on)
        }
    }
}

async fn admin(house: &House, visit: &Visit) -> Result<Response, Problem> {
    let neighbours = Neighbours { login: &house.login, identity_server: &house.identity_server };
    house.admin.answer(visit, neighbours).await
}

fn encoded(text: &str) -> percent_encoding::PercentEncode<'_> {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC)
}

fn assertion_keys(house: &House, method: &Method) -> Result<Response, Problem> {
    if method != Method::GET && method != Method::HEAD {
        return Err(Problem::MethodNotAllowed { allow: "GET, HEAD" });
    }
    let keys = serde_json::json!({ "keys": [house.assertion_key.public_jwk()] });
    Ok(response::json(StatusCode::OK, &keys))
}

async fn visit(story: &Story<'_>, request: Request<Body>) -> Result<Visit, Problem> {
    let (head, body) = request.into_parts();
    let exchange = Exchange {
        method: head.method,
        target: story.target.clone(),
        headers: head.headers,
        body: gather(body, story.gateway.config.limits.own_body_bytes).await?,
        connection: Arc::clone(story.connection),
        client: story.caller.address,
        secure: story.caller.secure,
        id: story.id.clone(),
        now: story.now,
    };
    Ok(Visit {
        config: Arc::clone(&story.gateway.config),
        site: Arc::clone(story.site),
        exchange,
        session: story.session.clone(),
    })
}

async fn gather(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match body {
        Body::Empty => Ok(Bytes::new()),
        Body::Bytes(bytes) if bytes.len() <= limit => Ok(bytes),
        Body::Bytes(_) => Err(Problem::PayloadTooLarge),
        Body::Stream(stream) => match Limited::new(stream, limit).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Problem::PayloadTooLarge),
            Err(error) => Err(error
                .downcast_ref::<BodyError>()
                .map_or(Problem::RequestTimeout, forward::broken_body)),
        },
    }
}
