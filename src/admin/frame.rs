//! What every page of the admin site has around it: the way to the others, who is signed in, what
//! came of the last change, and the headers.

use std::borrow::Borrow;
use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use http::StatusCode;

use crate::admin::Keeper;
use crate::admin::ending;
use crate::clock::Timestamp;
use crate::error::Problem;
use crate::http::Response;
use crate::observe::Moment;
use crate::observe::audit;
use crate::pages;
use crate::pages::Look;
use crate::pages::headers::Policy;
use crate::session::Session;
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

/// A moment on a page, in UTC; the script shows it in the reader's own time zone.
#[derive(Clone, Copy, Debug)]
pub(super) struct When(pub(super) Timestamp);

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Moment(self.0).to_string();
        let (day, time) = text.split_once('T').unwrap_or((&text, ""));
        let minute = time.get(..5).unwrap_or(time);
        write!(f, r#"<time datetime="{text}">{day} {minute} UTC</time>"#)
    }
}

impl HtmlSafe for When {}

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
        let appearance = &visit.config.appearance.of(&visit.site.name);
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

    /// An entry of the audit trail about what this administrator does.
    pub(super) fn entry(&self, event: audit::Event) -> audit::Entry<'_> {
        let identity = &self.keeper.session.identity;
        let provider = Some(&*identity.provider);
        audit::Entry { provider, user: Some(&identity.user.name), ..self.visit.entry(event) }
    }

    /// Whether `session` is one that the administrator is signed in by.
    pub(super) fn is_own(&self, session: &Session) -> bool {
        ending::is_own(self, session)
    }

    /// The same for the session of this public name.
    pub(super) fn is_own_name(&self, id: &str) -> bool {
        ending::is_own_name(self, id)
    }

    /// A moment, for a page.
    #[expect(clippy::unused_self, reason = "templates call it so")]
    pub(super) fn when(&self, moment: impl Borrow<Timestamp>) -> When {
        When(*moment.borrow())
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
