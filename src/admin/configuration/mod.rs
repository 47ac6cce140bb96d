//! The page "Configuration": what is configured and where, and how what it names is doing.

mod state;
mod tree;

use askama::Template;

use crate::admin::Admin;
use crate::admin::Neighbours;
use crate::admin::configuration::state::ClientRow;
use crate::admin::configuration::state::ProviderRow;
use crate::admin::configuration::tree::Tree;
use crate::admin::frame::Frame;
use crate::admin::moment::OnPage;
use crate::clock::Timestamp;
use crate::config::Notice;
use crate::config::NoticeKind;
use crate::error::Problem;
use crate::http::Response;
use crate::identity_server::key_ring::Listed;
use crate::observe::metrics;
use crate::observe::recent::Story;

#[derive(Template)]
#[template(path = "configuration.html")]
struct ConfigurationPage<'a> {
    frame: &'a Frame<'a>,
    now: Timestamp,
    story: Story,
    lints: Vec<&'a Notice>,
    disables: Vec<&'a Notice>,
    providers: Vec<ProviderRow<'a>>,
    clients: Vec<ClientRow<'a>>,
    keys: Vec<Listed>,
    /// A file, and when its certificate ends.
    certificates: Vec<(String, Timestamp)>,
    /// An upstream, its server, and whether that is up.
    servers: Vec<(String, String, bool)>,
    tree: Tree,
}

impl Admin {
    pub(super) async fn configuration(
        &self,
        frame: Frame<'_>,
        neighbours: Neighbours<'_>,
    ) -> Result<Response, Problem> {
        let config = &*frame.visit.config;
        let query = frame.visit.exchange.query()?;
        let recent = &self.parts.metrics.recent;
        let notices = |kind| config.notices.iter().filter(move |notice| notice.kind == kind);
        let page = ConfigurationPage {
            frame: &frame,
            now: frame.visit.exchange.now,
            story: recent.reloads.story(),
            lints: notices(NoticeKind::Lint).collect(),
            disables: notices(NoticeKind::Disable).collect(),
            providers: state::providers(config, neighbours.login, &recent.health),
            clients: state::clients(config, &recent.clients),
            keys: neighbours.identity_server.signing_keys(&config.signing).await,
            certificates: self.certificates(),
            servers: self.servers(),
            tree: Tree::of(config, &query),
        };
        Ok(frame.show(&page))
    }

    fn certificates(&self) -> Vec<(String, Timestamp)> {
        let readings = metrics::readings(&self.parts.metrics.certificate_expiry);
        readings.into_iter().map(|(labels, end)| (labels.concat(), Timestamp(end))).collect()
    }

    fn servers(&self) -> Vec<(String, String, bool)> {
        let readings = metrics::readings(&self.parts.metrics.upstream_up);
        let server = |(labels, up): (Vec<String>, i64)| {
            let mut labels = labels.into_iter();
            // By the names of the labels: `server`, `upstream`.
            let (server, upstream) = (labels.next()?, labels.next()?);
            Some((upstream, server, up > 0))
        };
        readings.into_iter().filter_map(server).collect()
    }
}

/// When a key signs from, signs until, and is published until.
fn dates(key: &Listed) -> [Option<Timestamp>; 3] {
    [key.signs_from, key.signs_until, key.retires_at]
}
