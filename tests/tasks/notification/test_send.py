"""Notices reach local receivers in the words of each kind, and no failure is more than a warning."""

from datetime import date

import pytest
from receivers import hook, mailbox

from data_contracts.evaluation import Interval
from data_contracts.notify_section import NotifySection
from tasks.notification.notice import Notice
from tasks.notification.send import send

NOTICE = Notice(
    event="published",
    dataset="shop",
    as_of=date(2026, 3, 1),
    text="wals published: ndcg@5 0.1 <b> [x](y)",
    winner="wals",
    value=Interval(0.1, 0.09, 0.11),
    report="http://127.0.0.1/report.html",
)


def receiver(kind, on=("published",)):
    return NotifySection(kind=kind, url_env="WHERE_TO", on=on)


def posted(kind, monkeypatch):
    with hook() as server:
        monkeypatch.setenv("WHERE_TO", f"http://127.0.0.1:{server.server_port}/secret")
        assert send(NOTICE, [receiver(kind)]) == []
    (body,) = server.got
    return body


def test_send__slack_gets_text_in_which_nothing_is_markup(monkeypatch):
    assert posted("slack", monkeypatch) == {
        "text": "Shelftalker: shop as of 2026-03-01 published\nwals published: ndcg@5 0.1 &lt;b&gt; [x](y)\n"
        "Report: http://127.0.0.1/report.html"
    }


def test_send__teams_gets_a_card(monkeypatch):
    (card,) = posted("teams", monkeypatch)["attachments"]

    assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert [block["text"] for block in card["content"]["body"]][
        1
    ] == "wals published: ndcg@5 0.1 <b> \\[x\\](y)"


def test_send__a_webhook_gets_all_that_is_known(monkeypatch):
    body = posted("webhook", monkeypatch)

    assert (body["event"], body["as_of"], body["winner"]) == ("published", "2026-03-01", "wals")
    assert body["value"] == {"value": 0.1, "low": 0.09, "high": 0.11}


def test_send__a_mail_server_gets_a_mail(monkeypatch):
    with mailbox() as server:
        where = f"smtp://127.0.0.1:{server.server_address[1]}/?from=shop@example.org&to=a@example.org&to=b@example.org"
        monkeypatch.setenv("WHERE_TO", where)
        assert send(NOTICE, [receiver("email")]) == []
    (mail,) = server.got

    assert "Subject: Shelftalker: shop as of 2026-03-01 published" in mail
    assert "To: a@example.org, b@example.org" in mail
    assert "Report: http://127.0.0.1/report.html" in mail


def test_send__is_quiet_about_endings_that_nobody_asked_for(monkeypatch):
    monkeypatch.delenv("WHERE_TO", raising=False)

    assert send(NOTICE, [NotifySection(kind="slack", url_env="WHERE_TO")]) == []


@pytest.mark.parametrize(
    ("kind", "address", "why"),
    [
        ("slack", "", "the variable is not set"),
        ("slack", "http://127.0.0.1:1/SECRET", "Connection refused"),
        ("slack", "file:///etc/SECRET", "no http:// or https:// address"),
        ("slack", "http://127.0.0.1:SECRET/", "ValueError|InvalidURL"),
        ("slack", "http://[SECRET", "ValueError"),
        ("email", "https://SECRET", "it holds no smtps://"),
        ("email", "smtp://127.0.0.1:1/?from=SECRET&to=a", "Connection refused"),
    ],
)
def test_send__what_fails_is_a_warning_without_the_address(monkeypatch, kind, address, why):
    monkeypatch.setenv("WHERE_TO", address)
    (warning,) = send(NOTICE, [receiver(kind)])

    assert any(each in warning for each in why.split("|"))
    assert "WHERE_TO" in warning
    assert "SECRET" not in warning


@pytest.mark.parametrize("status", [302, 404, 500])
def test_send__an_answer_other_than_success_is_a_warning(monkeypatch, status):
    with hook(status) as server:
        monkeypatch.setenv("WHERE_TO", f"http://127.0.0.1:{server.server_port}/")
        (warning,) = send(NOTICE, [receiver("webhook")])

    assert f"it answers {status}" in warning
    assert len(server.got) == 1


def test_send__no_password_goes_over_a_line_without_tls(monkeypatch):
    with mailbox() as server:
        monkeypatch.setenv(
            "WHERE_TO",
            f"smtp://u:SECRET@127.0.0.1:{server.server_address[1]}/?from=a@example.org&to=b@example.org",
        )
        (warning,) = send(NOTICE, [receiver("email")])

    assert "a password is not sent without" in warning
    assert not server.got
