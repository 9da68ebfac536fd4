"""The demo's rules: what each regulator asks for, in the shape of real national practice."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cliqtel_portal.number_types import NumberType
from cliqtel_portal.regulatory.models import Requirement, RequirementSet

_Kind = Requirement.Kind


@dataclass(frozen=True)
class Item:
    code: str
    name: str
    kind: str
    description: str
    example: str
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    country: str
    number_type: str
    action: str
    who_may_own: str
    lead_time_days: int
    source_url: str
    items: tuple[Item, ...]


COMPANY = Item(
    "business_registration",
    "Company register extract",
    _Kind.DOCUMENT,
    "Extract of the register in which the company that will use the number is entered.",
    "Extract of the Chamber of Commerce, all pages as PDF",
    (
        "Not older than 3 months.",
        "Shows legal name, registration number and seat.",
        "The legal name equals the name on the account.",
    ),
)
IDENTITY = Item(
    "identity",
    "Identity of the authorised signatory",
    _Kind.DOCUMENT,
    "Passport or identity card of a person who may sign for the company.",
    "Passport, the page with the photograph",
    (
        "Valid for at least one more month.",
        "The person is named in the register extract or holds a power of attorney.",
        "Full page, in colour, no screenshot.",
    ),
)
COUNTRY_ADDRESS = Item(
    "national_address",
    "Address in the country",
    _Kind.ADDRESS,
    "Street address in the country of the number where the end user can be reached.",
    "Street, house number, postcode and city",
    ("A post box is not an address.", "In the country of the number."),
)
LOCAL_ADDRESS = Item(
    "local_address",
    "Address in the area of the code",
    _Kind.ADDRESS,
    "Street address of the end user inside the area that the area code belongs to.",
    "Keizersgracht 100, 1015 CV Amsterdam for a number in 020",
    ("Inside the area of the code.", "A post box is not an address."),
)
ADDRESS_PROOF = Item(
    "proof_of_address",
    "Proof of address",
    _Kind.DOCUMENT,
    "Bill or official letter that shows the end user at the address given.",
    "Electricity bill or letter of the tax office",
    ("Not older than 3 months.", "Shows the same name and address as the account."),
)
USE = Item(
    "use_statement",
    "Use of the number",
    _Kind.TEXT,
    "One or two sentences on what the number is for and who will answer it.",
    "Customer service of our web shop; answered by our own staff in Utrecht.",
    ("Between 20 and 300 characters.", "Names the service, not only 'calls'."),
)
LETTER = Item(
    "letter_of_authorisation",
    "Letter of authorisation (LOA)",
    _Kind.DOCUMENT,
    "Signed permission for Cliqtel to move the numbers from the current provider.",
    "The form from Cliqtel support, signed, listing each number in E.164",
    (
        "Signed by a person who may sign for the company.",
        "Not older than 30 days.",
        "Lists every number, ranges by first and last number.",
    ),
)
INVOICE = Item(
    "recent_invoice",
    "Latest invoice of the current provider",
    _Kind.DOCUMENT,
    "Shows that the numbers are yours and under which name and address they are kept.",
    "Invoice of last month, all pages",
    ("Not older than 3 months.", "Shows account name, address and the numbers."),
)
PROVIDER_ACCOUNT = Item(
    "provider_account",
    "Customer number at the current provider",
    _Kind.TEXT,
    "The number under which the current provider keeps your contract.",
    "K-1048221",
    ("As on the provider's invoice; an invoice number is something else.",),
)

_GERMAN_PRESENCE = Item(
    "local_presence",
    "Proof of presence in the local area (Ortsnetz)",
    _Kind.DOCUMENT,
    "German geographic numbers belong to those with a seat, branch or line in the local area.",
    "Trade registration (Gewerbeanmeldung) of the branch in Berlin for a number in 030",
    ("Address inside the Ortsnetz of the code.", "Not older than 6 months."),
)
_TAX_NUMBER_ES = Item(
    "tax_number",
    "Spanish tax number (NIF)",
    _Kind.TEXT,
    "Tax number of the company or person that will hold the number.",
    "B12345674",
    ("A letter and eight digits, or eight digits and a letter.", "Matches the register extract."),
)
_RIO = Item(
    "rio_code",
    "RIO code",
    _Kind.TEXT,
    "Operator identity record of the line; call 3179 from the number to hear it.",
    "01P0ABC123DEF",
    ("12 characters or more, letters and digits.", "Not older than 60 days."),
)
_POSTCODE_GB = Item(
    "installation_postcode",
    "Installation postcode",
    _Kind.TEXT,
    "Postcode at which the current provider keeps the line.",
    "EC1A 1BB",
    ("Equals the current provider's record, which may differ from the billing address.",),
)
_PIN_US = Item(
    "port_out_pin",
    "Account number and port-out PIN",
    _Kind.TEXT,
    "Account number at the current carrier and, for wireless or protected lines, its PIN.",
    "Account 402-558812, PIN 4821",
    ("As in the customer service record (CSR).",),
)
_RESPORG_US = Item(
    "resporg_letter",
    "RespOrg change letter",
    _Kind.DOCUMENT,
    "Signed request to move the toll-free number to the responsible organisation of Cliqtel.",
    "RespOrg form from Cliqtel support, signed",
    ("Not older than 15 days.", "Signed by the subscriber of record."),
)
_ORDER_DE = replace(
    LETTER,
    name="Signed porting order (Portierungsauftrag)",
    description="German form of the letter of authorisation, with base number and range.",
)

_NL = "https://www.acm.nl/en"
_GB = "https://www.ofcom.org.uk/"
_DE = "https://www.bundesnetzagentur.de/EN/"
_BE = "https://www.bipt.be/"
_FR = "https://en.arcep.fr/"
_US = "https://www.fcc.gov/"
_ES = "https://www.cnmc.es/en"
_IE = "https://www.comreg.ie/"
_SE = "https://pts.se/en/"

_L, _M = NumberType.LOCAL.value, NumberType.MOBILE.value
_N, _T = NumberType.NATIONAL.value, NumberType.TOLL_FREE.value
_ANYBODY = "Anybody, wherever established."
_EU = "Anybody with an address in the European Economic Area."

# country, type, who may own, lead time in working days, items
_ORDERS: list[tuple[str, str, str, int, tuple[Item, ...]]] = [
    ("NL", _L, "Whoever has an address in the area of the code.", 1, (COMPANY, LOCAL_ADDRESS)),
    ("NL", _M, "Residents and companies of the European Union.", 1, (COMPANY, USE)),
    ("NL", _N, "Companies and organisations, wherever established.", 1, (COMPANY,)),
    ("NL", _T, "Companies and organisations, wherever established.", 3, (COMPANY, USE)),
    ("GB", _L, _ANYBODY, 0, ()),
    ("GB", _M, _ANYBODY, 0, ()),
    ("GB", _N, _ANYBODY, 0, ()),
    ("GB", _T, _ANYBODY, 1, ()),
    (
        "DE",
        _L,
        "Whoever has a seat, a branch or a line in the local area.",
        3,
        (COMPANY, LOCAL_ADDRESS, _GERMAN_PRESENCE),
    ),
    ("DE", _M, "Residents of Germany and companies registered there.", 5, (IDENTITY, COMPANY)),
    ("DE", _N, "Whoever has an address in Germany.", 3, (COMPANY, COUNTRY_ADDRESS)),
    ("DE", _T, "Whoever the Federal Network Agency assigns it to.", 10, (COMPANY, USE)),
    ("BE", _L, "Whoever has an address in Belgium.", 2, (COUNTRY_ADDRESS,)),
    ("BE", _M, "Residents and companies of Belgium.", 3, (IDENTITY, COUNTRY_ADDRESS)),
    ("BE", _N, "Companies with an address in Belgium.", 2, (COMPANY, COUNTRY_ADDRESS)),
    ("BE", _T, "Companies with an address in Belgium.", 5, (COMPANY, COUNTRY_ADDRESS)),
    ("FR", _L, "Whoever has an address in France.", 3, (COUNTRY_ADDRESS, ADDRESS_PROOF)),
    (
        "FR",
        _M,
        "Residents and companies of France; not for automated calls.",
        5,
        (IDENTITY, COUNTRY_ADDRESS, USE),
    ),
    ("FR", _N, "Whoever has an address in France.", 3, (COUNTRY_ADDRESS, ADDRESS_PROOF)),
    ("FR", _T, "Companies with an address in France.", 10, (COMPANY, COUNTRY_ADDRESS)),
    ("US", _L, _ANYBODY, 0, ()),
    ("US", _T, _ANYBODY, 0, ()),
    (
        "ES",
        _L,
        "Whoever has an address in the province of the number.",
        5,
        (IDENTITY, LOCAL_ADDRESS, _TAX_NUMBER_ES),
    ),
    (
        "ES",
        _M,
        "Residents and companies of Spain; not for marketing calls.",
        5,
        (IDENTITY, COUNTRY_ADDRESS, _TAX_NUMBER_ES),
    ),
    ("ES", _T, "Companies, wherever established.", 7, (IDENTITY, COMPANY, COUNTRY_ADDRESS)),
    ("IE", _L, "Whoever has an address in the area of the code.", 2, (LOCAL_ADDRESS,)),
    ("IE", _M, "Residents and companies of Ireland.", 3, (IDENTITY, COUNTRY_ADDRESS)),
    ("IE", _N, "Companies with an address in Ireland.", 2, (COUNTRY_ADDRESS,)),
    ("IE", _T, "Companies with an address in Ireland.", 5, (COMPANY, COUNTRY_ADDRESS)),
    ("SE", _L, _EU, 2, (COMPANY,)),
    ("SE", _M, "Identified subscribers; companies by registration.", 2, (IDENTITY, COMPANY)),
    ("SE", _N, _EU, 2, (COMPANY,)),
    ("SE", _T, _EU, 5, (COMPANY, USE)),
]

# What a port asks beside the LOA and the latest invoice, and its lead time in working days.
_PORTS: dict[str, tuple[int, tuple[Item, ...]]] = {
    "NL": (5, (PROVIDER_ACCOUNT,)),
    "GB": (7, (_POSTCODE_GB, PROVIDER_ACCOUNT)),
    "DE": (15, (PROVIDER_ACCOUNT, LOCAL_ADDRESS)),
    "BE": (5, (PROVIDER_ACCOUNT,)),
    "FR": (10, (_RIO, COUNTRY_ADDRESS)),
    "US": (7, (_PIN_US,)),
    "ES": (5, (_TAX_NUMBER_ES, PROVIDER_ACCOUNT)),
    "IE": (5, (PROVIDER_ACCOUNT,)),
    "SE": (10, (COMPANY,)),
}
_SOURCES = {
    "NL": _NL,
    "GB": _GB,
    "DE": _DE,
    "BE": _BE,
    "FR": _FR,
    "US": _US,
    "ES": _ES,
    "IE": _IE,
    "SE": _SE,
}


def all_rules() -> list[Rules]:
    return [
        rules
        for country, number_type, owner, lead_time, items in _ORDERS
        for rules in (
            Rules(
                country,
                number_type,
                RequirementSet.Action.ORDER.value,
                owner,
                lead_time,
                _SOURCES[country],
                items,
            ),
            _port(country, number_type, owner),
        )
    ]


def _port(country: str, number_type: str, owner: str) -> Rules:
    lead_time, extra = _PORTS[country]
    letter = _ORDER_DE if country == "DE" else LETTER
    items: tuple[Item, ...] = (letter, INVOICE, *extra)
    if country == "US" and number_type == NumberType.TOLL_FREE:
        items = (_RESPORG_US, INVOICE)
    if number_type in {NumberType.MOBILE, NumberType.TOLL_FREE}:
        # The area of the code says nothing about these.
        items = tuple(item for item in items if item is not LOCAL_ADDRESS)
    return Rules(
        country,
        number_type,
        RequirementSet.Action.PORT.value,
        owner,
        lead_time,
        _SOURCES[country],
        items,
    )
