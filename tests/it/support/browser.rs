//! A browser: cookies, navigation headers, redirects followed by hand, forms submitted.

use std::fmt::Write;

use url::Url;

use crate::support::html;
use crate::support::html::Form;
use crate::support::jar::Jar;
use crate::support::wire::Answer;
use crate::support::wire::Wire;

/// Most redirects of one journey.
const MOST_STEPS: usize = 20;

/// One person's browser.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    /// Its cookies.
    pub(crate) jar: Jar,
    /// Where an address belongs that is only a path.
    pub(crate) home: Url,
    /// The page that is open.
    pub(crate) url: Url,
    /// Every address it went to, in order.
    pub(crate) history: Vec<Url>,
    /// Every `Set-Cookie` line it was sent.
    pub(crate) lines: Vec<String>,
}

/// How a request is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: String,
    url: Url,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    navigation: bool,
}

impl Request {
    /// Adds a header line.
    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sends a form.
    #[must_use]
    pub(crate) fn form(self, fields: &[(&str, &str)]) -> Self {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        self.body("application/x-www-form-urlencoded", body.finish())
    }

    /// Sends a body.
    #[must_use]
    pub(crate) fn body(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("Content-Type", kind)
    }
}

impl Browser {
    /// A browser without cookies, that thinks of `home` when an address is only a path.
    pub(crate) fn new(home: &str) -> Self {
        let url = Url::parse(home).unwrap();
        let home = url.clone();
        Self { jar: Jar::default(), home, url, history: Vec::new(), lines: Vec::new() }
    }

    /// A request as a script on the page makes it: `fetch(…)`.
    pub(crate) fn fetch(&self, method: &str, address: &str) -> Request {
        self.request(method, address, false)
            .header("Accept", "application/json")
            .header("Sec-Fetch-Mode", "cors")
            .header("Sec-Fetch-Dest", "empty")
            .header("Sec-Fetch-Site", "same-origin")
    }

    /// A request as a typed address or a link on our own page makes it.
    pub(crate) fn visit(&self, address: &str) -> Request {
        self.navigation("GET", address, "same-origin")
    }

    /// A navigation that `Sec-Fetch-Site` describes as `site`.
    pub(crate) fn navigation(&self, method: &str, address: &str, site: &str) -> Request {
        self.request(method, address, true)
            .header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("Sec-Fetch-Mode", "navigate")
            .header("Sec-Fetch-Dest", "document")
            .header("Sec-Fetch-Site", site)
    }

    /// A request without any header of a browser's.
    pub(crate) fn bare(&self, method: &str, address: &str) -> Request {
        self.request(method, address, false)
    }

    fn request(&self, method: &str, address: &str, navigation: bool) -> Request {
        let url = self.home.join(address).unwrap();
        Request {
            method: method.to_owned(),
            url,
            headers: Vec::new(),
            body: Vec::new(),
            navigation,
        }
    }

    /// Goes to `address` and stops at the first answer.
    pub(crate) async fn get(&mut self, address: &str) -> Answer {
        let request = self.visit(address);
        self.send(request).await
    }

    /// Goes to `address` and on through every redirect and self-posting form.
    pub(crate) async fn go(&mut self, address: &str) -> Answer {
        let request = self.visit(address);
        let first = self.send(request).await;
        self.follow(first).await
    }

    /// Sends a request; keeps its cookies; a navigation becomes the open page.
    pub(crate) async fn send(&mut self, request: Request) -> Answer {
        let host = request.url.host_str().unwrap().to_owned();
        let secure = request.url.scheme() == "https";
        let port = request.url.port_or_known_default().unwrap();
        let mut wire = if secure { Wire::tls(port, &host).await } else { Wire::plain(port).await };
        wire.send(self.bytes(&request, &host)).await;
        let mut answer = wire.head().await.expect("no answer came");
        while answer.status == 100 {
            answer = wire.head().await.expect("no answer came");
        }
        if request.method != "HEAD" {
            answer.body = wire.body_of(&answer).await.expect("the body broke off");
        }
        for line in answer.values("set-cookie") {
            self.jar.take(&host, secure, line);
            self.lines.push(line.to_owned());
        }
        if request.navigation {
            self.history.push(request.url.clone());
            self.url = request.url;
        }
        answer
    }

    fn bytes(&self, request: &Request, host: &str) -> Vec<u8> {
        let url = &request.url;
        let cross_site = self.url.host_str() != url.host_str();
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let mut head = format!("{} {target} HTTP/1.1\r\nHost: {authority}\r\n", request.method);
        for (name, value) in &request.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        let post = request.method == "POST";
        if let Some(cookies) = self.jar.header(host, url.path(), cross_site && post) {
            write!(head, "Cookie: {cookies}\r\n").unwrap();
        }
        if post || !request.body.is_empty() {
            write!(head, "Content-Length: {}\r\n", request.body.len()).unwrap();
        }
        head.push_str("\r\n");
        [head.as_bytes(), &request.body].concat()
    }

    /// Goes on from `answer` until a page is there.
    pub(crate) async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..MOST_STEPS {
            let Some(next) = self.onward(&answer) else { return answer };
            answer = self.send(next).await;
        }
        panic!("more than {MOST_STEPS} redirects: {:?}", self.history);
    }

    /// The next request of a journey: a redirect's, or a form's that posts itself elsewhere.
    pub(crate) fn onward(&self, answer: &Answer) -> Option<Request> {
        if answer.is_redirect() {
            let url = self.url.join(answer.location()).unwrap();
            return Some(self.navigation("GET", url.as_str(), self.relation(&url)));
        }
        let text = answer.text();
        let form = html::forms(&text).into_iter().next()?;
        let posts_itself = text.contains("<script") && text.contains(".submit");
        posts_itself.then(|| self.submission(&form, &[]))
    }

    /// Submits the form of `answer` that has all of the named fields, with these values in it.
    pub(crate) async fn submit(&mut self, answer: &Answer, fields: &[(&str, &str)]) -> Answer {
        self.submit_with(answer, fields, &[]).await
    }

    /// As [`Self::submit`], with boxes ticked beside.
    pub(crate) async fn submit_with(
        &mut self,
        answer: &Answer,
        fields: &[(&str, &str)],
        ticked: &[(&str, &str)],
    ) -> Answer {
        let forms = html::forms(&answer.text());
        let has = |form: &Form, name: &str| form.fields.iter().any(|(known, _)| known == name);
        let form = forms
            .iter()
            .find(|form| fields.iter().all(|(name, _)| has(form, name)))
            .unwrap_or_else(|| panic!("no form with {fields:?}: {}", answer.gist()));
        let request = self.submission(form, &[fields, ticked].concat());
        self.send(request).await
    }

    /// Presses the only button of the form that contains `text`.
    pub(crate) async fn press(&mut self, answer: &Answer, text: &str) -> Answer {
        let forms = html::forms(&answer.text());
        let form = forms
            .iter()
            .find(|form| form.inner.contains(text))
            .unwrap_or_else(|| panic!("no form with {text}: {}", answer.gist()));
        let request = self.submission(form, &[]);
        self.send(request).await
    }

    fn submission(&self, form: &Form, fields: &[(&str, &str)]) -> Request {
        let action = if form.action.is_empty() { self.url.as_str() } else { &form.action };
        let url = self.url.join(action).unwrap();
        let mut all = form.fields.clone();
        for (name, value) in fields {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        if form.post {
            let origin = self.url.origin().ascii_serialization();
            let request = self.navigation("POST", url.as_str(), self.relation(&url));
            return request.header("Origin", &origin).form(&all);
        }
        let mut target = url.clone();
        target.query_pairs_mut().clear().extend_pairs(&all);
        self.navigation("GET", target.as_str(), self.relation(&url))
    }

    fn relation(&self, url: &Url) -> &'static str {
        if self.url.origin() == url.origin() { "same-origin" } else { "cross-site" }
    }

    /// The value of a cookie of the host that is open.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.jar.find(self.url.host_str()?, name).map(|kept| kept.value.clone())
    }
}
