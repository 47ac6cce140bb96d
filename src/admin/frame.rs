//! What every page of the admin site has around it: the way to the others, who is signed in, what
//! came of the last change, and the headers.

use askama::Template;
use http::StatusCode;

use crate::admin::Keeper;
use crate::config::model::Appearance;
use crate::error::Problem;
use crate::http::Response;
use crate::pages;
use crate::pages::Look;
use crate::pages::headers::Policy;
use crate::session::Visit;
use crate::session::form_proof;

/// The stylesheet of these pages, beside that of all pages.
pub(super) const STYLE: &str = include_str!("templates/admin.css");

/// The script of these pages, which they do without: moments in the reader's own time zone.
pub(super) const SCRIPT: &str = include_str!("templates/admin.js");

/// The pages, as the way to them shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    /// Users, and one user.
    Users,
    /// Live sessions.
    Sessions,
    /// Who would see what.
    Access,
    /// What is configured.
    Configuration,
    /// How far sign-ins come.
    Funnel,
}

/// A page's frame, and what the page is made from.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// The request.
    pub(super) visit: &'a Visit,
    /// The administrator.
    pub(super) keeper: Keeper<'a>,
    /// How it looks.
    pub(super) look: Look,
    here: Tab,
    /// What is said above it.
    pub(super) notice: Option<Notice>,
}

/// What is said above a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// It is done.
    Done(String),
    /// It was not done.
    Refused(String),
}

/// A link to a page.
pub(super) struct Link {
    /// Its address.
    pub(super) address: &'static str,
    /// Its words.
    pub(super) caption: &'static str,
    /// Whether this is the page.
    pub(super) here: bool,
}

impl Tab {
    const ALL: [Self; 5] =
        [Self::Users, Self::Sessions, Self::Access, Self::Configuration, Self::Funnel];

    const fn address(self) -> &'static str {
        match self {
            Self::Users => "/vestibule/users",
            Self::Sessions => "/vestibule/sessions",
            Self::Access => "/vestibule/access",
            Self::Configuration => "/vestibule/configuration",
            Self::Funnel => "/vestibule/funnel",
        }
    }

    const fn caption(self) -> &'static str {
        match self {
            Self::Users => "Users",
            Self::Sessions => "Sessions",
            Self::Access => "Access",
            Self::Configuration => "Configuration",
            Self::Funnel => "Sign-in funnel",
        }
    }
}

impl<'a> Frame<'a> {
    /// The frame of a page under `here`. The words are English, whatever the browser wants: they name
    /// what stands in configuration files.
    pub(super) fn new(visit: &'a Visit, keeper: Keeper<'a>, here: Tab) -> Self {
        let appearance: &Appearance = &visit.config.appearance.of(&visit.site.name);
        Self { visit, keeper, look: Look::new(appearance, None), here, notice: None }
    }

    /// The same with something said above the page.
    pub(super) fn saying(self, notice: Notice) -> Self {
        Self { notice: Some(notice), ..self }
    }

    /// Renders `page`, whose template extends `admin.html` and whose field `frame` is this.
    pub(super) fn show(&self, page: &impl Template) -> Response {
        self.show_as(StatusCode::OK, page)
    }

    /// The same with another status.
    pub(super) fn show_as(&self, status: StatusCode, page: &impl Template) -> Response {
        let policy = Policy {
            form_action: Some("'self'".to_owned()),
            style: Some(STYLE),
            script: Some(SCRIPT),
            ..Policy::default()
        };
        pages::page(&self.look, status, page, &policy)
    }

    /// A proof for the hidden field `token` of a form about `about`, which the change asks for.
    ///
    /// # Errors
    ///
    /// [`Problem::Internal`] if sealing fails.
    pub(super) fn proof(&self, about: &str) -> Result<String, Problem> {
        let now = self.visit.exchange.now;
        form_proof::prove(self.keeper.seal, self.keeper.session, about, now)
    }

    /// The way to each page.
    pub(super) fn links(&self) -> impl Iterator<Item = Link> {
        Tab::ALL.into_iter().map(|tab| Link {
            address: tab.address(),
            caption: tab.caption(),
            here: tab == self.here,
        })
    }

    /// Who is signed in.
    pub(super) fn user(&self) -> &str {
        &self.keeper.session.identity.user.name
    }

    /// Where one signs out.
    pub(super) fn sign_out(&self) -> String {
        format!("{}logout", self.visit.config.identity_prefix)
    }
}
