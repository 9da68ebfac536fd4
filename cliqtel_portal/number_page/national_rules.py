"""What differs by the country of a number: whom one calls for help, what senders must register."""

from __future__ import annotations

from dataclasses import dataclass

from cliqtel_portal.countries import country_name

_EUROPE = "emergency-address-112-europe"
_NORTH_AMERICA = "emergency-calls-e911-united-states"
_BY_112 = {
    *("AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HR"),
    *("HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE"),
    *("SI", "SK"),
}
# Besides 112.
_ALSO = {"GB": "999", "IE": "999", "DE": "110", "FR": "15, 17 and 18", "IT": "113, 115 and 118"}
_ELSEWHERE = {"US": "911", "CA": "911", "AU": "000", "NZ": "111", "JP": "110 and 119"}


@dataclass(frozen=True, kw_only=True)
class EmergencyRule:
    """`article` is the slug of the guide to it, "" where there is none."""

    call: str
    article: str


@dataclass(frozen=True, kw_only=True)
class SenderRule:
    """`must_register`: before the first message from such a number."""

    must_register: bool
    sentence: str
    article: str


def emergency_rule(country: str) -> EmergencyRule:
    if country in _BY_112:
        also = _ALSO.get(country)
        return EmergencyRule(call=f"112 or {also}" if also else "112", article=_EUROPE)
    article = _NORTH_AMERICA if country in {"US", "CA"} else ""
    return EmergencyRule(
        call=_ELSEWHERE.get(country, "the emergency number of the country"), article=article
    )


def sender_rule(country: str, number_type: str) -> SenderRule:
    """For messages from a number of that country; rules of receivers' countries come on top."""
    if country == "US" and number_type == "local":
        return SenderRule(
            must_register=True,
            sentence="US carriers block business messages from a local number that belongs to no"
            " registered brand and campaign (10DLC).",
            article="sms-10dlc-brand-and-campaign",
        )
    if country == "US" and number_type == "toll_free":
        return SenderRule(
            must_register=True,
            sentence="US carriers block messages from a toll-free number until it is verified.",
            article="sms-sender-ids-by-country",
        )
    return SenderRule(
        must_register=False,
        sentence=f"{country_name(country)}: nothing to register for a number that sends. Some"
        " countries of receivers ask for it: look before you send to a new one.",
        article="sms-sender-ids-by-country",
    )
