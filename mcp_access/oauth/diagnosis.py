"""Why a step of connecting failed, in plain words, and what to change: one table.

Keys are the reasons that `attempts.record` is given, or "step/reason" where a reason means
something else there. A test walks the source for reasons that have no entry.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    cause: str
    remedy: str


UNKNOWN = Diagnosis(
    cause="The step failed for a reason that has no explanation here yet.",
    remedy="Remove the connection in the app and add it again. If it fails again, send Cliqtel "
    "the time and the code.",
)

DIAGNOSES: dict[str, Diagnosis] = {
    # -- register ----------------------------------------------------------------------------------
    "invalid_redirect_uri": Diagnosis(
        cause="The app wants to bring people back to an address that can't be trusted here.",
        remedy="Allowed are https with a real host, http on the person's own computer, and the "
        "schemes of known desktop apps. A self-made app: correct its redirect URI. Another: "
        "update it, or ask its makers.",
    ),
    "invalid_client_metadata": Diagnosis(
        cause="The app described itself in a way that can't be accepted.",
        remedy="Update the app. A self-made one: send JSON with redirect_uris, and only the grant "
        "types, response types and authentication methods that discovery names.",
    ),
    # -- authorize ---------------------------------------------------------------------------------
    "authorize/invalid_client": Diagnosis(
        cause="The app used a registration that doesn't exist here, or a description of itself "
        "that can't be read. Registrations that nobody ever allowed lapse after three days.",
        remedy="Remove the connection in the app and add it again: it then registers anew.",
    ),
    "authorize/invalid_redirect_uri": Diagnosis(
        cause="The app asked to return to an address other than those it registered. That may be "
        "a fault of the app, or somebody who imitates it.",
        remedy="Remove the connection in the app and add it again. If it happens again, don't use "
        "the app and tell its makers.",
    ),
    "authorize/invalid_request": Diagnosis(
        cause="The request to connect was incomplete or damaged. Most often PKCE with S256 is "
        "missing, or the address was cut on its way through a chat or a mail.",
        remedy="Start again from the app, not from a copied link. An app that can't do PKCE with "
        "S256 can't be connected: use a static token for it.",
    ),
    "unsupported_response_type": Diagnosis(
        cause="The app asked for a kind of sign-in other than an authorization code.",
        remedy="In the app's settings choose the authorization code flow with PKCE.",
    ),
    "unauthorized_client": Diagnosis(
        cause="The app may not use this kind of sign-in.",
        remedy="Remove the connection in the app and add it again.",
    ),
    "invalid_scope": Diagnosis(
        cause="The app asked for a permission that doesn't exist here.",
        remedy="Leave the scopes empty in the app's settings, or take them from the list in the "
        "docs.",
    ),
    "invalid_target": Diagnosis(
        cause="The app asked for a token for another server.",
        remedy="Compare the address in the app, letter by letter, with the endpoint on the page "
        "AI Access.",
    ),
    "login_required": Diagnosis(
        cause="The app asked to connect without showing a page, and nobody was signed in.",
        remedy="Connect from the app by hand, in a browser that is signed in here.",
    ),
    "consent_required": Diagnosis(
        cause="The app asked to connect without showing a page. Here a person is always asked.",
        remedy="Connect from the app by hand. If it offers to ask for consent silently "
        "(prompt=none), turn that off.",
    ),
    "no_access": Diagnosis(
        cause="The person who signed in has no role that may use AI access.",
        remedy="An owner can give them the role Member. Or sign in as somebody else.",
    ),
    # -- consent -----------------------------------------------------------------------------------
    "authorize/access_denied": Diagnosis(
        cause="No account of the person can give any of the permissions that the app asked for.",
        remedy="Give the person a role that has them, or move to a tier that includes them.",
    ),
    "consent/access_denied": Diagnosis(
        cause="The person chose Cancel.",
        remedy="Nothing, if that was meant. Otherwise connect again from the app, and Allow.",
    ),
    "access_denied": Diagnosis(
        cause="The connection was declined.",
        remedy="Connect again from the app, and Allow.",
    ),
    "connection_limit": Diagnosis(
        cause="All connections that the tier includes are in use.",
        remedy="Disconnect a host under Connected apps or Tokens, or move to a higher tier.",
    ),
    # -- token, refresh, revoke --------------------------------------------------------------------
    "invalid_client": Diagnosis(
        cause="The app did not prove who it is: its registration has lapsed, its secret is wrong, "
        "or it authenticated in a way that it did not register.",
        remedy="Remove the connection in the app and add it again: it then registers anew. Where "
        "client ID and secret were typed by hand, compare both.",
    ),
    "token/invalid_grant": Diagnosis(
        cause="The code that the app brought back was used before, is older than two minutes, or "
        "belongs to another request. Or the person lost access meanwhile.",
        remedy="Check the clock of the app's computer and that only one copy of the app runs, then "
        "connect again. A code that is used twice ends the session that it had opened.",
    ),
    "refresh/invalid_grant": Diagnosis(
        cause="The session is over: it was revoked, is 30 days old, the password was changed, the "
        "person lost access, or an old refresh token was used a second time.",
        remedy="Connect again from the app. If that keeps happening, look for two copies of the "
        "app that share one set of stored tokens.",
    ),
    "invalid_grant": Diagnosis(
        cause="What the app showed as proof of a person's consent is used up or was never given.",
        remedy="Connect again from the app.",
    ),
    "unsupported_grant_type": Diagnosis(
        cause="The app asked for a token in a way that isn't offered, such as with a password or "
        "without a person.",
        remedy="In the app's settings choose the authorization code flow. For a program without a "
        "person use a static token.",
    ),
    "unsupported_token_type": Diagnosis(
        cause="The app wanted to revoke something other than an access or a refresh token.",
        remedy="Revoke it under Connected apps.",
    ),
    "invalid_request": Diagnosis(
        cause="The app sent a request that is incomplete, doubled or not a form.",
        remedy="Update the app. A self-made one: send each parameter once, in a form body, as the "
        "detail says. A proxy between app and server must not change bodies.",
    ),
    # -- the server itself -------------------------------------------------------------------------
    "temporarily_unavailable": Diagnosis(
        cause="There were too many requests at once, or the server was busy.",
        remedy="Wait a minute and connect again.",
    ),
    "server_error": Diagnosis(
        cause="Something went wrong on our side.",
        remedy="Try again. If it fails again, send Cliqtel the time.",
    ),
    "error": UNKNOWN,
}


def diagnosis_of(step: str, reason: str) -> Diagnosis:
    """The words for a failed attempt; there always are some."""
    return DIAGNOSES.get(f"{step}/{reason}") or DIAGNOSES.get(reason) or UNKNOWN
