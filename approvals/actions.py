"""What the actions are called on pages. Names only: what an action does is its executor's."""

from __future__ import annotations

# In the order of the settings page. Those that a policy can be made for.
ACTIONS = {
    "purchase_number": "Buy numbers",
    "assign_number": "Connect a number",
    "release_number": "Release a number",
    "update_route": "Change a call flow",
    "send_message": "Send messages",
}
# Of these, those that cost something: a rule about amounts says nothing about the others.
PRICED = frozenset({"purchase_number", "send_message"})
# What a title and a price don't say all of: a text, a picture, a loss. Decided on their own page.
NEEDS_A_LOOK = frozenset({"release_number", "update_route", "send_message"})


def words_of(action: str) -> str:
    """Also of an action that this version doesn't know: another process may have asked for it."""
    return ACTIONS.get(action) or action.replace("_", " ").capitalize()
