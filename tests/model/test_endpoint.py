"""One endpoint: what is sent, what comes back, and every way that can go wrong, over real HTTP on the loopback interface."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from criterial.core.ports import DecisionRequest, Input, Usage
from criterial.errors import ConfigError
from criterial.model.endpoint import Endpoint, Fault, public_url
from criterial.model.exchange import Patience, Price, converse
from criterial.model.limiter import Limiter

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serve(handler: Handler, use: Callable[[str], Awaitable[Any]]) -> Any:
    """Run a server with one handler, and a coroutine against it."""

    async def body() -> Any:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            return await use(f"http://127.0.0.1:{runner.addresses[0][1]}")
        finally:
            await runner.cleanup()

    return asyncio.run(body())


def post(handler: Handler, timeout: float = 5.0, key: str = "") -> dict[str, Any]:
    async def use(url: str) -> Any:
        endpoint = Endpoint(url, key, timeout=timeout)
        try:
            return await endpoint.post("chat/completions", {"a": 1})
        finally:
            await endpoint.close()

    found: dict[str, Any] = serve(handler, use)
    return found


def fault_of(handler: Handler, **options: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        post(handler, **options)
    return caught.value


def replying(status: int, body: Any = None, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(status=status, body=raw, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return handler


def test_a_request_goes_below_v1_with_the_key_in_its_header() -> None:
    seen: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, request.path, request.headers.get("Authorization"), await request.json()))
        return web.json_response({"ok": True})

    assert post(handler, key="sk-secret") == {"ok": True}
    assert seen == [("POST", "/v1/chat/completions", "Bearer sk-secret", {"a": 1})]


@pytest.mark.parametrize(
    ("status", "body", "cause", "again"),
    [
        (429, {"error": {"message": "slow down"}}, "rate_limit", True),
        (500, {"error": "oops"}, "overloaded", True),
        (503, b"busy", "overloaded", True),
        (529, {}, "overloaded", True),
        (408, {}, "overloaded", True),
        (401, {"error": {"message": "bad key"}}, "auth", False),
        (403, {}, "auth", False),
        (400, {"error": {"message": "unknown field"}}, "bad_request", False),
        (404, {"error": {"message": "no such model"}}, "bad_request", False),
        (422, {"detail": "This model's maximum context length is 8192 tokens"}, "too_long", False),
        (413, b"", "too_long", False),
        (302, b"", "bad_request", False),
        (200, b"<html>", "malformed", True),
        (200, b"", "malformed", True),
        (200, b"[1]", "malformed", True),
        (200, b'{"a":' * 100_000, "malformed", True),
        (200, b"\xff\xfe{", "malformed", True),
    ],
)
def test_every_refusal_has_its_cause(status: int, body: Any, cause: str, again: bool) -> None:
    fault = fault_of(replying(status, body))
    assert (fault.cause, fault.again) == (cause, again)


@pytest.mark.parametrize(
    ("told", "wait"), [("2", 2.0), ("0.5", 0.5), ("99999", 120.0), ("tomorrow", 0.0), ("", 0.0), ("nan", 0.0), ("-3", 0.0), ("inf", 120.0)]
)
def test_retry_after_is_honoured_up_to_a_ceiling(told: str, wait: float) -> None:
    assert fault_of(replying(429, {}, Retry_After=told)).wait == wait


def test_retry_after_may_be_a_date() -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25.0 < fault_of(replying(429, {}, Retry_After=then)).wait <= 30.0
    assert fault_of(replying(429, {}, Retry_After="Wed, 21 Oct 2015 07:28:00 GMT")).wait == 0.0


def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    assert fault_of(handler).cause == "bad_request"
    assert asked == ["/v1/chat/completions"]


def test_nobody_listening_is_a_connection_fault() -> None:
    async def use() -> None:
        endpoint = Endpoint("http://127.0.0.1:9/v1")
        try:
            await endpoint.post("x", {})
        finally:
            await endpoint.close()

    with pytest.raises(Fault) as caught:
        asyncio.run(use())
    assert caught.value.cause == "connection"


def test_an_endless_reply_is_cut_off_by_size() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        for _ in range(40):
            await reply.write(b"x" * (1 << 20))
        return reply

    assert fault_of(handler, timeout=30.0).cause in ("too_large", "connection")


def test_a_reply_that_says_it_is_huge_is_not_read() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(headers={"Content-Length": str(1 << 40)})
        await reply.prepare(request)
        await reply.write(b"x" * (20 << 20))
        return reply

    assert fault_of(handler, timeout=30.0).cause == "too_large"


def test_a_silent_endpoint_is_given_up_in_time() -> None:
    async def handler(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    began = time.monotonic()
    assert fault_of(handler, timeout=0.3).cause == "timeout"
    assert time.monotonic() - began < 2.0


def test_a_fault_does_not_show_the_key_or_the_url_query() -> None:
    fault = fault_of(replying(401, {"error": {"message": "bad key"}}), key="sk-very-secret")
    assert "sk-very-secret" not in f"{fault} {fault!r} {fault.detail}"
    endpoint = Endpoint("http://user:word@127.0.0.1:1/v1?token=hidden", "sk-very-secret")
    assert endpoint.url == "http://127.0.0.1:1/v1"
    assert "secret" not in repr(endpoint)


@pytest.mark.parametrize("url", ["ftp://host/v1", "file:///etc/passwd", "host:8000", "", "http://"])
def test_only_http_is_an_endpoint(url: str) -> None:
    with pytest.raises(ConfigError, match="no endpoint"):
        public_url(url)


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://h:1", "http://h:1/v1"),
        ("http://h:1/", "http://h:1/v1"),
        ("https://h/openai/v1/", "https://h/openai/v1"),
        ("http://[::1]:1/v1", "http://[::1]:1/v1"),
    ],
)
def test_the_base_url_is_completed(given: str, base: str) -> None:
    assert Endpoint(given).url == base


class Asking:
    """An exchange that needs so many good replies."""

    path = model = "x"
    request = DecisionRequest(Input("", ()), ())

    def __init__(self, needed: int = 1) -> None:
        self.needed = needed
        self.sent = 0

    def payload(self) -> dict[str, Any]:
        self.sent += 1
        return {}

    def take(self, reply: Any) -> None:
        self.needed -= "good" in reply
        if self.needed:
            raise Fault("malformed")

    def fault(self, fault: Fault) -> bool:
        return False


def attempts(handler: Handler, patience: Patience, price: Price | None = None, needed: int = 1) -> tuple[Usage, Fault | None, float]:
    async def use(url: str) -> Any:
        endpoint = Endpoint(url)
        began = time.monotonic()
        try:
            usage, fault = await converse(endpoint, Limiter(8), patience, price, Asking(needed))
        finally:
            await endpoint.close()
        return usage, fault, time.monotonic() - began

    found: tuple[Usage, Fault | None, float] = serve(handler, use)
    return found


def in_turn(*replies: Handler) -> Handler:
    left = list(replies)

    async def handler(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return handler


GOOD = replying(200, {"good": 1, "usage": {"prompt_tokens": 100, "completion_tokens": 10, "prompt_tokens_details": {"cached_tokens": 40}}})


def test_whatever_is_billed_is_counted_also_when_it_could_not_be_read() -> None:
    bad = replying(200, {"bad": 1, "usage": {"prompt_tokens": 7, "completion_tokens": 3}})
    usage, fault, _ = attempts(in_turn(bad, replying(500), GOOD), Patience(base=0.001), Price(1.0, 10.0, 0.5))
    assert fault is None
    assert usage == Usage(3, 2, 107, 40, 13, pytest.approx((67 * 1.0 + 40 * 0.5 + 13 * 10.0) / 1e6))


def test_a_reply_without_a_bill_makes_the_cost_unknown() -> None:
    usage, _, _ = attempts(replying(200, {"good": 1}), Patience(), Price(1.0, 1.0))
    assert usage.money is None


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": -5, "completion_tokens": 3},
        {"prompt_tokens": 10**30, "completion_tokens": 3},
        {"prompt_tokens": "7", "completion_tokens": 3},
        {"prompt_tokens": True, "completion_tokens": 3},
        {"prompt_tokens": 7.5, "completion_tokens": 3},
        {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}},
    ],
)
def test_a_bill_that_cannot_be_makes_the_cost_unknown_and_is_not_counted(usage: dict[str, Any]) -> None:
    spent, fault, _ = attempts(replying(200, {"good": 1, "usage": usage}), Patience(), Price(1.0, 1.0))
    assert fault is None
    assert spent == Usage(1, 0, 0, 0, 0, None)


def test_retry_after_is_waited_for() -> None:
    _, fault, seconds = attempts(in_turn(replying(429, {}, Retry_After="0.4"), GOOD), Patience(base=0.001))
    assert fault is None
    assert seconds >= 0.4


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    usage, fault, seconds = attempts(replying(429, {}, Retry_After="60"), Patience(base=0.001, deadline=1.0))
    assert fault is not None and fault.cause == "rate_limit"
    assert usage.calls == 1 and seconds < 1.0


def test_a_final_fault_is_not_repeated() -> None:
    usage, fault, _ = attempts(replying(401), Patience())
    assert fault is not None and fault.cause == "auth"
    assert usage.calls == 1


def test_refusals_shrink_the_window_once_and_answers_widen_it_again() -> None:
    async def body() -> tuple[float, float, float]:
        limiter = Limiter(10)
        limiter.refused(0.0)
        after_one = limiter.window
        limiter.refused(0.0)  # of the same moment
        after_two = limiter.window
        for _ in range(20):
            limiter.answered()
        return after_one, after_two, limiter.window

    after_one, after_two, grown = asyncio.run(body())
    assert after_one == after_two == pytest.approx(7.0)
    assert after_one < grown <= 10.0


def test_no_more_are_in_flight_than_the_window_and_they_take_turns() -> None:
    async def body() -> tuple[int, list[int]]:
        limiter, most, order = Limiter(3), 0, []

        async def one(n: int) -> None:
            nonlocal most
            async with limiter:
                order.append(n)
                most = max(most, limiter.in_flight)
                await asyncio.sleep(0.001)

        await asyncio.gather(*(one(n) for n in range(30)))
        return most, order

    most, order = asyncio.run(body())
    assert most == 3
    assert order == list(range(30))


def test_one_who_stops_waiting_does_not_keep_a_place() -> None:
    async def body() -> int:
        limiter = Limiter(1)
        async with limiter:
            waiting = [asyncio.create_task(limiter.__aenter__()) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.sleep(0)
        await waiting[1]
        await limiter.__aexit__()
        await waiting[2]
        await limiter.__aexit__()
        return limiter.in_flight

    assert asyncio.run(body()) == 0
