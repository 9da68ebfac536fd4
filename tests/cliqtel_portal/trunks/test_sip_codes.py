from __future__ import annotations

import pytest

from cliqtel_portal.trunks.sip_codes import SIP_CODES, explain


@pytest.mark.parametrize("code", [401, 403, 404, 407, 408, 423, 480, 486, 488, 503])
def test_the_codes_people_meet_have_their_own_words(code: int) -> None:
    assert SIP_CODES[code].code == code


def test_every_explanation_says_what_it_means_and_what_to_do() -> None:
    for code, known in SIP_CODES.items():
        assert 300 <= code <= 699
        assert known.name
        assert known.meaning.endswith(".")
        assert known.advice.endswith(".")
    assert len({known.advice for known in SIP_CODES.values()}) > 20


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (302, "Redirection"),
        (499, "Request failure"),
        (599, "Server failure"),
        (699, "Global failure"),
    ],
)
def test_an_unknown_code_is_explained_by_its_class(code: int, name: str) -> None:
    assert explain(code).name == name
    assert explain(code).code == code
