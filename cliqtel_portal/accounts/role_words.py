"""What each role may, in a line (product.md, Roles). Each may all that those before it may."""

from __future__ import annotations

from cliqtel_portal.accounts.models import Membership

Role = Membership.Role

ROLE_WORDS: dict[str, str] = {
    Role.VIEWER: "Reads the pages. No AI access.",
    Role.MEMBER: "Connects AI hosts that read and draft. Sees their own activity.",
    Role.APPROVER: "Decides approvals. Own AI hosts may buy, route and send, once approved.",
    Role.ADMIN: "Manages everyone's tokens and apps, the approval policy, limits and alerts.",
    Role.OWNER: "Also decides who is in the account.",
}
