"""SIP answers in words: what a code means on a trunk, and what to do about it.

Names and meanings follow RFC 3261 section 21; 423 also RFC 5626, 488 also RFC 3264.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SipExplanation:
    code: int
    name: str
    meaning: str
    advice: str


_TABLE: tuple[tuple[int, str, str, str], ...] = (
    (
        400,
        "Bad Request",
        "The request could not be read: a header is malformed, or something changed it on the way.",
        "Switch off SIP ALG in the router, then compare the request in the PBX's SIP log.",
    ),
    (
        401,
        "Unauthorized",
        "The registrar asked for credentials and did not accept those it got.",
        "Check user name and realm against this trunk and type the password anew; a first 401 "
        "before a 200 is normal.",
    ),
    (
        403,
        "Forbidden",
        "The request was understood and refused: the trunk is disabled, the source address is not "
        "allowed, or the caller number is not yours.",
        "Check the trunk's status, the public address of the PBX and its caller number. Do not "
        "repeat it unchanged: many systems stop after a 403 until they are restarted.",
    ),
    (
        404,
        "Not Found",
        "The user or number in the request does not exist on our side.",
        "Check the user name; dial numbers in E.164 form such as +31201234567.",
    ),
    (
        405,
        "Method Not Allowed",
        "The PBX sent a kind of request that this address does not take.",
        "Switch off the feature that sends it, for example presence or message waiting.",
    ),
    (
        407,
        "Proxy Authentication Required",
        "A call came without the credentials that it needs.",
        "Set outbound authentication on the trunk, with the same user name and password as for "
        "the registration.",
    ),
    (
        408,
        "Request Timeout",
        "No answer came in time; most often the PBX itself concluded this after 32 s of silence.",
        "Check DNS, port and firewall towards the signalling networks; try TCP or TLS instead of "
        "UDP.",
    ),
    (
        410,
        "Gone",
        "The number is no longer in service.",
        "Remove it from the dial plan, or check whether it was released.",
    ),
    (
        415,
        "Unsupported Media Type",
        "The body of the request is of a kind that is not supported.",
        "Send calls with a plain SDP body.",
    ),
    (
        420,
        "Bad Extension",
        "The PBX requires an extension of SIP that is not supported.",
        "Set options such as 100rel to supported instead of required.",
    ),
    (
        421,
        "Extension Required",
        "An extension of SIP is needed that the PBX does not offer.",
        "Switch on session timers and 100rel as supported.",
    ),
    (
        423,
        "Interval Too Brief",
        "The registration asks for a shorter time than the registrar allows.",
        "Set the registration's expiry to at least the Min-Expires of the answer; 3600 s works.",
    ),
    (
        480,
        "Temporarily Unavailable",
        "The called side is known but not reachable now: nothing is registered there.",
        "Check that the trunk is registered, and give the call flow a fallback.",
    ),
    (
        481,
        "Call/Transaction Does Not Exist",
        "A message belongs to a call that has ended already.",
        "Ignore single ones; if calls drop, check session timers and the NAT's UDP timeout.",
    ),
    (
        482,
        "Loop Detected",
        "The request came back to where it had been.",
        "Look for a forward that leads to the same number or trunk.",
    ),
    (
        483,
        "Too Many Hops",
        "The request passed more servers than Max-Forwards allows, most often in a loop.",
        "Look for two systems that forward to each other.",
    ),
    (
        484,
        "Address Incomplete",
        "The number has too few digits.",
        "Dial in E.164 form, and wait for all digits before calling.",
    ),
    (
        486,
        "Busy Here",
        "The called side is in a call, or all its channels are in use.",
        "If it comes often, raise the channel limit or add a queue to the call flow.",
    ),
    (
        487,
        "Request Terminated",
        "The caller hung up before anybody answered.",
        "Nothing to do; if it comes after the same time always, raise the ringing time.",
    ),
    (
        488,
        "Not Acceptable Here",
        "The two sides share no codec, or one requires SRTP and the other does not offer it.",
        "Offer a codec of this trunk, and use TLS together with SRTP or neither.",
    ),
    (
        491,
        "Request Pending",
        "Both sides changed the call at the same moment.",
        "Nothing to do: it is tried again after a moment.",
    ),
    (
        500,
        "Server Internal Error",
        "A server failed to handle the request.",
        "Try again; if it stays, contact support with the time and the Call-ID.",
    ),
    (
        502,
        "Bad Gateway",
        "The network behind us sent an answer that could not be used.",
        "Try again; if it stays, contact support with the called number and the time.",
    ),
    (
        503,
        "Service Unavailable",
        "A server is overloaded or in maintenance, or the trunk is at its channel limit.",
        "Wait for Retry-After or use the next server of the SRV record; if it comes at busy hours "
        "only, raise the channel limit.",
    ),
    (
        504,
        "Server Time-out",
        "A server further on did not answer in time.",
        "Try again; for a registration check DNS and the firewall.",
    ),
    (
        513,
        "Message Too Large",
        "The request is larger than the receiver takes, most often over UDP.",
        "Use TCP or TLS, or offer fewer codecs.",
    ),
    (
        600,
        "Busy Everywhere",
        "The called side is busy at each of its devices.",
        "Try again later.",
    ),
    (
        603,
        "Decline",
        "The called side refused the call.",
        "Nothing to do on the trunk; check whether the caller number is blocked or withheld.",
    ),
    (
        606,
        "Not Acceptable",
        "The called side can't take a call of this kind: codec, bandwidth or encryption.",
        "Offer G.711 and check the SRTP setting.",
    ),
)

SIP_CODES: Mapping[int, SipExplanation] = {
    code: SipExplanation(code=code, name=name, meaning=meaning, advice=advice)
    for code, name, meaning, advice in _TABLE
}

# RFC 3261 section 8.1.3.2: an unknown code counts as the x00 of its class.
_CLASSES = {
    3: (
        "Redirection",
        "The answer names another address to try.",
        "Point the PBX at the registrar of this trunk.",
    ),
    4: (
        "Request failure",
        "The request was refused as it was sent.",
        "Compare the request in the PBX's SIP log with this trunk's settings.",
    ),
    5: (
        "Server failure",
        "A server could not handle a request that may be right.",
        "Try again; if it stays, contact support with the time and the Call-ID.",
    ),
    6: (
        "Global failure",
        "The called side can't take the call anywhere.",
        "Try again later, or call another number.",
    ),
}


def explain(code: int) -> SipExplanation:
    """The explanation of a failure code, 300 to 699; an unknown one gets that of its class."""
    known = SIP_CODES.get(code)
    if known is not None:
        return known
    name, meaning, advice = _CLASSES[code // 100]
    return SipExplanation(code=code, name=name, meaning=meaning, advice=advice)
