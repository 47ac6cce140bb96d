"""A real CMS (Wagtail) behind the gateway, which believes the identity headers and nothing else."""

import io
import re

from browser import Browser
from sign_in import sign_in, sign_out

FORGED = {
    "X-Remote-User": "sitecore\\root",
    "X-Remote-Groups": "sitecore\\cms-admins",
    "X-Remote_Groups": "sitecore\\cms-admins",
    "x_remote_groups": "sitecore\\cms-admins",
    "X.Remote.Groups": "sitecore\\cms-admins",
}
ADMIN = "/admin/"
USERS = "/admin/users/"
DASHBOARD = "<title>Dashboard"


def editor(rig, name):
    return sign_in(rig, name, page=ADMIN)


def csrf(browser):
    return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.response.text)[1]


def home_page(rig, browser):
    """The id of the home page, from the link that the explorer shows."""
    browser.go(f"{rig.gateway}/admin/pages/")
    return re.search(r"/admin/pages/(\d+)/edit/", browser.response.text)[1]


def test_an_author_may_edit_and_not_administer(rig):
    browser = editor(rig, "alice")
    assert browser.response.status_code == 200 and DASHBOARD in browser.response.text
    browser.go(f"{rig.gateway}{USERS}", follow=False)
    assert browser.response.status_code in (302, 403), browser.response.status_code


def test_an_admin_may_administer(rig):
    browser = editor(rig, "bob")
    assert browser.response.status_code == 200 and DASHBOARD in browser.response.text
    browser.go(f"{rig.gateway}{USERS}")
    assert browser.response.status_code == 200 and browser.url.endswith(USERS), browser.url


def test_a_nobody_may_not(rig):
    browser = editor(rig, "eve")
    browser.go(f"{rig.gateway}{ADMIN}", follow=False)
    assert browser.response.status_code in (302, 403), browser.response.status_code
    assert DASHBOARD not in browser.response.text


def test_a_forged_header_makes_nobody_anybody(rig):
    stranger = Browser(rig.authority)
    answer = stranger.go(f"{rig.gateway}{ADMIN}", follow=False, headers=FORGED)
    assert answer.status_code in (302, 303), answer.status_code
    assert "/identity/login/" in answer.headers["Location"]

    nobody = Browser(rig.authority)
    nobody.session.headers.update(FORGED)
    nobody.go(f"{rig.gateway}{ADMIN}")
    nobody.sign_in_at_provider("mallory")
    nobody.go(f"{rig.gateway}{USERS}", follow=False)
    assert nobody.response.status_code in (302, 403), nobody.response.status_code

    author = editor(rig, "alice")
    author.go(f"{rig.gateway}{USERS}", follow=False, headers=FORGED)
    assert author.response.status_code in (302, 403), author.response.status_code

    # The open part of the site: nobody is signed in there, whatever is forged.
    anonymous = Browser(rig.authority)
    assert anonymous.go(f"{rig.gateway}/", headers=FORGED).status_code == 200
    assert "wagtail-userbar" not in anonymous.response.text


def test_an_edit_needs_the_cms_s_own_token_and_origin(rig):
    browser = editor(rig, "alice")
    add = f"{rig.gateway}/admin/pages/add/home/homepage/{home_page(rig, browser)}/"
    browser.go(add)
    assert browser.response.status_code == 200, browser.response.status_code
    page = {"title": "Made by Alice", "slug": "made-by-alice"}
    origin = {"Origin": rig.gateway, "Referer": add}
    without = browser.go(add, "POST", follow=False, data=page, headers=origin)
    assert without.status_code == 403, without.status_code
    browser.go(add)
    form = next(f for f in browser.forms() if "title" in f.fields)
    evil = {"Origin": "https://evil.localhost", "Referer": "https://evil.localhost/"}
    assert browser.submit(form, follow=False, headers=evil, **page).status_code == 403
    browser.submit(form, headers=origin, **page)
    assert browser.response.status_code == 200 and "Made by Alice" in browser.response.text


def test_twenty_megabytes_arrive_whole(rig):
    browser = editor(rig, "alice")
    add = f"{rig.gateway}/admin/documents/add/"
    browser.go(add)
    assert browser.response.status_code == 200, browser.response.status_code
    data = bytes(range(256)) * (20 * 1024 * 1024 // 256)
    fields = {"title": "Large", "csrfmiddlewaretoken": csrf(browser)}
    files = {"file": ("large.pdf", io.BytesIO(data), "application/pdf")}
    origin = {"Origin": rig.gateway, "Referer": add}
    browser.go(add, "POST", data=fields, files=files, headers=origin)
    assert browser.response.status_code == 200, browser.response.status_code
    link = re.search(r'href="(/documents/\d+/[^"]+)"', browser.response.text)
    assert link, re.findall(r'class="error-message">([^<]*)', browser.response.text)
    answer = browser.go(rig.gateway + link[1])
    assert answer.status_code == 200 and answer.content == data, (answer.status_code, len(answer.content))


def test_signing_out_at_the_gateway_signs_out_of_the_cms(rig):
    browser = editor(rig, "alice")
    assert browser.cookie("sessionid"), "the CMS keeps a session of its own"
    sign_out(rig, browser)
    answer = browser.go(f"{rig.gateway}{ADMIN}", follow=False)
    assert answer.status_code in (302, 303) and "/identity/login/" in answer.headers["Location"]
