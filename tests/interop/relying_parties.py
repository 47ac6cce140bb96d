"""Our identity server before real relying parties: openid-client (certified, Node) and Authlib (Python)."""

import time
from urllib.parse import parse_qs, urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from browser import Browser

NAME, PASSWORD = "sitecore\\jane", "interop password"


def signed_in(rig, query):
    """A browser that has signed in at the relying party, and what that said."""
    browser = Browser(rig.authority)
    browser.go(f"{rig.relying_party}/login?{query}")
    return browser, finish(browser)


def finish(browser):
    """Fills in our pages until the relying party has its answer."""
    for _ in range(6):
        fragment = urlsplit(browser.url).fragment
        if fragment:
            browser.go(browser.url.split("#")[0], "POST", data=dict(pair for pair in pairs(fragment)))
        if "html" not in browser.response.headers.get("Content-Type", ""):
            break
        page = browser.page()
        if "sign-in" in page.ids:
            form = next(f for f in page.forms if f.has("password"))
            browser.submit(form, username=NAME, password=PASSWORD)
        elif "consent" in page.ids:
            form = next(f for f in page.forms if f.buttons)
            browser.submit(form, form.buttons[0])
        elif page.forms and "state" in page.forms[0].fields:
            browser.submit(page.forms[0])
        else:
            raise AssertionError(browser.response.text[:2000])
    assert browser.response.status_code == 200, (browser.hops, browser.response.text)
    return browser.response.json()


def pairs(text):
    return [(name, values[0]) for name, values in parse_qs(text, keep_blank_values=True).items()]


def ask(rig, path):
    answer = requests.get(rig.relying_party + path, timeout=40)
    return answer.json()


def test_code_with_pkce_userinfo_and_claims(rig):
    browser, said = signed_in(rig, "scope=openid+profile+email")
    assert said["claims"]["iss"] == rig.identity_server
    assert said["claims"]["aud"] == "rp-code"
    assert said["claims"]["amr"] == ["pwd"]
    me = ask(rig, "/me")
    assert me["email"] == "jane@example.test" and me["sub"] == said["claims"]["sub"], me
    browser.go(f"{rig.relying_party}/login?prompt=none")
    assert finish(browser)["claims"]["sub"] == me["sub"]


def test_a_pushed_request(rig):
    _, said = signed_in(rig, "pushed=1")
    assert said["claims"]["aud"] == "rp-code"


def test_form_post_and_max_age(rig):
    _, said = signed_in(rig, "response_mode=form_post&max_age=10000")
    assert abs(said["claims"]["auth_time"] - time.time()) < 120


def test_hybrid_by_form_post(rig):
    _, said = signed_in(rig, "flow=hybrid&response_mode=form_post&scope=openid+profile")
    assert said["claims"]["aud"] == "rp-hybrid" and said["session_state"]


def test_hybrid_by_fragment(rig):
    _, said = signed_in(rig, "flow=hybrid&scope=openid+profile")
    assert said["claims"]["aud"] == "rp-hybrid"


def test_implicit_id_token(rig):
    _, said = signed_in(rig, "flow=implicit&response_mode=form_post&scope=openid+profile")
    assert said["claims"]["aud"] == "rp-implicit"


def test_refresh_rotates_and_a_replay_ends_it_all(rig):
    _, said = signed_in(rig, "scope=openid+offline_access")
    assert said["refreshable"]
    fresh = ask(rig, "/refresh")
    assert fresh["rotated"] and fresh["claims"]["sub"] == said["claims"]["sub"]
    assert ask(rig, "/wrong/replayed")["error"] == "invalid_grant"
    assert ask(rig, "/refresh")["error"] == "invalid_grant", "the family must have ended"


def test_introspection_and_revocation(rig):
    signed_in(rig, "scope=openid+orders+offline_access")
    seen = ask(rig, "/introspect")
    assert seen["active"] and seen["client_id"] == "rp-code" and seen["scope"] == "orders", seen
    ask(rig, "/revoke")
    assert ask(rig, "/refresh")["error"] == "invalid_grant"


def test_client_credentials_plain_and_bound_to_a_key(rig):
    token = ask(rig, "/robot")
    assert token["token_type"].lower() == "bearer" and token["scope"] == "orders"
    assert ask(rig, "/dpop")["token_type"].lower() == "dpop"


def test_a_device_is_approved_elsewhere(rig):
    begun = ask(rig, "/device")
    browser = Browser(rig.authority)
    browser.go(begun["verification_uri_complete"])
    for _ in range(4):
        page = browser.page()
        if "sign-in" in page.ids:
            form = next(f for f in page.forms if f.has("password"))
            browser.submit(form, username=NAME, password=PASSWORD)
        elif "allow-button" in page.ids:
            form = next(f for f in page.forms if f.buttons)
            browser.submit(form, form.buttons[0])
    approved = ask(rig, "/device/finish")
    assert approved["claims"]["aud"] == "rp-device" and approved["refreshable"], approved


def test_mistakes_are_told_in_the_standards_words(rig):
    expected = {
        # What the library makes of a 401 with a challenge, before it looks at the body.
        "secret": "OAUTH_WWW_AUTHENTICATE_CHALLENGE",
        "scope": "invalid_scope",
        "code": "invalid_grant",
        "refresh": "invalid_grant",
    }
    for mistake, error in expected.items():
        assert ask(rig, f"/wrong/{mistake}")["error"] == error, mistake
    assert ask(rig, "/wrong/access")["error"], "a bogus access token was good for something"


def test_signing_out_tells_every_client_and_comes_back(rig):
    browser, said = signed_in(rig, "scope=openid")
    browser.go(f"{rig.relying_party}/logout")
    for _ in range(4):
        if "html" not in browser.response.headers.get("Content-Type", ""):
            break
        page = browser.page()
        for address in page.frames:
            frames = Browser(rig.authority)
            frames.session.cookies = browser.session.cookies
            frames.go(address)
            for inner in frames.page().frames:
                requests.get(inner, timeout=20)
        browser.go(page.links["return-link"])
    assert browser.response.json() == {"signedOut": True, "state": "bye"}
    until = time.monotonic() + 10
    while True:
        heard = ask(rig, "/heard")
        told = [h for h in heard["backChannel"] if h["payload"]["sid"] == said["claims"]["sid"]]
        if told or time.monotonic() > until:
            break
        time.sleep(0.2)
    assert told, "no logout token"
    assert told[0]["header"]["typ"] == "logout+jwt" and told[0]["payload"]["aud"] == "rp-code"
    assert "nonce" not in told[0]["payload"]
    browser.go(f"{rig.relying_party}/login?prompt=none")
    assert "login_required" in browser.response.text or "login_required" in browser.url


def authlib(rig, client, **how):
    session = OAuth2Session(client, token_endpoint=f"{rig.identity_server}/connect/token", **how)
    session.trust_env, session.verify = False, rig.authority
    return session


def test_authlib_code_refresh_and_id_token(rig):
    callback = f"http://127.0.0.1:{rig.echo.port}/authlib"
    session = authlib(
        rig, "rp-authlib", client_secret="authlib-secret", scope="openid email offline_access",
        redirect_uri=callback, code_challenge_method="S256",
    )  # fmt: skip
    verifier = "v" * 64
    address, _ = session.create_authorization_url(
        f"{rig.identity_server}/connect/authorize", code_verifier=verifier, nonce="n-1"
    )
    browser = Browser(rig.authority)
    browser.go(address)
    finish(browser)
    token = session.fetch_token(authorization_response=browser.url, code_verifier=verifier)
    keys = requests.get(
        f"{rig.identity_server}/.well-known/openid-configuration/jwks", verify=rig.authority, timeout=20
    )
    claims = JsonWebToken(["RS256", "ES256"]).decode(
        token["id_token"],
        JsonWebKey.import_key_set(keys.json()),
        claims_cls=CodeIDToken,
        claims_options={"iss": {"value": rig.identity_server}, "aud": {"value": "rp-authlib"}},
        claims_params={"nonce": "n-1", "client_id": "rp-authlib", "access_token": token["access_token"]},
    )
    claims.validate()
    me = session.get(f"{rig.identity_server}/connect/userinfo")
    assert me.json()["sub"] == claims["sub"] and me.json()["email"] == "jane@example.test"
    fresh = session.refresh_token(f"{rig.identity_server}/connect/token")
    assert fresh["access_token"] != token["access_token"]


def test_authlib_private_key_jwt(rig):
    session = authlib(
        rig, "rp-assertion", client_secret=(rig.folder / "client.key").read_bytes(),
        token_endpoint_auth_method=PrivateKeyJWT(rig.identity_server, alg="RS256"), scope="orders",
    )  # fmt: skip
    token = session.fetch_token(grant_type="client_credentials")
    assert token["scope"] == "orders" and token["access_token"].count(".") == 2
