from __future__ import annotations

import socket

import pytest

from audit import outgoing, slack_client, webhooks
from audit.models import AlertWebhook
from cliqtel_portal.accounts.models import Membership
from cliqtel_portal.errors import InvalidArguments, NotPermitted

URL = "https://hooks.slack.com/services/T1/B1/own-secret"


def resolving(monkeypatch, *answers: list[str]) -> None:
    """The resolver answers these in turn, then the last for good."""
    rest = list(answers)

    def getaddrinfo(host: str, port: int, **_kwargs: object) -> list[tuple[object, ...]]:
        found = rest.pop(0) if len(rest) > 1 else rest[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", getaddrinfo)


@pytest.fixture
def dialled(monkeypatch) -> list[tuple[str, int]]:
    """What was connected to; nothing answers."""
    tried: list[tuple[str, int]] = []

    def create_connection(address: tuple[str, int], _timeout: object) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(outgoing.socket, "create_connection", create_connection)
    return tried


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://hooks.slack.com/services/x", "https://"),
        ("ftp://hooks.slack.com/services/x", "https://"),
        ("https:///services/x", "host"),
        ("https://user:pass@hooks.slack.com/x", "without a user"),
        ("https://hooks.slack.com:8443/x", "own port"),
        ("https://hooks.slack.com:99999/x", "no address"),
        ("https://hooks.slack.com", "whole webhook"),
        ("https://hooks.slack.com/", "whole webhook"),
        ("https://hooks.slack.com/x#y", "whole webhook"),
        ("https://hooks.slack.com/a b", "plain characters"),
        ("https://hooks.slack.com\\@127.0.0.1/x", "plain characters"),
        ("https://hooks.släck.com/x", "plain characters"),
        ("https://hooks.slack.com/" + "x" * 500, "plain characters"),
    ],
)
def test_an_address_that_we_don_t_post_to_is_refused_with_the_reason(
    alice: Membership, url: str, said: str
) -> None:
    for refuse in (lambda: webhooks.check(url), lambda: webhooks.set_webhook(alice, url=url)):
        with pytest.raises(InvalidArguments) as refused:
            refuse()
        (problem,) = refused.value.problems
        assert said in problem.message
    assert not AlertWebhook.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "::7f00:1",
        "fec0::1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "nonsense",
    ],
)
def test_addresses_that_are_not_for_everybody(monkeypatch, address: str) -> None:
    assert not outgoing.is_public(address)
    resolving(monkeypatch, ["8.8.8.8", address])
    with pytest.raises(InvalidArguments) as refused:
        webhooks.check("https://hooks.example.com/x")
    assert "not public" in refused.value.problems[0].message


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_for_everybody(monkeypatch, address: str) -> None:
    resolving(monkeypatch, [address])
    webhooks.check("https://hooks.example.com/x")


def test_a_host_that_is_not_there_is_said_so(monkeypatch) -> None:
    def getaddrinfo(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(outgoing.socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(InvalidArguments) as refused:
        webhooks.check("https://hooks.example.com/x")
    assert refused.value.problems[0].message == "There is no such host."


def test_a_host_that_turns_private_after_it_was_set_is_not_connected_to(
    monkeypatch, dialled
) -> None:
    resolving(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    webhooks.check(URL)
    answer = slack_client.post(URL, text="x", blocks=[], guarded=True)
    assert answer.error == "The host leads to an address that is not public."
    assert not answer.may_retry
    assert dialled == []


def test_the_address_that_was_judged_is_the_one_connected_to(monkeypatch, dialled) -> None:
    resolving(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    answer = slack_client.post(URL, text="x", blocks=[], guarded=True)
    assert dialled == [("8.8.8.8", 443)]
    assert (answer.error, answer.may_retry) == ("The host could not be reached.", True)


def test_a_proxy_of_the_environment_does_not_lead_around_the_guard(monkeypatch, dialled) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    resolving(monkeypatch, ["127.0.0.1"])
    slack_client.post(URL, text="x", blocks=[], guarded=True)
    assert dialled == []


def test_the_address_is_stored_unreadable_and_read_back(alice: Membership, settings) -> None:
    webhook = webhooks.set_webhook(alice, url=URL)
    assert "own-secret" not in repr(AlertWebhook.objects.values())
    assert webhook.hint == "hooks.slack.com/…cret"
    assert "own-secret" not in repr(webhook)
    assert webhooks.url_of(alice.tenant) == URL
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another" * 10
    assert webhooks.url_of(alice.tenant) == URL
    settings.SECRET_KEY_FALLBACKS = []
    assert webhooks.url_of(alice.tenant) == ""


def test_setting_it_again_replaces_it_and_removing_it_twice_is_fine(alice: Membership) -> None:
    webhooks.set_webhook(alice, url=URL)
    webhooks.set_webhook(alice, url=URL + "2")
    assert webhooks.url_of(alice.tenant) == URL + "2"
    webhooks.remove_webhook(alice)
    webhooks.remove_webhook(alice)
    assert webhooks.url_of(alice.tenant) == ""


def test_members_may_not_and_strangers_have_their_own(
    alice: Membership, bob: Membership, mallory: Membership
) -> None:
    webhooks.set_webhook(alice, url=URL)
    with pytest.raises(NotPermitted):
        webhooks.set_webhook(bob, url=URL)
    with pytest.raises(NotPermitted):
        webhooks.remove_webhook(bob)
    webhooks.remove_webhook(mallory)
    assert webhooks.url_of(mallory.tenant) == ""
    assert webhooks.url_of(alice.tenant) == URL
