"""Who comes in, from where, and what browsers may do."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from tests.ui.conftest import HOST, Make, Served

from tunesmith.services.errors import FixRequest
from tunesmith.ui._serve import Serving
from tunesmith.ui.pages._sign import _inside

STUDIES = "/api/v1/studies"
PAGE = {"accept": "text/html"}


async def signed_in(client: httpx.AsyncClient, token: str) -> str:
    """Sign in as a browser does; gives what pages send with changes."""
    answer = await client.post("/login", data={"token": token, "next": "/"})
    assert answer.status_code == 200, answer.text
    page = await client.get("/", headers=PAGE)
    found = re.search(r'<meta name="csrf" content="([^"]+)">', page.text)
    assert found is not None
    return found[1]


@pytest.fixture
def token(manager: Served) -> str:
    return manager.token


async def test_a_stranger_sees_nothing(dashboard: Make) -> None:
    client = dashboard(token=None)
    assert (await client.get(STUDIES)).status_code == 401
    page = await client.get("/studies/default/first", headers=PAGE)
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=%2Fstudies%2Fdefault%2Ffirst")
    assert (await client.get("/api/v1/openapi.json")).status_code == 200
    assert (await client.get("/healthz")).json()["status"] == "ok"


async def test_a_wrong_token_opens_nothing(dashboard: Make) -> None:
    assert (await dashboard(token="wrong").get(STUDIES)).status_code == 401
    client = dashboard(token=None)
    answer = await client.post("/login", data={"token": "wrong"})
    assert (answer.status_code, client.cookies) == (401, httpx.Cookies())


async def test_a_token_that_was_replaced_is_worth_nothing_from_then_on(dashboard: Make, manager: Served) -> None:
    """`serve` starts the dashboard before the manager, which may be given another token."""
    file, old, new = manager.house.folder / ".tunesmith" / "token", manager.token, "another-token-of-the-folder"
    client = dashboard(token=None)
    await signed_in(client, old)
    assert (await client.get(STUDIES)).status_code == 200

    async def status(token: str) -> int:
        return (await client.get(STUDIES, headers={"authorization": f"Bearer {token}"})).status_code

    assert (await status(old), await status(new)) == (200, 401)
    try:
        file.write_text(f"{new}\n")
        assert (await client.get(STUDIES)).status_code == 401
        assert (await status(old), await status(new)) == (401, 200)
        file.unlink()  # the manager knows it still
        assert (await status(old), await status(new)) == (401, 200)
    finally:
        file.write_text(f"{old}\n")


async def test_a_manager_elsewhere_judges_tokens(dashboard: Make, manager: Served, token: str) -> None:
    """With an address on TCP the dashboard knows no token of its own."""
    server = manager.tcp
    assert (await dashboard(server=server, token="wrong").get(STUDIES)).status_code == 401
    assert (await dashboard(server=server).get(STUDIES)).status_code == 200
    client = dashboard(server=server, token=None)
    assert (await client.post("/login", data={"token": "wrong"})).status_code == 401
    await signed_in(client, token)
    assert (await client.get(STUDIES)).status_code == 200


@pytest.mark.parametrize("wrong", ["tök", "a\x07b"])
async def test_a_token_that_no_header_can_carry_is_not_known(dashboard: Make, manager: Served, wrong: str) -> None:
    client = dashboard(server=manager.tcp, token=None)
    assert (await client.post("/login", data={"token": wrong})).status_code == 401
    sent = f"Bearer {wrong}".encode("latin-1")
    assert (await client.get(STUDIES, headers=[(b"authorization", sent)])).status_code == 401


async def test_without_login_nobody_is_sent_to_sign_in(dashboard: Make, manager: Served) -> None:
    """Where the manager wants a token all the same, the page says so."""
    page = await dashboard(server=manager.tcp, token=None, login=False).get("/", headers=PAGE)
    assert page.status_code == 401
    assert "this server wants a token" in page.text


async def test_nobody_makes_it_read_more_than_a_request_may_hold(dashboard: Make, token: str) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(1000):
            taken += 1
            yield b" " * 1024 * 1024

    answer = await dashboard(token=None).post("/api/v1/studies", content=endless())
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert taken < 20


async def test_a_failure_that_nobody_thought_of_is_told_with_the_same_headers(dashboard: Make) -> None:
    client = dashboard()
    app = client._transport.app  # type: ignore[attr-defined]

    async def broken() -> None:
        raise RuntimeError("hunter2")

    app.add_api_route("/broken", broken)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as other:
        answer = await other.get("/broken", headers=PAGE)
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def test_the_cookie_is_for_this_dashboard_alone(dashboard: Make, token: str) -> None:
    client = dashboard(token=None, root_path="/tuning")
    answer = await client.post("/tuning/login", data={"token": token})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("tunesmith-session-8080=")
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/tuning/"))


async def test_a_change_needs_what_only_our_pages_know(dashboard: Make, token: str) -> None:
    client = dashboard(token=None)
    csrf = await signed_in(client, token)
    given = {"document": "{}"}
    path = "/api/v1/documents/validate"
    assert (await client.post(path, json=given)).status_code == 403
    assert (await client.post(path, json=given, headers={"x-csrf-token": "guessed"})).status_code == 403
    assert (await client.post(path, json=given, headers={"x-csrf-token": csrf})).status_code == 200


async def test_without_login_programs_need_nothing_and_browsers_our_page(dashboard: Make) -> None:
    client = dashboard(token=None, login=False)
    given = {"document": "{}"}
    path = "/api/v1/documents/validate"
    assert (await client.get(STUDIES)).status_code == 200
    assert (await client.post(path, json=given)).status_code == 200
    assert (await client.post(path, json=given, headers={"origin": "https://evil.example"})).status_code == 403
    assert (await client.post(path, json=given, headers={"sec-fetch-site": "cross-site"})).status_code == 403


async def test_a_key_opens_the_door_once(dashboard: Make) -> None:
    client = dashboard(token=None)
    key = client._transport.app.state.desk.door.new_key()  # type: ignore[attr-defined]
    assert (await client.get("/login", params={"key": "guessed"})).status_code == 401
    assert (await client.get("/login", params={"key": key})).status_code == 200
    assert (await client.get(STUDIES)).status_code == 200
    client.cookies.clear()
    assert (await client.get("/login", params={"key": key})).status_code == 401
    assert (await client.get(STUDIES)).status_code == 401


async def test_signing_out_ends_the_session(dashboard: Make, token: str) -> None:
    client = dashboard(token=None)
    csrf = await signed_in(client, token)
    kept = dict(client.cookies)
    assert (await client.post("/logout", headers={"x-csrf-token": csrf})).status_code == 204
    client.cookies.update(kept)
    assert (await client.get(STUDIES)).status_code == 401


async def test_sessions_of_two_browsers_have_nothing_in_common(dashboard: Make, token: str) -> None:
    one = dashboard(token=None)
    first = await signed_in(one, token)
    cookie = dict(one.cookies)
    one.cookies.clear()
    second = await signed_in(one, token)
    assert first != second
    assert dict(one.cookies) != cookie


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example"]
)
@pytest.mark.parametrize("login", [True, False])
async def test_a_name_that_was_bent_to_our_address_is_refused(dashboard: Make, host: str, login: bool) -> None:
    answer = await dashboard(login=login).get(STUDIES, headers={"host": host})
    assert answer.status_code == 421


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "tuning.example", "TUNING.example:1"]
)
async def test_our_own_names_are_not(dashboard: Make, host: str) -> None:
    answer = await dashboard(hosts=("tuning.example",)).get(STUDIES, headers={"host": host})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/", "/login", "/healthz", STUDIES, "/nothing", "/api/v1/nothing"])
async def test_every_answer_says_what_browsers_may_do(dashboard: Make, path: str) -> None:
    headers = (await dashboard().get(path, headers=PAGE)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")
    assert headers["cache-control"] == "no-store"


async def test_pages_hold_no_script_or_style_of_their_own(dashboard: Make) -> None:
    client = dashboard()
    for path in ("/", "/new", "/offers", "/studies/default/first", "/studies/default/first/trials/0"):
        page = (await client.get(path, headers=PAGE)).text
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", page), path


@pytest.mark.parametrize("prefix", ["", "/tuning"])
@pytest.mark.parametrize("kept", [True, False])
async def test_it_works_behind_a_proxy_that_keeps_or_takes_its_path(dashboard: Make, prefix: str, kept: bool) -> None:
    client = dashboard(root_path=prefix)
    before = prefix if kept else ""
    page = await client.get(f"{before}/", headers=PAGE)
    assert page.status_code == 200
    assert f'href="{prefix}/studies/default/first"' in page.text
    for asset in re.findall(r'(?:src|href)="([^"]*/static/[^"]+)"', page.text):
        assert asset.startswith(f"{prefix}/static/")
        found = await client.get(asset if kept else asset.removeprefix(prefix))
        assert (found.status_code, "immutable" in found.headers["cache-control"]) == (200, True)
    assert (await client.get(f"{before}/studies/default/first/trials", headers=PAGE)).status_code == 200


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\nb", ""])
def test_signing_in_leads_nowhere_else(onward: str) -> None:
    assert _inside(onward) == "/"


def test_signing_in_leads_back() -> None:
    assert _inside("/studies/default/x?sort=value") == "/studies/default/x?sort=value"


@pytest.mark.parametrize(
    ("listen", "changes"),
    [
        ("0.0.0.0:8080", {}),
        ("0.0.0.0:8080", {"insecure_bind": True, "login": False}),
        ("unix:/tmp/x.sock", {}),
        ("nowhere", {}),
    ],
)
def test_addresses_that_are_refused(tmp_path: Any, listen: str, changes: dict[str, bool]) -> None:
    login = changes.pop("login", True)
    with pytest.raises(FixRequest):
        Serving(listen=listen, **changes).settings(  # type: ignore[arg-type]
            folder=tmp_path, server=None, token=None, login=login, root_path="", hosts=()
        )


def test_the_root_path_is_written_in_one_way(tmp_path: Any) -> None:
    given = [
        Serving(listen="127.0.0.1:0")
        .settings(folder=tmp_path, server=None, token=None, login=True, root_path=path, hosts=())
        .root_path
        for path in ("tuning", "/tuning", "/tuning/", "", "/")
    ]
    assert given == ["/tuning", "/tuning", "/tuning", "", ""]
