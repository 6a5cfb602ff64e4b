"""HTTP: the webhook and the dead-man ping. No redirect is followed: it would carry the secret somewhere else."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import IO, Any

import msgspec

from engine.notify.channels import DeliveryFailed
from engine.notify.message import Message

_MAY_PASS = frozenset({401, 403, 404, 407, 408, 421, 423, 425, 429})
"""Answers of the 4xx that another attempt at the same message may not get: a proxy that restarts says 404, too."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        return None


def post(url: str, headers: Mapping[str, str], message: Message, seconds: float) -> str:
    """POST the message as JSON. DeliveryFailed unless it is answered with 2xx; OSError when there is no answer."""
    data = msgspec.json.encode(message.as_json())
    more = {"Content-Type": "application/json", "Idempotency-Key": message.notice.id, **headers}
    return _ask("POST", url, more, data, seconds)


def ping(method: str, url: str, seconds: float) -> str:
    """The dead-man ping; as :func:`post`."""
    return _ask(method, url, {}, b"" if method == "POST" else None, seconds)


def _ask(method: str, url: str, headers: Mapping[str, str], data: bytes | None, seconds: float) -> str:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise DeliveryFailed("the URL is no web address: http:// or https://")
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        request = urllib.request.Request(  # noqa: S310 - the scheme was looked at above
            url, data=data, headers={"User-Agent": "abaco-ops", **headers}, method=method
        )
        with opener.open(request, timeout=seconds) as answer:
            return f"answered {answer.status}"
    except urllib.error.HTTPError as error:
        error.close()
        raise DeliveryFailed(_answered(error.code), refused=_for_good(error.code)) from None
    except urllib.error.URLError as error:
        reason = error.reason
        said = reason.strerror if isinstance(reason, OSError) and reason.strerror else type(reason).__name__
        raise DeliveryFailed(f"cannot be reached: {said}") from None
    except TimeoutError:
        raise DeliveryFailed("no answer in time") from None
    except (http.client.HTTPException, ValueError) as error:  # their texts repeat the URL
        raise DeliveryFailed(f"is no usable address or answer: {type(error).__name__}") from None


def _for_good(code: int) -> bool:
    """Whether the answer is about the message; others are about the address, the credentials or the moment."""
    return 400 <= code < 500 and code not in _MAY_PASS


def _answered(code: int) -> str:
    """In our own words: a reason phrase comes from the other side."""
    words = http.client.responses.get(code, "")
    more = ": give the address that it leads to" if 300 <= code < 400 else ""
    return f"answered {code} {words}".strip() + more
