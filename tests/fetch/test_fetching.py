"""What is named is fetched, within limits; nothing else is, whatever its name, its redirects or its resolver say.

reliability.md figure 18: attempts to connect are counted at the socket, and real listeners stand at the addresses that must not be reached.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

import criterial as cr
import criterial.cli.grade
from criterial.cli.main import main
from criterial.core.task import Media
from criterial.errors import ConfigError, FormatError
from criterial.formats.fetch_policy import Address, FetchPolicy, is_public
from criterial.formats.fetching import Fetcher
from criterial.formats.load import read_cases, read_responses
from criterial.formats.media import Sources, read_media, read_text
from tests.fetch.server import Script, Server, once, reply, serving
from tests.helpers_files import write
from tests.helpers_images import GIF, JPEG, PNG, WEBP, png

HOME = "127.0.0.9"
"""The one address that counts as public here."""
INSIDE = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
"""Where listeners stand that nobody may reach."""

SCHEMES = """
file:///etc/passwd | file://localhost/etc/passwd | ftp://127.0.0.1:{port}/ | gopher://127.0.0.1:{port}/_GET | dict://127.0.0.1:{port}/ |
ldap://127.0.0.1:{port}/ | jar:http://127.0.0.1:{port}/a.jar!/b | netdoc:///etc/passwd | ws://127.0.0.1:{port}/ |
HTTP+unix://%2Fvar%2Frun/x | tftp://127.0.0.1:{port}/ | sftp://127.0.0.1:{port}/
"""
LITERALS = """
http://127.0.0.1:{port}/ | http://127.0.0.2:{port}/ | http://127.1:{port}/ | http://127.0.1:{port}/ | http://2130706433:{port}/ |
http://0x7f000001:{port}/ | http://0x7f.0.0.1:{port}/ | http://0x7f.1:{port}/ | http://017700000001:{port}/ | http://0177.0.0.1:{port}/ |
http://0177.0x0.0.1:{port}/ | http://127.000.000.001:{port}/ | http://0.0.0.0:{port}/ | http://0:{port}/ | http://00.0.0.0:{port}/ |
http://[::1]:{port}/ | http://[::]:{port}/ | http://[0:0:0:0:0:0:0:1]:{port}/ | http://[::ffff:127.0.0.1]:{port}/ |
http://[::ffff:7f00:1]:{port}/ | http://[::127.0.0.1]:{port}/ | http://[64:ff9b::7f00:1]:{port}/ | http://[2002:7f00:1::]:{port}/ |
http://[2001:0:7f00:1::1]:{port}/ | http://[fe80::1]:{port}/ | http://[fe80::1%25lo]:{port}/ | http://[fd00::1]:{port}/ |
http://[fec0::1]:{port}/ | http://169.254.169.254:{port}/latest/meta-data/ | http://[::ffff:169.254.169.254]:{port}/ |
http://[fd00:ec2::254]:{port}/ | http://100.64.0.1:{port}/ | http://100.100.100.200:{port}/ | http://10.0.0.1:{port}/ |
http://172.16.0.1:{port}/ | http://192.168.0.1:{port}/ | http://192.0.0.192:{port}/ | http://198.18.0.1:{port}/ | http://224.0.0.1:{port}/ |
http://255.255.255.255:{port}/ | http://[ff02::1]:{port}/ | http://240.0.0.1:{port}/
"""
NAMES = """
http://localhost:{port}/ | http://LOCALHOST:{port}/ | http://localhost.:{port}/ | http://inside.test:{port}/ | http://two.test:{port}/ |
http://mapped.test:{port}/ | http://metadata.google.internal:{port}/
"""
TRICKS = """
http://pictures.test@127.0.0.1:{port}/ | http://pictures.test:80@127.0.0.1:{port}/ | http://127.0.0.1:{port}#@pictures.test/ |
http://127.0.0.1:{port}?@pictures.test/ | http://127.0.0.1:{port}\\@pictures.test/ | http:\\\\127.0.0.1:{port}\\ | http:/127.0.0.1:{port}/ |
http:127.0.0.1:{port} | //127.0.0.1:{port}/ | http://１２７.0.0.1:{port}/ | http://127。0。0。1:{port}/ | http://ⓛocalhost:{port}/ |
http://127.0.0.1%2f@pictures.test:{port}/ | http://127.0.0.1:{port}%00.pictures.test/ | http://pictures.test%20@127.0.0.1:{port}/ |
http://127.0.0.1\t:{port}/ | http://127.0.0.1\n.pictures.test:{port}/ | http://pictures.test.127.0.0.1.nip.test:{port}/ | http://:{port}/ |
http://127.0.0.1:99999/ | http://[::1:{port}/ | http:///127.0.0.1:{port}/
"""
URLS = [u.strip(" \r").removeprefix("\n").removesuffix("\n") for part in (SCHEMES, LITERALS, NAMES, TRICKS) for u in part.split("|")]
ADDRESSES = {"pictures.test": [HOME], "two.test": [HOME, "127.0.0.1"], "mapped.test": ["::ffff:127.0.0.1"]}


def resolve(host: str, port: int) -> list[str]:
    """Answer for this test's names; what looks like a number goes to the system, which knows all ways to write an address."""
    if host in ADDRESSES:
        return ADDRESSES[host]
    if host[0].isdigit() or ":" in host:
        return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)]
    return ["127.0.0.1"]


def reachable(address: Address) -> bool:
    return address == ip_address(HOME) or is_public(address)


def policy_for(*hosts: str, **limits: Any) -> FetchPolicy:
    return FetchPolicy(hosts, **{"resolve": resolve, "reachable": reachable, **limits})


class Anywhere(FetchPolicy):
    """A policy that names all hosts there are, so that addresses alone decide."""

    def allows(self, url: URL) -> bool:
        return True


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address that a connection is tried to, but the one that counts as public."""
    tried: list[str] = []
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] != HOME:
            tried.append(str(address[0]))
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


def image(address: str, policy: FetchPolicy) -> Media:
    return read_media(address, Sources(fetcher=Fetcher(policy)), "media[0]")


def fault_of(script: Script, most_seconds: float = 3.0, text: bool = False, **limits: Any) -> tuple[FormatError, Server]:
    """Return the error that fetching from a scripted host ends in, and the host; it must come soon."""
    with serving(script, HOME) as server:
        policy = policy_for(f"http://pictures.test:{server.port}", **limits)
        address, read = f"http://pictures.test:{server.port}/a", read_text if text else read_media
        began = time.monotonic()
        with pytest.raises(FormatError) as caught:
            read(address, Sources(fetcher=Fetcher(policy)), "at")
        assert time.monotonic() - began < most_seconds
    assert caught.value.path == "at" and caught.value.hint
    return caught.value, server


def test_over_60_urls_reach_nothing_directly_or_by_a_redirect(attempts: list[str]) -> None:
    assert len(set(URLS)) >= 60
    target = [""]

    async def redirect(_target: str) -> AsyncIterator[bytes]:
        yield reply(status=302, Location=target[0].replace("\n", " "))

    with ExitStack() as stack:
        first = stack.enter_context(serving(once(reply(PNG)), INSIDE[0]))
        listeners = [first, *(stack.enter_context(serving(once(reply(PNG)), a, first.port)) for a in (*INSIDE[1:], "::1"))]
        home = stack.enter_context(serving(redirect, HOME))
        start = f"http://pictures.test:{home.port}/"
        policies = [policy_for("other.test", f"http://pictures.test:{home.port}")]
        policies.append(Anywhere(("all",), resolve=resolve, reachable=reachable))
        for url in URLS:
            target[0] = url.format(port=first.port)
            for policy in policies:
                for address in (target[0], start):
                    came = len(home.came)
                    with pytest.raises(FormatError) as caught:
                        Fetcher(policy).get(address)
                    assert caught.value.hint, url
                    assert (len(home.came) > came) == (address == start), url
        assert [len(s.came) for s in listeners] == [0] * len(listeners)
    assert attempts == []


def test_the_listeners_can_be_reached_where_they_are_named_and_count_as_public(attempts: list[str]) -> None:
    # so that the test above can fail: the same listeners, found in five of the same ways
    with serving(once(reply(PNG)), INSIDE[0]) as listener:
        anywhere = Anywhere(("all",), resolve=resolve, reachable=lambda address: True)
        for url in ("http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://inside.test:{port}/", "http://LOCALHOST:{port}/"):
            assert image(url.format(port=listener.port), anywhere).data == PNG
    assert len(attempts) == 4


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "100.63.255.255", "100.128.0.0", "172.32.0.1"],
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("address", ["64:ff9b:1::808:808", "2002:808:808::1", "2001:0:808:808::1", "::8.8.8.8", "192.88.99.1", "4000::1"])
def test_tunnels_and_what_is_given_to_nobody_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


def test_a_name_that_changes_its_address_after_the_check_is_connected_to_what_was_checked(attempts: list[str]) -> None:
    answers: list[str] = []

    def rebinding(_host: str, _port: int) -> list[str]:
        answers.append(HOME if not answers else "127.0.0.1")
        return answers[-1:]

    async def again(target: str) -> AsyncIterator[bytes]:
        yield reply(PNG) if target == "/once" else reply(status=302, Location="/once")

    with serving(again, HOME) as home, serving(once(reply(PNG)), "127.0.0.1", home.port) as inside:
        policy = policy_for(f"http://pictures.test:{home.port}", resolve=rebinding)
        assert image(f"http://pictures.test:{home.port}/once", policy).data == PNG
        assert answers == [HOME]
        answers.clear()
        with pytest.raises(FormatError, match=r"127\.0\.0\.1, which is no public address"):
            image(f"http://pictures.test:{home.port}/again", policy)
        assert answers == [HOME, "127.0.0.1"]
        assert (len(home.came), len(inside.came), attempts) == (2, 0, [])


def test_a_name_with_one_address_inside_is_not_connected_to_at_all(attempts: list[str]) -> None:
    with serving(once(reply(PNG)), HOME) as home:
        with pytest.raises(FormatError, match=r"leads to 127\.0\.0\.1"):
            image(f"http://two.test:{home.port}/", policy_for(f"http://two.test:{home.port}"))
        assert (home.came, attempts) == ([], [])


def test_a_user_and_a_password_in_a_url_are_sent_to_nobody() -> None:
    with serving(once(reply(PNG)), HOME) as home:
        for user in ("me@", "me:hunter2@", ":hunter2@"):
            with pytest.raises(FormatError, match="not a URL that can be fetched"):
                image(f"http://{user}pictures.test:{home.port}/", policy_for(f"http://pictures.test:{home.port}"))
        assert home.came == []


def test_redirects_are_followed_three_times_and_only_to_hosts_that_were_named() -> None:
    async def chain(target: str) -> AsyncIterator[bytes]:
        left = int(target.strip("/"))
        yield reply(PNG) if left == 0 else reply(status=(301, 302, 303, 307, 308)[left % 5], Location=f"/{left - 1}", Set_Cookie="a=b")

    with serving(chain, HOME) as home:
        root = f"http://pictures.test:{home.port}"
        assert image(f"{root}/3", policy_for(root)).data == PNG
        assert len(home.came) == 4 and not any("cookie" in c.lower() or "referer" in c.lower() for c in home.came)
        for steps in (4, 50):
            with pytest.raises(FormatError, match="redirects more than 3 times"):
                image(f"{root}/{steps}", policy_for(root))
        assert len(home.came) == 12
    refused = {"http://other.test/a": "http://other.test is not among", "": "not a URL", "https://pictures.test/": "not among"}
    for location, says in refused.items():
        assert says in str(fault_of(once(reply(status=302, Location=location)))[0])


def test_https_is_meant_unless_http_is_written() -> None:
    with serving(once(reply(PNG)), HOME) as home:
        for named in ("pictures.test", f"pictures.test:{home.port}", f"https://pictures.test:{home.port}", "http://pictures.test"):
            with pytest.raises(FormatError, match="not among") as caught:
                image(f"http://pictures.test:{home.port}/a.png", policy_for(named))
            assert "--fetch HOST" in caught.value.hint
        assert home.came == []
        with pytest.raises(FormatError, match="took longer"):  # encryption is spoken, which this host does not know
            image(f"https://pictures.test:{home.port}/a.png", policy_for(f"pictures.test:{home.port}", seconds=0.5))
        assert home.came == [""]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed, which makes the certificate")
def test_a_certificate_must_be_trusted_and_be_the_hosts(tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    made += ["-subj", "/CN=pictures.test", "-addext", "subjectAltName=DNS:pictures.test", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(made, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    program = (
        "import sys\nfrom criterial.formats.fetching import Fetcher\nfrom criterial.formats.fetch_policy import FetchPolicy\n"
        "for host in ('pictures.test', 'other.test'):\n"
        f"    policy = FetchPolicy((host + ':' + sys.argv[1],), resolve=lambda h, p: ['{HOME}'], reachable=lambda a: True)\n"
        "    try:\n        print(len(Fetcher(policy).get(f'https://{host}:{sys.argv[1]}/a').data))\n"
        "    except ValueError as error:\n        print(str(error).splitlines()[0])\n"
    )
    with serving(once(reply(PNG)), HOME, tls=tls) as home:
        found = []
        for trusted in ({"SSL_CERT_FILE": str(cert)}, {}):
            command = [sys.executable, "-c", program, str(home.port)]
            found += subprocess.run(command, env={**os.environ, **trusted}, capture_output=True, text=True, check=True).stdout.splitlines()
    refused = "cannot be reached, or broke off: ClientConnectorCertificateError"
    assert found == [str(len(PNG)), f"other.test {refused}", f"pictures.test {refused}", f"other.test {refused}"]


def test_neither_proxies_nor_passwords_of_the_surroundings_are_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text("machine pictures.test login me password hunter2\n")
    (tmp_path / ".netrc").chmod(0o600)
    with serving(once(reply(PNG)), "127.0.0.1") as proxy, serving(once(reply(PNG)), HOME) as home:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        root = f"http://pictures.test:{home.port}"
        assert image(f"{root}/a.png", policy_for(root)).data == PNG
        assert proxy.came == []
        (asked,) = home.came
    assert "authorization" not in asked.lower() and "Accept-Encoding: identity" in asked


async def silence(_target: str) -> AsyncIterator[bytes]:
    yield b""
    await asyncio.sleep(60)


async def dripping_head(_target: str) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 Said\r\n"
    while True:
        yield b"X: y\r\n"
        await asyncio.sleep(0.05)


async def dripping_body(_target: str) -> AsyncIterator[bytes]:
    yield reply(PNG, Content_Length="10000")
    while True:
        yield b"a"
        await asyncio.sleep(0.05)


async def endless_interims(_target: str) -> AsyncIterator[bytes]:
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 50
        await asyncio.sleep(0.001)


async def slow_redirects(_target: str) -> AsyncIterator[bytes]:
    await asyncio.sleep(0.3)
    yield reply(status=302, Location="/more")


@pytest.mark.parametrize("script", [silence, dripping_head, dripping_body, endless_interims, slow_redirects], ids=lambda s: s.__name__)
def test_no_host_takes_longer_than_the_deadline(script: Script) -> None:
    error, _ = fault_of(script, seconds=0.5)
    assert "took longer than 0.5 seconds" in str(error)


def test_a_look_up_that_hangs_ends_with_the_deadline() -> None:
    def hangs(_host: str, _port: int) -> list[str]:
        time.sleep(1.5)
        return [HOME]

    error, server = fault_of(once(reply(PNG)), most_seconds=1.2, seconds=0.3, resolve=hangs)
    assert "took longer" in str(error) and server.came == []


async def endless_body(_target: str) -> AsyncIterator[bytes]:
    yield reply(PNG, Content_Length=str(1 << 40)).replace(b"Content-Length", b"X-Length")
    while True:
        yield bytes(1 << 20)


async def endless_chunks(_target: str) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 Said\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"100000\r\n" + bytes(1 << 20) + b"\r\n"


async def endless_head(_target: str) -> AsyncIterator[bytes]:
    yield b"HTTP/1.1 200 Said\r\n"
    for number in range(1 << 20):
        yield b"".join(b"X-%d-%d: y\r\n" % (number, n) for n in range(1000))


async def gzip_bomb(_target: str) -> AsyncIterator[bytes]:
    yield reply(b"", Content_Encoding="gzip", Transfer_Encoding="chunked").replace(b"Content-Length: 0\r\n", b"")
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    for _ in range(1024):
        if part := packer.compress(bytes(1 << 20)):
            yield b"%x\r\n" % len(part) + part + b"\r\n"


def long_told(_target: str) -> AsyncIterator[bytes]:
    return once(reply(PNG, Content_Length=str(1 << 30)))(_target)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (endless_body, "more than 20 MB"),
        (endless_chunks, "more than 20 MB"),
        (endless_head, "broke off"),
        (gzip_bomb, "sends it compressed"),
        (long_told, "more than 20 MB"),
    ],
    ids=lambda s: getattr(s, "__name__", ""),
)
def test_what_is_too_much_is_given_up_in_bounded_memory(script: Script, says: str) -> None:
    tracemalloc.start()
    try:
        error, server = fault_of(script, most_seconds=10.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert says in str(error)
    assert server.sent < 40 << 20 and peak < 80 << 20


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:PORT5/in.png"/><script>alert(1)</script></svg>'
ZIP = b"PK\x05\x06" + bytes(18)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (reply(png(50_000, 50_000)), "2500 million pixels"),
        (reply(SVG, "image/svg+xml"), "not a PNG"),
        (reply(SVG), "not a PNG"),
        (reply(b"<html>" + PNG), "not a PNG"),
        (reply(PNG + ZIP), "22 bytes of something else"),
        (reply(GIF + b"/*", "image/gif"), "2 bytes of something else"),
        (reply(JPEG + b"<script>", "image/jpeg"), "8 bytes of something else"),
        (reply(WEBP + b"%PDF-1.4", "image/webp"), "8 bytes of something else"),
        (reply(zlib.compress(PNG)), "not a PNG"),
        (reply(PNG[:-9]), "cut off"),
        (reply(PNG, "text/html"), "said to be text/html, but is image/png"),
        (reply(PNG, "image/jpeg"), "said to be image/jpeg, but is image/png"),
        (reply(PNG, "application/octet-stream"), "said to be application/octet-stream"),
        (reply(PNG, Content_Encoding="br"), "sends it compressed"),
        (reply(PNG, Content_Length="10"), " off"),
        (reply(PNG, Content_Length="1000"), "broke off"),
        (reply(PNG, Content_Length="-5"), "broke off"),
        (reply(b""), "not a PNG"),
        (reply(PNG, status=206), "HTTP 206"),
        (reply(PNG, status=404), "HTTP 404"),
        (reply(b"secret of the page", status=500), "HTTP 500"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "broke off"),
        (b"", "broke off"),
    ],
    ids=lambda v: v if isinstance(v, str) else None,
)
def test_what_is_no_plain_image_is_refused(sent: bytes, says: str) -> None:
    with serving(once(reply(PNG)), "127.0.0.1") as inside:
        error, _ = fault_of(once(sent.replace(b"PORT5", b"%05d" % inside.port)))
        assert inside.came == []
    assert says in str(error) and "secret" not in str(error)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (reply(b"<p>Paris</p>", "text/html"), "text/html is no plain text"),
        (reply(b"Paris", "text/plain; charset=utf-16"), "utf-16 is no plain text"),
        (reply(b"\xff\xfe", "text/plain"), "not UTF-8"),
        (reply(b"a\0b", "text/plain"), "NUL"),
        (reply(PNG), "image/png is no plain text"),
    ],
    ids=lambda v: v if isinstance(v, str) else None,
)
def test_what_is_no_plain_text_is_no_reference(sent: bytes, says: str) -> None:
    assert says in str(fault_of(once(sent), text=True)[0])


@pytest.mark.parametrize(
    "named", ["", "a b", "*", "ftp://h", "h/path", "u@h", "http://u:p@h", "2130706433", "127.1", "0x7f.1", "h:", "h:123456", "http://"]
)
def test_a_host_is_written_in_one_way(named: str) -> None:
    with pytest.raises(ConfigError, match="no host"):
        FetchPolicy((named,))
    with pytest.raises(ConfigError, match="no host to fetch from"):
        FetchPolicy(())


def test_an_error_shows_neither_path_nor_query_which_may_hold_a_key() -> None:
    for url in ("https://h.test/p?key=hunter2", "https://me:hunter2@h.test/", "http://h.test:81/hunter2"):
        with pytest.raises(FormatError) as caught:
            Fetcher(policy_for("pictures.test")).get(url)
        assert "hunter2" not in str(caught.value)


async def pages(target: str) -> AsyncIterator[bytes]:
    """A host with an image and a page."""
    yield reply(PNG) if target.startswith("/chart.png") else reply("\ufeffParis, naïvely".encode(), "text/plain; charset=UTF-8")


CASE = {"id": "t", "prompt": "Capital?", "rubric": ["Names Paris"], "responses": [{"id": "r", "text": "Paris"}]}


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".yaml", ".toml"])
def test_media_and_references_are_fetched_once_wherever_they_stand(suffix: str, tmp_path: Path) -> None:
    with serving(pages, HOME) as home:
        root = f"http://pictures.test:{home.port}"
        turn = {"role": "user", "content": [{"text": "Ask"}, {"image_url": {"url": f"{root}/chart.png?x=1#f"}}]}
        case = {"id": "t", "messages": [turn], "media": [{"url": f"{root}/chart.png?x=1#f", "name": "chart"}], "rubric": ["a"]}
        case |= {"references": ["Rome", {"url": f"{root}/page"}], "responses": [{"text": "x", "media": [f"{root}/chart.png?x=1#f"]}]}
        path = write(tmp_path, f"c{suffix}", case)
        with pytest.raises(FormatError, match="web addresses are not fetched") as caught:
            read_cases(path)
        assert "--fetch HOST" in caught.value.hint and caught.value.file and home.came == []
        (made,) = cr.load_cases(path, fetch=policy_for(root))
        assert cr.load_cases([case], fetch=policy_for(root)) == [made]
        assert len(home.came) == 4
    assert [(m.name, m.data) for m in made.task.messages[0].media] == [("chart.png", PNG), ("chart", PNG)]
    assert made.responses[0].messages[0].media[0].digest == made.task.messages[0].media[0].digest
    assert made.task.references == ("Rome", "Paris, naïvely")


def test_a_file_of_responses_may_name_images_too(tmp_path: Path) -> None:
    with serving(pages, HOME) as home:
        root = f"http://pictures.test:{home.port}"
        lines = write(tmp_path, "r.jsonl", [{"task": "t", "text": "x", "media": [f"{root}/chart.png"]}])
        (made,) = cr.load_cases([CASE], responses=lines, fetch=policy_for(root))
        assert made.responses[0].messages[0].media[0].data == PNG
        with pytest.raises(FormatError, match="not fetched"):
            read_responses(lines, [made])


def test_a_page_that_changed_is_another_run_and_the_same_page_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = ["Paris"]

    async def script(_target: str) -> AsyncIterator[bytes]:
        yield reply(page[0].encode(), "text/plain")

    with serving(script, HOME) as home:
        root = f"http://pictures.test:{home.port}"
        path = write(tmp_path, "c.jsonl", {**CASE, "reference": {"url": f"{root}/page"}})
        monkeypatch.setattr(criterial.cli.grade, "FetchPolicy", functools.partial(FetchPolicy, resolve=resolve, reachable=reachable))

        def graded(*options: str) -> dict[str, Any]:
            with pytest.raises(SystemExit) as left:
                main(["grade", str(path), "--quiet", "--json", *options])
            assert left.value.code in (0, None), capsys.readouterr().err
            shown: dict[str, Any] = json.loads(capsys.readouterr().out)
            return shown

        first, again = graded("--fetch", root), graded("--fetch", root)
        assert first["run"] == again["run"]
        assert cr.open_run("last").cases[0].task.references == ("Paris",)
        page[0] = "Paris, the city of light"
        assert graded("--fetch", root)["run"] != first["run"]
        with pytest.raises(SystemExit) as left:
            main(["grade", str(path), "--quiet"])
        assert left.value.code == 2 and "--fetch HOST" in capsys.readouterr().err
        assert len(home.came) == 3


def test_a_policy_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy_for("h.test").hosts = ("other",)  # type: ignore[misc]
