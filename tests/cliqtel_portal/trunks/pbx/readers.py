"""Small parsers of what is generated, after the rules of the programs that will read it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass
class Section:
    name: str
    options: list[tuple[str, str]] = field(default_factory=list)

    def all(self, option: str) -> list[str]:
        return [value for name, value in self.options if name == option]

    def one(self, option: str) -> str:
        (value,) = self.all(option)
        return value


def asterisk_sections(text: str) -> list[Section]:
    """As Asterisk's config.c: ";" begins a comment unless escaped, "=" and "=>" are the same."""
    sections: list[Section] = []
    assert ";--" not in text, "that begins a comment of many lines"
    for raw in text.split("\n"):
        line = re.sub(r"(?<!\\);.*", "", raw).replace(r"\;", ";").strip()
        if not line:
            continue
        assert not line.startswith("#"), "#include and #exec act"
        if match := re.fullmatch(r"\[([A-Za-z0-9_-]+)\]", line):
            sections.append(Section(match[1]))
            continue
        name, separator, value = line.partition("=")
        assert separator, f"neither a section nor an option: {line}"
        assert sections, "an option before the first section"
        sections[-1].options.append((name.strip(), value.removeprefix(">").strip()))
    return sections


@dataclass
class Extension:
    pattern: str
    applications: list[str] = field(default_factory=list)


def dialplan(text: str) -> dict[str, list[Extension]]:
    """Contexts with their extensions, those of included contexts last."""
    sections = {one.name: one for one in asterisk_sections(text) if one.name != "globals"}
    own = {name: _extensions(section) for name, section in sections.items()}
    return {
        name: [*own[name], *(each for other in section.all("include") for each in own[other])]
        for name, section in sections.items()
    }


def _extensions(section: Section) -> list[Extension]:
    found: list[Extension] = []
    for option, value in section.options:
        if option == "exten":
            pattern, priority, application = value.split(",", 2)
            assert priority == "1"
            found.append(Extension(pattern, [application]))
        elif option == "same":
            priority, application = value.split(",", 1)
            assert priority == "n"
            found[-1].applications.append(application)
        else:
            assert option == "include"
    for extension in found:
        for application in extension.applications:
            assert re.fullmatch(r"[A-Za-z]+\(.*\)", application), application
            for opening, closing in ("()", "[]", "{}"):
                assert application.count(opening) == application.count(closing), application
    return found


def matching(extensions: list[Extension], dialled: str) -> Extension | None:
    """The first that matches: N is 2-9, Z is 1-9, X any digit, "." one or more of anything."""
    letters = {"N": "[2-9]", "Z": "[1-9]", "X": "[0-9]", ".": ".+"}
    for extension in sorted(extensions, key=lambda one: one.pattern.startswith("_")):
        pattern = extension.pattern
        expression = (
            "".join(letters.get(one) or re.escape(one) for one in pattern[1:])
            if pattern.startswith("_")
            else re.escape(pattern)
        )
        if re.fullmatch(expression, dialled):
            return extension
    return None


def values(text: str) -> dict[str, dict[str, str]]:
    """Sections of "Name: value" lines; what stands before the first section is for the reader."""
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] | None = None
    for line in text.splitlines():
        if match := re.fullmatch(r"\[(.+)\]", line):
            section = found.setdefault(match[1], {})
        elif line and section is not None:
            name, separator, value = line.partition(": ")
            assert separator, line
            assert value, line
            assert name not in section, line
            section[name] = value
    return found


@dataclass
class Command:
    name: str
    parameters: dict[str, str]


_TOKEN = re.compile(
    r"""'(?:[^']|'')*'          # a literal string
      | @\{ | \[ordered\]@\{ | @\( | [{}()\[\];=]
      | \$[A-Za-z][A-Za-z.]*    # a variable
      | -[A-Za-z]+
      | [A-Za-z0-9][A-Za-z0-9-]*""",
    re.VERBOSE,
)


def powershell_tokens(text: str) -> list[list[str]]:
    """The tokens of each line; anything that is no token fails."""
    lines = []
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        tokens, rest = [], line
        while rest:
            token = _TOKEN.match(rest)
            assert token, f"not PowerShell that we write: {rest}"
            tokens.append(token[0])
            rest = rest[token.end() :].lstrip()
        lines.append(tokens)
    return lines


def powershell_commands(text: str) -> list[Command]:
    """The cmdlets in order, with their parameters; "" is the value of none given."""
    commands = []
    for tokens in powershell_tokens(text):
        if not re.fullmatch(r"[A-Z][a-z]+-[A-Za-z]+", tokens[0]):
            continue
        parameters: dict[str, str] = {}
        name = ""
        for token in tokens[1:]:
            if re.fullmatch(r"-[A-Z][A-Za-z]+", token):
                name = token[1:]
                assert name not in parameters
                parameters[name] = ""
            else:
                assert name, f"{tokens[0]} has a value without a parameter"
                parameters[name] += token
        commands.append(Command(tokens[0], parameters))
    return commands
