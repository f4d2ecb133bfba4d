"""Send a notice to every receiver of a dataset file. It never raises: a run is not worth less because nobody was told."""

import json
import os
import smtplib
import ssl
from collections.abc import Iterable
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from data_contracts.errors import ConfigurationError
from data_contracts.notify_section import NotifySection
from tasks.notification.notice import BODIES, Notice, mail

TIMEOUT_SECONDS = 10.0
SMTPS_PORT, SUBMISSION_PORT = 465, 587


class _NoRedirect(HTTPRedirectHandler):
    """Whoever redirects a secret address would be told it."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""


def send(notice: Notice, receivers: Iterable[NotifySection]) -> list[str]:
    """Tell those who want to know of this ending.

    Returns
    -------
    For each receiver that could not be told a warning, which never repeats its address.

    """
    warnings = []
    for each in receivers:
        if notice.event not in each.on:
            continue
        try:
            _send_one(notice, each)
        except (OSError, HTTPException, ValueError, smtplib.SMTPException, ConfigurationError) as error:
            warnings.append(
                f"no notification went to {each.kind} (address in {each.url_env}): {_why(error)}; the run is as it is"
            )
    return warnings


def _send_one(notice: Notice, receiver: NotifySection) -> None:
    url = os.environ.get(receiver.url_env, "").strip()
    if not url:
        raise ConfigurationError("the variable is not set")
    if receiver.kind == "email":
        _mail(notice, urlsplit(url))
    else:
        _post(url, BODIES[receiver.kind](notice))


def _post(url: str, body: dict[str, Any]) -> None:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ConfigurationError("it holds no http:// or https:// address")
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "shelftalker"}
    request = Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - the scheme was looked at
    with build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS):
        pass


def _mail(notice: Notice, url: SplitResult) -> None:
    given = parse_qs(url.query)
    sender, receivers = given.get("from", []), given.get("to", [])
    if url.scheme not in {"smtp", "smtps"} or not url.hostname or len(sender) != 1 or not receivers:
        raise ConfigurationError("it holds no smtps://USER:PASSWORD@HOST/?from=ADDRESS&to=ADDRESS")
    message = mail(notice, sender[0], receivers)
    with _connected(url) as server:
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)


def _connected(url: SplitResult) -> smtplib.SMTP:
    """A mail server, over TLS unless it offers none and no password is sent."""
    context, host = ssl.create_default_context(), str(url.hostname)
    if url.scheme == "smtps":
        return smtplib.SMTP_SSL(host, url.port or SMTPS_PORT, timeout=TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(host, url.port or SUBMISSION_PORT, timeout=TIMEOUT_SECONDS)
    try:
        _encrypt(server, context, has_password=bool(url.username))
    except BaseException:
        server.close()
        raise
    return server


def _encrypt(server: smtplib.SMTP, context: ssl.SSLContext, *, has_password: bool) -> None:
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=context)
    elif has_password:
        raise ConfigurationError("the mail server offers no TLS, and a password is not sent without")


def _why(error: BaseException) -> str:
    """What went wrong, in words that cannot hold an address or a password."""
    if isinstance(error, ConfigurationError):
        return str(error)
    if isinstance(error, HTTPError):
        return f"it answers {error.code}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server answers {error.smtp_code}"
    reason = error.reason if isinstance(error, URLError) else error
    return (reason.strerror if isinstance(reason, OSError) else None) or type(reason).__name__
