//! The page "Users".

use askama::Template;

use crate::admin::Admin;
use crate::admin::frame::Frame;
use crate::error::Problem;
use crate::http::Response;

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage<'a> {
    frame: &'a Frame<'a>,
}

impl Admin {
    pub(super) async fn users(&self, frame: Frame<'_>) -> Result<Response, Problem> {
        Ok(frame.show(&UsersPage { frame: &frame }))
    }
}
