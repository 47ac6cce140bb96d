//! The page "Configuration".

use askama::Template;

use crate::admin::Admin;
use crate::admin::Neighbours;
use crate::admin::frame::Frame;
use crate::error::Problem;
use crate::http::Response;

#[derive(Template)]
#[template(path = "configuration.html")]
struct ConfigurationPage<'a> {
    frame: &'a Frame<'a>,
}

impl Admin {
    pub(super) async fn configuration(
        &self,
        frame: Frame<'_>,
        _neighbours: Neighbours<'_>,
    ) -> Result<Response, Problem> {
        Ok(frame.show(&ConfigurationPage { frame: &frame }))
    }
}
