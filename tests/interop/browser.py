"""A scripted browser: one hop at a time, a cookie jar, forms, and nothing but loopback."""

import socket
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import requests

LONGEST_WAIT = 20

_resolve = socket.getaddrinfo


def _loopback(host, *rest, **named):
    """Browsers know that *.localhost is loopback; the C library does not."""
    return _resolve("127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **named)


socket.getaddrinfo = _loopback


class Form:
    def __init__(self, action, method):
        self.action = action
        self.method = method.lower()
        self.fields = {}
        self.types = {}
        self.buttons = []

    def has(self, kind):
        return kind in self.types.values()


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms = []
        self.by_id = {}
        self.open = None
        self.select = None
        self.ids = set()
        self.frames = []
        self.links = {}

    def handle_starttag(self, tag, attributes):
        a = {name: value or "" for name, value in attributes}
        if "id" in a:
            self.ids.add(a["id"])
        if tag == "iframe":
            self.frames.append(a.get("src", ""))
        if tag == "a" and "id" in a:
            self.links[a["id"]] = a.get("href", "")
        if tag == "form":
            self.open = Form(a.get("action", ""), a.get("method", "get"))
            self.forms.append(self.open)
            self.by_id[a.get("id")] = self.open
            return
        form = self.by_id.get(a["form"]) if "form" in a else self.open
        if form is None:
            return
        name = a.get("name")
        kind = a.get("type", "text" if tag == "input" else tag).lower()
        if tag == "button" or (tag == "input" and kind in ("submit", "image")):
            form.buttons.append((name, a.get("value", "")))
        elif tag == "input" and name:
            form.types[name] = kind
            if kind not in ("checkbox", "radio") or "checked" in a:
                form.fields[name] = a.get("value", "on" if kind in ("checkbox", "radio") else "")
        elif tag == "textarea" and name:
            form.types[name] = tag
            form.fields[name] = ""
        elif tag == "select" and name:
            self.select = name
        elif tag == "option" and self.select and ("selected" in a or self.select not in form.fields):
            form.fields[self.select] = a.get("value", "")

    def handle_endtag(self, tag):
        if tag == "form":
            self.open = None
        elif tag == "select":
            self.select = None


class Browser:
    def __init__(self, authority):
        self.authority = authority
        self.session = requests.Session()
        self.session.trust_env = False
        self.hops = []
        self.response = None
        self.url = None

    def go(self, url, method="GET", follow=True, headers=None, **body):
        """Sends a request and follows redirects, with GET but for 307 and 308."""
        for _ in range(20):
            self._refuse_the_world(url)
            self.response = self.session.request(
                method,
                url,
                allow_redirects=False,
                timeout=LONGEST_WAIT,
                verify=self.authority,
                headers={"Accept": "text/html,*/*", **(headers or {})},
                **body,
            )
            self.url = url
            self.hops.append(f"{method} {url} -> {self.response.status_code}")
            if not (follow and self.response.is_redirect):
                return self.response
            url = urljoin(url, self.response.headers["Location"])
            if self.response.status_code not in (307, 308):
                method, body = "GET", {}
        raise AssertionError("too many redirects: " + "\n".join(self.hops[-20:]))

    @staticmethod
    def _refuse_the_world(url):
        host = urlsplit(url).hostname or ""
        assert host in ("localhost", "127.0.0.1") or host.endswith(".localhost"), url

    def page(self):
        page = _Page()
        page.feed(self.response.text)
        return page

    def forms(self):
        return self.page().forms

    def submit(self, form, button=None, follow=True, files=None, headers=None, **values):
        data = {**form.fields, **values}
        if button is not None and button[0]:
            data[button[0]] = button[1]
        target = urljoin(self.url, form.action)
        if form.method == "post":
            return self.go(target, "POST", follow=follow, data=data, files=files, headers=headers)
        query = urlsplit(target)._replace(query=urlencode(data)).geturl()
        return self.go(query, follow=follow, headers=headers)

    def cookie(self, name):
        return next((c.value for c in self.session.cookies if c.name == name), None)

    def sign_in_at_provider(self, name):
        """Fills in the provider's pages until the browser is back at the gateway; says whether a password was asked."""
        asked = False
        for _ in range(6):
            forms = self.forms() if "html" in self.response.headers.get("Content-Type", "") else []
            with_password = next((f for f in forms if f.has("password")), None)
            consent = next((f for f in forms if f.fields.get("prompt") == "consent"), None)
            posted = next((f for f in forms if "state" in f.fields and "code" in f.fields), None)
            if with_password:
                asked = True
                self.submit(with_password, login=name, password="any")
            elif consent:
                self.submit(consent)
            elif posted:
                self.submit(posted)
            else:
                break
        return asked
