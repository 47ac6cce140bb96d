//! The page "Access".

use askama::Template;

use crate::admin::Admin;
use crate::admin::Neighbours;
use crate::admin::frame::Frame;
use crate::error::Problem;
use crate::http::Response;

#[derive(Template)]
#[template(path = "access.html")]
struct AccessPage<'a> {
    frame: &'a Frame<'a>,
}

impl Admin {
    pub(super) async fn access(
        &self,
        frame: Frame<'_>,
        _neighbours: Neighbours<'_>,
    ) -> Result<Response, Problem> {
        Ok(frame.show(&AccessPage { frame: &frame }))
    }
}
