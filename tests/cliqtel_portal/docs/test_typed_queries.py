"""What people type, with typos and abbreviations, and the article that answers it."""

from __future__ import annotations

import pytest

from cliqtel_portal.docs.services import search

FIRST = {
    "cant hear caller": "one-way-audio",
    "one way audoi": "one-way-audio",
    "no sound on call": "one-way-audio",
    "teams direct routng": "trunk-teams-direct-routing",
    "microsoft teams sbc": "trunk-teams-direct-routing",
    "10dlc": "sms-10dlc-brand-and-campaign",
    "10 dlc campain": "sms-10dlc-brand-and-campaign",
    "campaign registry brand": "sms-10dlc-brand-and-campaign",
    "stop messages": "sms-opt-out-stop",
    "unsubscribe sms": "sms-opt-out-stop",
    "optout": "sms-opt-out-stop",
    "401 register": "sip-registration-errors",
    "sip 403 forbidden": "sip-registration-errors",
    "408 timeout trunk": "sip-registration-errors",
    "trunk wont register 401 unauthorized": "sip-registration-errors",
    "loa": "port-numbers-into-cliqtel",
    "letter of authorization": "port-numbers-into-cliqtel",
    "bring my number to cliqtel": "port-numbers-into-cliqtel",
    "port number germany": "port-numbers-germany",
    "rufnummernmitnahme": "port-numbers-germany",
    "nummerbehoud": "port-numbers-netherlands",
    "port uk number ofcom": "port-numbers-united-kingdom",
    "cancel port": "port-out-and-cancel-a-port",
    "leave cliqtel": "port-out-and-cancel-a-port",
    "how do i move my number to another provider": "port-out-and-cancel-a-port",
    "e911 dispatchable location": "emergency-calls-e911-united-states",
    "karis law": "emergency-calls-e911-united-states",
    "112 emergency adress": "emergency-address-112-europe",
    "emergency calls from home": "emergency-address-112-europe",
    "claude connect": "ai-access-connect-claude",
    "conect claude code": "ai-access-connect-claude",
    "chatgpt connector": "ai-access-connect-chatgpt-and-openai",
    "openai responses api": "ai-access-connect-chatgpt-and-openai",
    "vs code": "ai-access-connect-copilot-studio-cursor-vscode",
    "copilot studo": "ai-access-connect-copilot-studio-cursor-vscode",
    "429 retry after": "ai-access-rate-limits-and-errors",
    "quota exceeded": "ai-access-rate-limits-and-errors",
    "revoke token": "ai-access-tokens-and-scopes",
    "rotate api key": "ai-access-tokens-and-scopes",
    "approve order": "ai-access-approvals",
    "sms too long segments": "sms-segments-gsm7-ucs2",
    "gsm 7": "sms-segments-gsm7-ucs2",
    "why are my text messages split in 2": "sms-segments-gsm7-ucs2",
    "alphanumeric sender": "sms-sender-ids-by-country",
    "sender id germany": "sms-sender-ids-by-country",
    "whatsap business": "whatsapp-business-set-up",
    "set up 3cx": "trunk-3cx",
    "asterisk pjsip.conf": "trunk-asterisk-pjsip",
    "freepbx inbound route": "trunk-freepbx",
    "t38 fax": "trunk-codecs-dtmf-fax",
    "dtmf not working": "trunk-codecs-dtmf-fax",
    "srpt": "trunk-tls-srtp",
    "srtp encryption": "trunk-tls-srtp",
    "sip alg": "firewall-nat-sip-alg",
    "firewall ports rtp": "firewall-nat-sip-alg",
    "autentication ip": "trunk-registration-or-ip-authentication",
    "bank holliday": "call-flow-holidays-and-opening-hours",
    "opening hou": "call-flow-holidays-and-opening-hours",
    "roll back call flow": "call-flow-change-and-roll-back",
    "undo routing change": "call-flow-change-and-roll-back",
    "ivr menu": "call-flow-design-basics",
    "voice mail": "call-flow-design-basics",
    "proof of address": "number-requirements-and-compliance-bundles",
    "kyc documents": "number-requirements-and-compliance-bundles",
}
# A bare beginning that several titles share: any of them may lead.
AMONG_THE_FIRST_THREE = {"regist": "trunk-registration-or-ip-authentication"}


@pytest.mark.django_db
@pytest.mark.usefixtures("articles")
def test_the_right_article_comes_first() -> None:
    wrong = {}
    for query, expected in FIRST.items():
        hits = [hit.document_id for hit in search(query).hits]
        if hits[:1] != [expected]:
            wrong[query] = hits[:3]
    assert wrong == {}


@pytest.mark.django_db
@pytest.mark.usefixtures("articles")
def test_the_right_article_is_among_the_first_three() -> None:
    for query, expected in AMONG_THE_FIRST_THREE.items():
        assert expected in [hit.document_id for hit in search(query, limit=3).hits], query
