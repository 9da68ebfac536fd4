"""The portal's URL map as the walk knows it: which routes are pages, and why others are none.

A route is written `/numbers/{number_id}/`; tests.browser.world fills the names. What follows a
question mark is one more look at the same page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.contrib.admindocs.views import simplify_regex

from tests.portal import url_map

AI_ACCESS = (
    "/numbers/ai-access/",
    "/numbers/ai-access/tokens/",
    "/numbers/ai-access/tokens/new/",
    "/numbers/ai-access/tokens/new/?template=ordering",
    "/numbers/ai-access/tokens/{token_id}/",
    "/numbers/ai-access/tokens/{token_id}/revoke/",
    "/numbers/ai-access/tokens/{token_id}/trim/",
    "/numbers/ai-access/apps/",
    "/numbers/ai-access/apps/revoke-all/",
    "/numbers/ai-access/apps/{consent_id}/",
    "/numbers/ai-access/apps/{consent_id}/revoke/",
    "/numbers/ai-access/usage/",
    "/numbers/ai-access/activity/",
    "/numbers/ai-access/activity/?q=status:running",
    "/numbers/ai-access/activity/?q=status:error+colour:red",
    "/numbers/ai-access/activity/{call_id}/",
    "/numbers/ai-access/activity/exports/",
    "/numbers/ai-access/alerts/",
    "/numbers/ai-access/alerts/{alert_id}/",
    "/numbers/ai-access/doctor/",
)
APPROVALS = (
    "/approvals/",
    "/approvals/?tab=decided",
    "/approvals/?tab=expired",
    "/approvals/{approval_id}/",
    "/approvals/{flow_approval_id}/",
    "/approvals/{message_approval_id}/",
    "/settings/approvals/",
    "/settings/approvals/{action}/",
)
# One of the above, later.
DECIDED = (
    "/approvals/{rejected_id}/",
    "/approvals/{expired_id}/",
    "/approvals/{cancelled_id}/",
    "/approvals/{executing_id}/",
    "/approvals/{executed_id}/",
    "/approvals/{failed_id}/",
)
PORTAL = (
    "/",
    "/numbers/",
    "/numbers/?q=9999999",
    "/numbers/{number_id}/",
    "/numbers/{number_id}/routing/",
    "/numbers/{number_id}/messaging/",
    "/numbers/{number_id}/emergency/",
    "/numbers/{number_id}/activity/",
    "/numbers/{quarantine_id}/",
    "/numbers/{number_id}/give-up/",
    "/numbers/search/",
    "/numbers/search/?country=NL",
    "/numbers/search/?country=NL&digits=%3F%3F",
    "/callflows/",
    "/callflows/{call_flow_id}/",
    "/trunks/",
    "/trunks/{trunk_id}/",
    "/trunks/{trunk_id}/setup/",
    "/messaging/",
    "/messaging/opt-outs/",
    "/messaging/{batch_id}/",
    "/docs/",
    "/docs/?q=porting",
    "/docs/?q=zzzzzzzz",
    "/docs/{slug}/",
    "/docs/tools/draft_order_number/",
    "/settings/profile/",
    "/settings/profile/email/",
    "/settings/security/",
    "/settings/account/",
    "/settings/members/",
    "/settings/members/{membership_id}/",
    "/settings/members/{membership_id}/remove/",
    "/settings/leave/",
    "/settings/messaging/",
    "/settings/alerts/",
    "/account/password/change/",
    "/account/email/{token}/",
    "/account/invitation/{secret}/",
    "/account/logout/",
)
# Without a session.
DOORS = (
    "/account/login/",
    "/account/signup/",
    "/account/inactive/",
    "/account/password/reset/",
    "/account/password/reset/done/",
    "/account/password/reset/key/{uidb36}-{key}/",
    "/account/password/reset/key/done/",
    "/account/invitation/{secret}/",
    "/oauth/authorize",
)
# What a new account sees of its lists.
EMPTY = (
    "/",
    "/numbers/",
    "/callflows/",
    "/trunks/",
    "/messaging/",
    "/messaging/opt-outs/",
    "/approvals/",
    "/numbers/ai-access/",
    "/numbers/ai-access/tokens/",
    "/numbers/ai-access/apps/",
    "/numbers/ai-access/usage/",
    "/numbers/ai-access/activity/",
    "/numbers/ai-access/activity/exports/",
    "/numbers/ai-access/alerts/",
)

_POST = "answers POST only"
_GOES_ON = "leads elsewhere when it is only opened"
_FILE = "a file"
_PIECE = "a piece of a page that is fetched again"
_MACHINES = "for machines"
NO_PAGES = {
    "/oauth/register": _MACHINES,
    "/oauth/token": _MACHINES,
    "/oauth/revoke": _MACHINES,
    "/healthz": _MACHINES,
    "/readyz": _MACHINES,
    "/metrics": _MACHINES,
    "/carriers/{carrier}/webhook": _MACHINES,
    "/account/tenant/": _POST,
    "/account/theme/": _POST,
    "/settings/": _GOES_ON,
    "/settings/security/sign-out-others/": _POST,
    "/settings/security/{session_id}/sign-out/": _POST,
    "/settings/members/invitations/{invitation_id}/resend/": _POST,
    "/settings/members/invitations/{invitation_id}/withdraw/": _POST,
    "/settings/alerts/test/": _POST,
    "/settings/alerts/remove/": "asks about a webhook that is set: test_alerts.py looks at it",
    "/approvals/together/": "answers POST only: test_approvals.py looks at it",
    "/approvals/{approval_id}/approve/": _POST,
    "/approvals/{approval_id}/reject/": _POST,
    "/approvals/{approval_id}/cancel/": _POST,
    "/approvals/{approval_id}/progress/": _PIECE,
    "/callflows/{call_flow_id}/revisions/{number}/publish/": _POST,
    "/callflows/changes/{change_id}/": _GOES_ON,
    "/trunks/{trunk_id}/password/": _GOES_ON,
    "/trunks/{trunk_id}/setup/{name}": _FILE,
    "/messaging/opt-outs/{opt_out_id}/end/": _POST,
    "/docs/index.md": _FILE,
    "/docs/{slug}.md": _FILE,
    "/llms.txt": _FILE,
    "/numbers/ai-access/activity/exports/{export_id}/file/": _FILE,
    "/numbers/ai-access/activity/export/": _POST,
    "/numbers/ai-access/tokens/new/create/": _GOES_ON,
    "/numbers/ai-access/tokens/new/disconnect/{token_id}/": _POST,
    "/numbers/ai-access/tokens/new/disconnect-app/{consent_id}/": _POST,
    "/numbers/ai-access/tokens/{token_id}/first-call/": _PIECE,
    "/numbers/ai-access/tokens/{token_id}/lift/": _POST,
    "/numbers/ai-access/tokens/{token_id}/rotate/": _GOES_ON,
    "/numbers/ai-access/tokens/{token_id}/limit/": _GOES_ON,
    "/numbers/ai-access/apps/{consent_id}/first-call/": _PIECE,
    "/numbers/ai-access/usage/days.csv": _FILE,
    "/numbers/ai-access/usage/statements.csv": _FILE,
    "/numbers/ai-access/alerts/{alert_id}/acknowledge/": _POST,
    "/numbers/ai-access/doctor/watch/": _POST,
    "/numbers/ai-access/doctor/self-test/": "answers POST only: test_doctor.py looks at it",
    "/numbers/ai-access/notices/{notice_id}/dismiss/": _POST,
    "/numbers/search/reserve/": _POST,
    "/numbers/search/release/{reservation_id}/": _POST,
    "/numbers/{number_id}/restore/": _POST,
    "/numbers/order/": _POST,
    "/numbers/connect/": _POST,
    "/numbers/tags/": _POST,
    "/numbers/{number_id}/tags/": _POST,
    "/numbers/{number_id}/connect/": _POST,
}
# Answers JSON, all of it; and the admin, which is walked by its own registry.
NO_PAGES_UNDER = ("/api/v1/", "/.well-known/", "/admin/")


def routes() -> Iterator[str]:
    """Every route of the portal, admin apart."""
    for route in url_map.routes():
        yield re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", simplify_regex(route).replace("\\", ""))
