"""The proxies that a how-to page sets up: their programs take the page's lines, and the service learns who asks."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess

import httpx
import pytest

from signalpost.accounts.signin import name_place
from tests.debian import look_for
from tests.docs.blocks import ROOT, fill_in, read_blocks
from tests.ports import hold_ports
from tests.support import until
from tests.unit.outbound.servers import Authority

PAGE = ROOT / "docs" / "how-to" / "run-behind-a-proxy.md"
HOST = "signalpost.example.com"
FRAME = """
daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {server}
}}
"""


def read_block(language):
    return next(block.text for block in read_blocks(PAGE) if block.language == language)


@pytest.fixture
def nginx():
    program, said = look_for("nginx")
    if program is None:
        pytest.skip(f"NOTHING IS TESTED BEHIND NGINX HERE: it could not be installed: {said}")
    return program


@pytest.fixture
def port():
    with hold_ports(1) as (held,):
        yield held


async def test_what_the_page_gives_nginx_passes_who_asks_and_keeps_metrics_back(
    tmp_path, make_world, nginx, port
):
    public = f"https://{HOST}"
    authority = Authority(tmp_path)
    async with make_world(roles=frozenset(), public_url=public, trusted_proxies="127.0.0.1") as world:
        authority.serve_as(HOST)
        pem = next(tmp_path.glob("*.pem"))
        shown = read_block("nginx")
        given = {
            "443": f"127.0.0.1:{port}",
            "/etc/ssl/signalpost.pem": str(pem),
            "/etc/ssl/signalpost.key": str(pem),
            "http://127.0.0.1:8080": world.url,
        }
        assert [each for each in given if each not in shown] == []
        server = fill_in(shown, given)
        configuration = tmp_path / "nginx.conf"
        configuration.write_text(FRAME.format(folder=tmp_path, server=server))
        words = (nginx, "-p", str(tmp_path), "-c", str(configuration))
        checked = subprocess.run([*words, "-t"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        running = await asyncio.create_subprocess_exec(*words, stderr=asyncio.subprocess.DEVNULL)
        try:
            await walk(world, authority.trust(), f"https://127.0.0.1:{port}")
        finally:
            running.terminate()
            await running.wait()


async def walk(world, trust: ssl.SSLContext, url):
    """Ask as a browser does that knows the proxy by its name, and claims to come from elsewhere."""
    named = {
        "extensions": {"sni_hostname": HOST},
        "headers": {"Host": HOST, "X-Forwarded-For": "203.0.113.9"},
    }
    async with httpx.AsyncClient(base_url=url, verify=trust) as client:

        async def is_up():
            try:
                return (await client.get("/healthz", **named)).status_code == 200
            except httpx.ConnectError:
                return False

        await until(is_up)
        assert (await client.get("/metrics", **named)).status_code == 404
        asked = await client.get("/sign-in", **named)
        assert "__Host-" in asked.headers["set-cookie"]
        csrf = asked.text.partition('name="csrf" value="')[2].partition('"')[0]
        sent = {"csrf": csrf, "email": "nobody@example.com", "password": "not the password"}
        named["headers"]["Origin"] = f"https://{HOST}"
        assert (await client.post("/sign-in", data=sent, **named)).status_code in {400, 401}
    # The address that the proxy saw counts, not the one that was claimed.
    query = "SELECT count(*) FROM sign_in_failure WHERE subject = $1"
    assert await world.pool.fetchval(query, name_place("127.0.0.1")) == 1
    assert await world.pool.fetchval(query, name_place("203.0.113.9")) == 0


def test_what_the_page_gives_caddy_is_a_configuration_of_it(tmp_path):
    if (program := shutil.which("caddy")) is None:
        pytest.skip("there is no caddy here")
    file = tmp_path / "Caddyfile"
    file.write_text(read_block("caddyfile"))
    words = [program, "validate", "--config", str(file), "--adapter", "caddyfile"]
    checked = subprocess.run(words, capture_output=True, text=True, check=False, env={"HOME": str(tmp_path)})
    assert checked.returncode == 0, checked.stderr
