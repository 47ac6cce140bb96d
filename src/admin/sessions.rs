//! The page "Sessions".

use askama::Template;

use crate::admin::Admin;
use crate::admin::frame::Frame;
use crate::error::Problem;
use crate::http::Response;

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage<'a> {
    frame: &'a Frame<'a>,
}

impl Admin {
    pub(super) async fn sessions(&self, frame: Frame<'_>) -> Result<Response, Problem> {
        Ok(frame.show(&SessionsPage { frame: &frame }))
    }
}
