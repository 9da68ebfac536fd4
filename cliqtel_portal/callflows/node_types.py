"""The table of node types. To add one, add one entry to `NODE_TYPES`: parsing, lint, diff and
drawing follow it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from cliqtel_portal.callflows.config_fields import (
    Choice,
    Config,
    Date,
    Field,
    HttpsUrl,
    Listing,
    Pattern,
    Problems,
    Text,
    TimeZone,
    Whole,
    join,
    quoted,
    refuse_unknown_keys,
    texts,
)
from cliqtel_portal.callflows.opening_hours import Hours


class Need(Enum):
    REQUIRED = "required"  # without it a call is lost: lint error
    ADVISED = "advised"  # without it a failure ends the call: lint warning
    OPTIONAL = "optional"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A way out of a node; edges name it in `on`."""

    on: str
    label: str
    need: Need = Need.OPTIONAL


ConfigCheck = Callable[[Config], Iterator[tuple[str, str]]]


@dataclass(frozen=True, kw_only=True)
class NodeType:
    """What a node of this type holds and which ways lead out of it.

    summary: one line for a drawing; `{key}` stands for that config value as a person reads it.
    cases_from: the config key whose entries are outcomes too.
    choices: outcomes of which at least one must lead on.
    may_connect: somebody can answer here, and then the call has left the flow.
    check: what no single field can see; yields (config key, message).
    """

    label: str
    summary: str
    config: Mapping[str, Field]
    outcomes: tuple[Outcome, ...] = ()
    cases_from: str = ""
    choices: frozenset[str] = field(default_factory=frozenset)
    may_connect: bool = False
    check: ConfigCheck | None = None

    @property
    def is_terminal(self) -> bool:
        return not self.outcomes

    def outcomes_for(self, config: Config) -> Mapping[str, Outcome]:
        """Every allowed outcome by name, in the order a person expects them."""
        cases = texts(config.get(self.cases_from))
        every = [Outcome(on=case, label=case, need=Need.REQUIRED) for case in cases]
        return {outcome.on: outcome for outcome in (*every, *self.outcomes)}

    def read_config(self, value: object, path: str, problems: Problems) -> Config | None:
        """The config with defaults filled in, or None and at least one more problem."""
        if not isinstance(value, Mapping):
            problems.add(path, "must be an object")
            return None
        before = problems.count
        refuse_unknown_keys(value, self.config, path, problems)
        config = {key: kind.default for key, kind in self.config.items()}
        for key, kind in self.config.items():
            if key in value:
                config[key] = kind.read(value[key], join(path, key), problems)
            elif kind.required:
                problems.add(join(path, key), f"is required: {kind.expects}")
        complete = {key: entry for key, entry in config.items() if entry is not None}
        if self.check is not None and problems.count == before:
            for key, message in self.check(complete):
                problems.add(join(path, key), message)
        return complete if problems.count == before else None

    def summarize(self, config: Config) -> str:
        return self.summary.format_map(
            {
                key: kind.show(config[key]) if key in config else ""
                for key, kind in self.config.items()
            }
        )


E164 = r"\+[1-9][0-9]{6,14}"
_NUMBER = Pattern(
    label="number",
    required=True,
    pattern=E164,
    meaning="a number in international form such as +31201234567",
)
_ENDPOINT = Pattern(
    label="endpoint",
    pattern=rf"{E164}|[A-Za-z0-9][A-Za-z0-9._-]{{0,63}}",
    meaning="a SIP user or extension such as 101, or a number such as +31612345678",
)
_PROMPT = Text(label="prompt", required=True, max_length=1000)


def _endpoints(label: str, *, required: bool) -> Listing:
    return Listing(label=label, required=required, item=_ENDPOINT, max_items=50)


def _ring_seconds(default: int) -> Whole:
    return Whole(label="ringing time", minimum=5, maximum=120, unit="s", default=default)


_CASES = {
    "caller_number_prefix": (r"\+[1-9][0-9]{0,14}", "the start of a number such as +31"),
    "caller_country": (r"[A-Z]{2}", "a country code of two capitals such as NL"),
    "language": (r"[a-z]{2,3}(-[A-Z]{2})?", "a language tag such as nl or nl-BE"),
}


def _check_cases(config: Config) -> Iterator[tuple[str, str]]:
    pattern, meaning = _CASES[str(config["field"])]
    for index, case in enumerate(texts(config["cases"])):
        if not re.fullmatch(pattern, case):
            yield f"cases.{index}", f"{quoted(case)} must be {meaning}"


NODE_TYPES: Mapping[str, NodeType] = {
    "schedule": NodeType(
        label="Schedule",
        summary="{hours}",
        config={
            "time_zone": TimeZone(label="time zone", required=True),
            "hours": Hours(label="hours", required=True),
            "holidays": Listing(
                label="holidays",
                item=Date(label="holiday"),
                min_items=0,
                max_items=200,
                is_ordered=False,
                default=(),
            ),
        },
        outcomes=(
            Outcome(on="open", label="open", need=Need.REQUIRED),
            Outcome(on="closed", label="closed", need=Need.REQUIRED),
            Outcome(on="holiday", label="holiday"),
        ),
    ),
    "menu": NodeType(
        label="Menu",
        summary="{prompt}",
        config={
            "prompt": _PROMPT,
            "timeout_seconds": Whole(
                label="wait for a key", minimum=1, maximum=60, unit="s", default=5
            ),
            "retries": Whole(label="retries", minimum=0, maximum=5, default=2),
        },
        outcomes=(
            *(Outcome(on=key, label=f"key {key}") for key in "1234567890*#"),
            Outcome(on="no_input", label="no key pressed", need=Need.REQUIRED),
            Outcome(on="invalid", label="wrong key"),
        ),
        choices=frozenset("1234567890*#"),
    ),
    "queue": NodeType(
        label="Queue",
        summary="{strategy}, at most {max_wait_seconds}",
        config={
            "strategy": Choice(
                label="strategy",
                choices={
                    "longest_idle": "longest idle first",
                    "round_robin": "in turn",
                    "ring_all": "all at once",
                },
                default="longest_idle",
            ),
            "max_wait_seconds": Whole(
                label="longest wait", required=True, minimum=10, maximum=7200, unit="s"
            ),
            "max_callers": Whole(label="most callers", minimum=1, maximum=1000),
            "members": _endpoints("members", required=False),
        },
        outcomes=(
            Outcome(on="timeout", label="waited too long", need=Need.REQUIRED),
            Outcome(on="full", label="queue full"),
        ),
        may_connect=True,
    ),
    "ring_group": NodeType(
        label="Ring group",
        summary="{endpoints} {strategy}, {ring_seconds}",
        config={
            "strategy": Choice(
                label="strategy",
                choices={"simultaneous": "all at once", "sequential": "one after another"},
                default="simultaneous",
            ),
            "ring_seconds": _ring_seconds(20),
            "endpoints": _endpoints("endpoints", required=True),
        },
        outcomes=(Outcome(on="no_answer", label="no answer", need=Need.REQUIRED),),
        may_connect=True,
    ),
    "forward": NodeType(
        label="Forward",
        summary="{to}, {ring_seconds}",
        config={"to": _NUMBER, "ring_seconds": _ring_seconds(25)},
        outcomes=(
            Outcome(on="no_answer", label="no answer", need=Need.ADVISED),
            Outcome(on="failed", label="failed", need=Need.ADVISED),
        ),
        may_connect=True,
    ),
    "play": NodeType(
        label="Message",
        summary="{prompt}",
        config={"prompt": _PROMPT},
        outcomes=(Outcome(on="next", label="then", need=Need.REQUIRED),),
    ),
    "voicemail": NodeType(
        label="Voicemail",
        summary="{mailbox}",
        config={
            "greeting": Text(label="greeting", max_length=1000),
            "mailbox": Pattern(
                label="mailbox",
                required=True,
                pattern=r"[A-Za-z0-9._%+-]{1,64}(@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,4})?",
                meaning="an e-mail address, or the id of a mailbox",
            ),
        },
    ),
    "hangup": NodeType(
        label="Hang up",
        summary="{reason}",
        config={
            "reason": Choice(
                label="reason",
                choices={
                    "normal": "normal end",
                    "busy": "busy tone",
                    "rejected": "call rejected",
                    "unavailable": "not available",
                },
                default="normal",
            )
        },
    ),
    "trunk": NodeType(
        label="SIP trunk",
        summary="{trunk_id}",
        config={
            "trunk_id": Pattern(
                label="trunk",
                required=True,
                pattern=r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                meaning="the UUID of a trunk",
                lowercase=True,
            )
        },
        outcomes=(Outcome(on="failed", label="failed", need=Need.ADVISED),),
        may_connect=True,
    ),
    "webhook": NodeType(
        label="Webhook",
        summary="{url}",
        config={
            "url": HttpsUrl(label="address", required=True),
            "timeout_seconds": Whole(
                label="longest wait", minimum=1, maximum=30, unit="s", default=5
            ),
        },
        outcomes=(
            Outcome(on="ok", label="ok", need=Need.REQUIRED),
            Outcome(on="failed", label="failed", need=Need.REQUIRED),
        ),
    ),
    "condition": NodeType(
        label="Condition",
        summary="{field}: {cases}",
        config={
            "field": Choice(
                label="looks at",
                required=True,
                choices={
                    "caller_number_prefix": "caller's number",
                    "caller_country": "caller's country",
                    "language": "language",
                },
            ),
            "cases": Listing(
                label="cases", required=True, item=Text(label="case", max_length=20), max_items=20
            ),
        },
        outcomes=(Outcome(on="default", label="otherwise", need=Need.REQUIRED),),
        cases_from="cases",
        check=_check_cases,
    ),
}
