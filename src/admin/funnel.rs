//! The page "Sign-in funnel".

use askama::Template;

use crate::admin::Admin;
use crate::admin::Neighbours;
use crate::admin::frame::Frame;
use crate::error::Problem;
use crate::http::Response;

#[derive(Template)]
#[template(path = "funnel.html")]
struct FunnelPage<'a> {
    frame: &'a Frame<'a>,
}

impl Admin {
    pub(super) async fn funnel(
        &self,
        frame: Frame<'_>,
        _neighbours: Neighbours<'_>,
    ) -> Result<Response, Problem> {
        Ok(frame.show(&FunnelPage { frame: &frame }))
    }
}
