"""The numbers that the demo's tenants have, from the upper end of the stock's ranges."""

from __future__ import annotations

from dataclasses import dataclass

from cliqtel_portal.number_types import Capability, NumberType
from cliqtel_portal.numbers.models import PhoneNumber

_L, _M = NumberType.LOCAL, NumberType.MOBILE
_N, _T = NumberType.NATIONAL, NumberType.TOLL_FREE
_VOICE = (Capability.VOICE,)
_FAX = (Capability.VOICE, Capability.FAX)
_TEXT = (Capability.VOICE, Capability.SMS)
_CHAT = (Capability.VOICE, Capability.SMS, Capability.WHATSAPP)
_US = (Capability.VOICE, Capability.SMS, Capability.MMS)

_Status = PhoneNumber.Status
_ACTIVE = _Status.ACTIVE


@dataclass(frozen=True)
class Owned:
    """`target` is the name of a trunk or a call flow; `emergency` the label of an address."""

    e164: str
    country: str
    number_type: NumberType
    area: str
    area_code: str
    capabilities: tuple[Capability, ...]
    status: PhoneNumber.Status = _ACTIVE
    trunk: str = ""
    flow: str = ""
    tags: tuple[str, ...] = ()
    emergency: str = ""


@dataclass(frozen=True)
class Address:
    label: str
    street: str
    house_number: str
    postal_code: str
    city: str
    country: str
    is_validated: bool


ADDRESSES: dict[str, list[Address]] = {
    "acme": [
        Address("Amsterdam HQ", "Keizersgracht", "100", "1015 CV", "Amsterdam", "NL", True),
        Address("London office", "Baker Street", "200", "NW1 5RT", "London", "GB", True),
        Address("Berlin branch", "Friedrichstraße", "50", "10117", "Berlin", "DE", False),
        Address("New York desk", "Broadway", "1500", "10036", "New York", "US", True),
    ],
    "globex": [Address("Head office", "Deansgate", "10", "M3 2AY", "Manchester", "GB", True)],
    "initech": [Address("Hamburg", "Neuer Wall", "10", "20354", "Hamburg", "DE", True)],
}

_HQ, _LONDON = "Amsterdam HQ", "London office"

OWNED: dict[str, list[Owned]] = {
    "acme": [
        Owned(
            "+31201230900",
            "NL",
            _L,
            "Amsterdam",
            "20",
            _FAX,
            flow="Main reception",
            tags=("main", "amsterdam"),
            emergency=_HQ,
        ),
        Owned(
            "+31201230901",
            "NL",
            _L,
            "Amsterdam",
            "20",
            _FAX,
            flow="Sales queue",
            tags=("sales",),
            emergency=_HQ,
        ),
        Owned(
            "+31201230902",
            "NL",
            _L,
            "Amsterdam",
            "20",
            _FAX,
            trunk=_HQ,
            tags=("amsterdam", "ddi"),
            emergency=_HQ,
        ),
        Owned(
            "+31201230903",
            "NL",
            _L,
            "Amsterdam",
            "20",
            _FAX,
            trunk=_HQ,
            tags=("amsterdam", "ddi"),
            emergency=_HQ,
        ),
        Owned(
            "+31201230904",
            "NL",
            _L,
            "Amsterdam",
            "20",
            _FAX,
            trunk=_HQ,
            tags=("amsterdam", "ddi"),
            emergency=_HQ,
        ),
        # The one without any flow or trunk: calls to it end nowhere.
        Owned("+31101230900", "NL", _L, "Rotterdam", "10", _FAX, tags=("spare",)),
        Owned("+31612340900", "NL", _M, "", "", _CHAT, flow="Support", tags=("support", "sms")),
        Owned("+31612340901", "NL", _M, "", "", _CHAT, trunk=_HQ, tags=("on-call",)),
        Owned("+31851230900", "NL", _N, "", "85", _FAX, flow="Support", tags=("support",)),
        Owned(
            "+318000130900",
            "NL",
            _T,
            "",
            "800",
            _VOICE,
            flow="Sales queue",
            tags=("campaign-2026",),
        ),
        Owned(
            "+442079460900",
            "GB",
            _L,
            "London",
            "20",
            _FAX,
            flow="Main reception",
            tags=("main", "london"),
            emergency=_LONDON,
        ),
        Owned(
            "+442079460901",
            "GB",
            _L,
            "London",
            "20",
            _FAX,
            trunk=_LONDON,
            tags=("london", "ddi"),
            emergency=_LONDON,
        ),
        Owned(
            "+442079460902",
            "GB",
            _L,
            "London",
            "20",
            _FAX,
            trunk=_LONDON,
            tags=("london", "ddi"),
            emergency=_LONDON,
        ),
        Owned(
            "+441614960900", "GB", _L, "Manchester", "161", _FAX, _Status.PORTING, tags=("port-in",)
        ),
        Owned("+447700900900", "GB", _M, "", "", _CHAT, flow="After hours", tags=("sms",)),
        Owned("+448081570900", "GB", _T, "", "808", _VOICE, flow="Billing line", tags=("billing",)),
        Owned(
            "+493023125900",
            "DE",
            _L,
            "Berlin",
            "30",
            _FAX,
            flow="Main reception",
            tags=("main", "berlin"),
            emergency="Berlin branch",
        ),
        Owned(
            "+493023125901",
            "DE",
            _L,
            "Berlin",
            "30",
            _FAX,
            trunk=_HQ,
            tags=("berlin",),
            emergency="Berlin branch",
        ),
        Owned("+4917604069090", "DE", _M, "", "", _TEXT, _Status.PROVISIONING),
        Owned("+33199000900", "FR", _L, "Paris", "1", _FAX, flow="Holiday line", tags=("paris",)),
        Owned("+33639980900", "FR", _M, "", "", _TEXT, _Status.DISABLED, tags=("sms",)),
        Owned(
            "+12125550190",
            "US",
            _L,
            "New York",
            "212",
            _US,
            flow="Sales queue",
            tags=("sales", "new-york"),
            emergency="New York desk",
        ),
        Owned(
            "+14155550190",
            "US",
            _L,
            "San Francisco",
            "415",
            _US,
            flow="After hours",
            tags=("west-coast",),
        ),
        Owned("+18335550190", "US", _T, "", "833", _US, flow="Support", tags=("support",)),
        Owned(
            "+3225550900",
            "BE",
            _L,
            "Brussels (Bruxelles, Brussel)",
            "2",
            _FAX,
            flow="Main reception",
            tags=("main", "brussels"),
        ),
        Owned(
            "+3225550901", "BE", _L, "Brussels (Bruxelles, Brussel)", "2", _FAX, _Status.QUARANTINE
        ),
        Owned("+31301230900", "NL", _L, "Utrecht", "30", _FAX, _Status.RELEASED),
    ],
    "globex": [
        Owned(
            "+441614960950",
            "GB",
            _L,
            "Manchester",
            "161",
            _FAX,
            tags=("main",),
            emergency="Head office",
            flow="Front desk",
        ),
        Owned(
            "+441614960951",
            "GB",
            _L,
            "Manchester",
            "161",
            _FAX,
            tags=("warehouse",),
            trunk="Headquarters",
        ),
        Owned("+447700900950", "GB", _M, "", "", _CHAT, tags=("sms",), flow="Front desk"),
        Owned("+448081570950", "GB", _T, "", "808", _VOICE, _Status.PROVISIONING),
    ],
    "initech": [
        Owned(
            "+494066969950",
            "DE",
            _L,
            "Hamburg",
            "40",
            _FAX,
            tags=("main",),
            emergency="Hamburg",
            flow="Global switchboard",
        ),
        Owned(
            "+494066969951",
            "DE",
            _L,
            "Hamburg",
            "40",
            _FAX,
            tags=("support",),
            emergency="Hamburg",
            flow="Service desk",
        ),
        Owned("+494066969952", "DE", _L, "Hamburg", "40", _FAX, trunk="Data centre A"),
        Owned("+4917604069095", "DE", _M, "", "", _TEXT, tags=("sms",), flow="Service desk"),
        Owned(
            "+46846500445", "SE", _L, "Stockholm", "8", _FAX, tags=("nordics",), trunk="Teams SBC"
        ),
        Owned("+34915550950", "ES", _L, "Madrid", "91", _FAX, trunk="Teams SBC"),
        Owned("+353209100950", "IE", _M, "", "", _TEXT, flow="Global switchboard"),
        Owned("+35315550950", "IE", _L, "Dublin", "1", _FAX, _Status.DISABLED),
    ],
}
