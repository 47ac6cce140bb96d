"""Signing in and out through a certified provider: code, form_post, hybrid, RP-initiated logout."""

from browser import Browser

SESSION = ".AspNet.Cookies"
PAGE = "/sitecore/shell/page?id=%7B1%7D&x=a+b"


def seen(browser):
    """What the upstream received, by header name in lower case."""
    assert browser.response.status_code == 200, browser.hops + [browser.response.text[:500]]
    headers = {}
    for name, value in browser.response.json()["headers"]:
        assert name.lower() not in headers or not name.lower().startswith("x-"), f"{name} twice"
        headers[name.lower()] = value
    return headers


def sign_in(rig, name, provider=None, site="shell", page=PAGE):
    browser = Browser(rig.authority)
    if provider:
        browser.go(f"{rig.gateway}/identity/login/{site}/{provider}?returnUrl={page}")
    else:
        browser.go(rig.gateway + page)
    assert browser.sign_in_at_provider(name), "no password was asked"
    return browser


def check_alice(browser):
    headers = seen(browser)
    assert headers["x-forwarded-user"].startswith("sitecore\\"), headers
    assert headers["x-forwarded-groups"] == "sitecore\\cms-authors", headers
    assert headers["x-forwarded-email"] == "alice@example.test", headers
    assert SESSION not in headers.get("cookie", ""), "our cookie reached the upstream"
    return headers["x-forwarded-user"]


def test_a_deep_link_asks_for_a_sign_in_and_then_opens(rig):
    browser = sign_in(rig, "alice")
    check_alice(browser)
    assert browser.url == rig.gateway + PAGE, browser.url
    assert browser.response.json()["line"] == f"GET {PAGE} HTTP/1.1"


def test_form_post_with_client_secret_post(rig):
    browser = sign_in(rig, "alice", "InteropFormPost", page="/sitecore/shell/")
    check_alice(browser)
    assert any(hop.startswith("POST") and "/signin-oidc" in hop for hop in browser.hops)


def test_hybrid_code_id_token(rig):
    check_alice(sign_in(rig, "alice", "InteropHybrid", page="/sitecore/shell/"))


def test_one_person_has_one_name_and_two_have_two(rig):
    names = [seen(sign_in(rig, name))["x-forwarded-user"] for name in ("alice", "alice", "bob")]
    assert names[0] == names[1] != names[2], names


def test_nobody_becomes_somebody_by_saying_so(rig):
    headers = seen(sign_in(rig, "eve"))
    assert "x-forwarded-groups" not in headers, headers
    assert headers["x-forwarded-user"] != "sitecore\\admin", headers


def sign_out(rig, browser):
    """Asks to be signed out and says yes, here and at the provider."""
    browser.go(f"{rig.gateway}/identity/logout?returnUrl=/sitecore/shell/")
    for _ in range(3):
        forms = browser.forms() if "html" in browser.response.headers.get("Content-Type", "") else []
        form = next((f for f in forms if f.method == "post" and not f.has("password")), None)
        if form is None or "login" in form.fields:
            return
        yes = next((b for b in form.buttons if b[1] == "yes"), form.buttons[0] if form.buttons else None)
        browser.submit(form, yes)


def test_signing_out_ends_both_sessions_and_the_next_person_starts_afresh(rig):
    browser = sign_in(rig, "alice")
    alice = check_alice(browser)
    stolen = browser.cookie(SESSION)
    assert stolen
    sign_out(rig, browser)
    assert any("/signout-callback-oidc" in hop for hop in browser.hops), browser.hops
    assert browser.cookie(SESSION) in (None, ""), "the browser still holds the cookie"

    thief = Browser(rig.authority)
    answer = thief.go(
        f"{rig.gateway}/sitecore/shell/", follow=False, headers={"Cookie": f"{SESSION}={stolen}"}
    )
    assert answer.status_code in (302, 303), answer.status_code

    browser.go(f"{rig.gateway}/sitecore/shell/")
    assert browser.sign_in_at_provider("bob"), "the provider's session outlived the sign-out"
    headers = seen(browser)
    assert headers["x-forwarded-user"] != alice
    assert headers["x-forwarded-groups"] == "sitecore\\cms-admins"
    assert "alice" not in str(headers)


def test_a_replayed_callback_does_not_dead_end(rig):
    browser = sign_in(rig, "alice")
    callback = next(h.split()[1] for h in browser.hops if "/signin-oidc?" in h)
    user = seen(browser)["x-forwarded-user"]
    replayed = browser.go(callback)
    assert replayed.status_code == 200, (replayed.status_code, browser.hops[-5:])
    browser.go(f"{rig.gateway}/sitecore/shell/")
    assert seen(browser)["x-forwarded-user"] == user
