"""The demo's stock: ranges reserved for fiction where a country has some, else made-up numbers.

Reserved: Ofcom (GB), NANPA (US 555-01xx), Bundesnetzagentur (DE), ARCEP (FR), PTS (SE), ComReg
(IE 020 91x). The upper end of a range is left to the tenants of `demo_owned.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from cliqtel_portal.number_types import Capability, NumberType

_L, _M = NumberType.LOCAL, NumberType.MOBILE
_N, _T = NumberType.NATIONAL, NumberType.TOLL_FREE
_V, _S, _P = Capability.VOICE, Capability.SMS, Capability.MMS
_W, _F = Capability.WHATSAPP, Capability.FAX

_VOICE = (_V,)
_VOICE_FAX = (_V, _F)
_TEXT = (_V, _S)
_CHAT = (_V, _S, _W)
_US = (_V, _S, _P)


@dataclass(frozen=True)
class Range:
    """Numbers `prefix` + as many digits as `width`: a run of consecutive ones, then a spread."""

    country: str
    number_type: NumberType
    area: str
    area_code: str
    prefix: str
    width: int
    run: int
    spread: int
    capabilities: tuple[Capability, ...]
    first: int = 0

    def numbers(self) -> list[str]:
        """E.164. The run, a gap, then every seventh (of short ranges every second) number."""
        step = 7 if self.width > 2 else 2
        ends = list(range(self.first, self.first + self.run))
        ends += [self.first + self.run + 3 + step * n for n in range(self.spread)]
        return [f"{self.prefix}{end:0{self.width}d}" for end in ends]


RANGES = [
    Range("NL", _L, "Amsterdam", "20", "+31201230", 3, 20, 16, _VOICE_FAX),
    Range("NL", _L, "Rotterdam", "10", "+31101230", 3, 10, 12, _VOICE_FAX),
    Range("NL", _L, "Utrecht", "30", "+31301230", 3, 5, 12, _VOICE_FAX),
    Range("NL", _L, "The Hague (Den Haag)", "70", "+31701230", 3, 5, 10, _VOICE_FAX),
    Range("NL", _M, "", "", "+31612340", 3, 5, 20, _CHAT),
    Range("NL", _N, "", "85", "+31851230", 3, 10, 10, _VOICE_FAX),
    Range("NL", _T, "", "800", "+318000130", 3, 0, 10, _VOICE),
    Range("GB", _L, "London", "20", "+442079460", 3, 20, 20, _VOICE_FAX),
    Range("GB", _L, "Manchester", "161", "+441614960", 3, 10, 12, _VOICE_FAX),
    Range("GB", _L, "Birmingham", "121", "+441214960", 3, 10, 10, _VOICE_FAX),
    Range("GB", _L, "Edinburgh", "131", "+441314960", 3, 5, 10, _VOICE_FAX),
    Range("GB", _L, "Cardiff (Caerdydd)", "29", "+442920180", 3, 5, 8, _VOICE_FAX),
    Range("GB", _M, "", "", "+447700900", 3, 5, 20, _CHAT),
    Range("GB", _N, "", "306", "+443069990", 3, 5, 8, _VOICE),
    Range("GB", _T, "", "808", "+448081570", 3, 0, 10, _VOICE),
    Range("DE", _L, "Berlin", "30", "+493023125", 3, 20, 15, _VOICE_FAX),
    Range("DE", _L, "Hamburg", "40", "+494066969", 3, 10, 12, _VOICE_FAX),
    Range("DE", _L, "Munich (München)", "89", "+498999998", 3, 10, 12, _VOICE_FAX),
    Range("DE", _L, "Cologne (Köln)", "221", "+492214710", 3, 5, 10, _VOICE_FAX),
    Range("DE", _L, "Frankfurt am Main", "69", "+496990009", 3, 5, 10, _VOICE_FAX),
    Range("DE", _M, "", "", "+4917139200", 2, 3, 12, _TEXT),
    Range("DE", _M, "", "", "+4917604069", 3, 0, 10, _TEXT),
    Range("DE", _N, "", "32", "+4932012345", 3, 5, 6, _VOICE),
    Range("DE", _T, "", "800", "+498001234", 3, 0, 8, _VOICE),
    Range("BE", _L, "Brussels (Bruxelles, Brussel)", "2", "+3225550", 3, 10, 14, _VOICE_FAX),
    Range("BE", _L, "Antwerp (Antwerpen)", "3", "+3232550", 3, 5, 10, _VOICE_FAX),
    Range("BE", _L, "Ghent (Gent)", "9", "+3292550", 3, 5, 8, _VOICE_FAX),
    Range("BE", _M, "", "", "+32470550", 3, 0, 12, _TEXT),
    Range("BE", _N, "", "78", "+3278150", 3, 0, 8, _VOICE),
    Range("BE", _T, "", "800", "+32800550", 2, 0, 8, _VOICE),
    Range("FR", _L, "Paris", "1", "+33199000", 3, 20, 15, _VOICE_FAX),
    Range("FR", _L, "Lyon", "4", "+33465710", 3, 10, 10, _VOICE_FAX),
    Range("FR", _L, "Rennes", "2", "+33261910", 3, 5, 8, _VOICE_FAX),
    Range("FR", _L, "Lille", "3", "+33353010", 3, 5, 8, _VOICE_FAX),
    Range("FR", _L, "Toulouse", "5", "+33536490", 3, 5, 8, _VOICE_FAX),
    Range("FR", _M, "", "", "+33639980", 3, 0, 15, _TEXT),
    Range("FR", _N, "", "9", "+33975180", 3, 5, 6, _VOICE_FAX),
    Range("FR", _T, "", "800", "+33800550", 3, 0, 6, _VOICE),
    Range("US", _L, "New York", "212", "+1212555010", 1, 8, 0, _US),
    Range("US", _L, "New York", "646", "+1646555011", 1, 10, 0, _US),
    Range("US", _L, "San Francisco", "415", "+141555501", 2, 10, 12, _US),
    Range("US", _L, "Chicago", "312", "+131255501", 2, 10, 12, _US),
    Range("US", _L, "Miami", "305", "+130555501", 2, 5, 12, _US),
    Range("US", _L, "Seattle", "206", "+120655501", 2, 5, 12, _US),
    Range("US", _T, "", "833", "+183355501", 2, 0, 8, _US),
    Range("US", _T, "", "844", "+184455501", 2, 0, 8, _US),
    Range("ES", _L, "Madrid", "91", "+34915550", 3, 10, 14, _VOICE_FAX),
    Range("ES", _L, "Barcelona", "93", "+34935550", 3, 10, 12, _VOICE_FAX),
    Range("ES", _L, "Valencia", "96", "+34965550", 3, 5, 8, _VOICE_FAX),
    Range("ES", _L, "Seville (Sevilla)", "95", "+34955550", 3, 5, 8, _VOICE_FAX),
    Range("ES", _M, "", "", "+34615550", 3, 0, 12, _TEXT),
    Range("ES", _T, "", "900", "+34900555", 3, 0, 6, _VOICE),
    Range("IE", _L, "Dublin", "1", "+35315550", 3, 10, 14, _VOICE_FAX),
    Range("IE", _L, "Cork", "21", "+353215550", 3, 5, 10, _VOICE_FAX),
    Range("IE", _L, "Galway", "91", "+353915550", 2, 5, 8, _VOICE_FAX),
    Range("IE", _M, "", "", "+353209100", 3, 5, 15, _TEXT),
    Range("IE", _N, "", "818", "+353818550", 3, 0, 6, _VOICE),
    Range("IE", _T, "", "1800", "+3531800555", 3, 0, 6, _VOICE),
    Range("SE", _L, "Stockholm", "8", "+468465004", 2, 10, 15, _VOICE_FAX),
    Range("SE", _L, "Gothenburg (Göteborg)", "31", "+463139006", 2, 10, 12, _VOICE_FAX),
    Range("SE", _L, "Malmö", "40", "+464062804", 2, 5, 12, _VOICE_FAX),
    Range("SE", _M, "", "", "+467017406", 2, 8, 15, _TEXT, first=5),
    Range("SE", _N, "", "10", "+46102550", 3, 0, 8, _VOICE),
    Range("SE", _T, "", "20", "+46205550", 3, 0, 6, _VOICE),
]
