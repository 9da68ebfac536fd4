"""AI hosts as tiles, each with its ways to connect: by signing in, or with a token."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from mcp_access.views import snippets

# Words, not a token's form: what is pasted without being replaced can't be mistaken for one.
PLACEHOLDER = "YOUR_TOKEN"
# Articles of the docs.
_CLAUDE = "ai-access-connect-claude"
_OPENAI = "ai-access-connect-chatgpt-and-openai"
_EDITORS = "ai-access-connect-copilot-studio-cursor-vscode"
_CLIENTS = "ai-access-write-your-own-client"
_COOKIE = "ai_host"
_COOKIE_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Block:
    """Something to copy, whole and exact. `label` says what it is where there are several."""

    text: str
    language: str = ""
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Way:
    """`where`: what to open; `blocks`: what goes there. `link` opens the host itself."""

    where: str
    blocks: tuple[Block, ...]
    note: str = ""
    link: str = ""
    link_label: str = ""


@dataclass(frozen=True, kw_only=True)
class Host:
    """A host can sign in, use a token, or both. `caller` is whose network the calls come from.

    `guide` is the article of the docs with each step, and `guide_label` what it has.
    """

    key: str
    title: str
    subtitle: str
    sign_in: Way | None = None
    token: Way | None = None
    caller: str = ""
    guide: str = ""
    guide_label: str = "Each step, in the docs"

    @property
    def is_out_of_reach(self) -> bool:
        """Whether it calls from elsewhere, and the endpoint is on this machine or network."""
        return bool(self.caller) and _is_private(snippets.endpoint())


def hosts(token: str = PLACEHOLDER) -> list[Host]:
    """Every host, those that most people have first."""
    url = Block(text=snippets.endpoint())
    return [
        Host(
            key="claude",
            title="Claude",
            subtitle="Web, desktop",
            guide=_CLAUDE,
            caller="Anthropic's network",
            sign_in=Way(
                where="Customize (in older versions Settings) → Connectors → Add custom connector. "
                "Paste the URL, choose Add, then Connect, and sign in.",
                blocks=(url,),
                note="On Team and Enterprise plans an owner adds it for the organisation first.",
            ),
            token=Way(
                where="Claude Desktop: Settings → Developer → Edit config, then restart it. Needs "
                "Node.js. claude.ai in the browser signs in.",
                blocks=(Block(text=snippets.claude_desktop(token), language="json"),),
            ),
        ),
        Host(
            key="claude-code",
            title="Claude Code",
            subtitle="In the terminal",
            guide=_CLAUDE,
            sign_in=Way(
                where="Run this once, then type /mcp in Claude Code, choose cliqtel and sign in.",
                blocks=(
                    Block(text=snippets.claude_code(), language="sh"),
                    Block(
                        text=snippets.claude_project(),
                        language="json",
                        label="Or for everybody in a project, in .mcp.json:",
                    ),
                ),
            ),
            token=Way(
                where="Run this once, then type /mcp in Claude Code to see that it is connected.",
                blocks=(Block(text=snippets.claude_code(token), language="sh"),),
                note="Some versions pass over the header and ask you to sign in: then do that.",
            ),
        ),
        Host(
            key="chatgpt",
            title="ChatGPT",
            subtitle="Apps",
            guide=_OPENAI,
            caller="OpenAI's network",
            sign_in=Way(
                where="Settings → Apps → Advanced settings: switch on Developer mode. Then Create, "
                "Authentication OAuth, paste the URL and sign in.",
                blocks=(url,),
                note="ChatGPT has no field for a token. Programs use the OpenAI API.",
            ),
        ),
        Host(
            key="openai",
            title="OpenAI API",
            subtitle="Responses",
            guide=_OPENAI,
            caller="OpenAI's network",
            token=Way(
                where="A request with your OpenAI key; choose a model.",
                blocks=(Block(text=snippets.openai(token), language="sh"),),
                note="“never” is about OpenAI's own question. What costs money or changes "
                "something waits for a person here all the same.",
            ),
        ),
        Host(
            key="claude-api",
            title="Claude API",
            subtitle="Messages",
            guide=_CLAUDE,
            caller="Anthropic's network",
            token=Way(
                where="A request with your Anthropic key; choose a model.",
                blocks=(Block(text=snippets.claude_api(token), language="sh"),),
            ),
        ),
        Host(
            key="copilot-studio",
            title="Copilot Studio",
            subtitle="Microsoft agents",
            guide=_EDITORS,
            caller="Microsoft's network",
            sign_in=Way(
                where="Tools → Add a tool → New tool → Model Context Protocol. Paste the URL. "
                "Authentication: OAuth 2.0, type Dynamic discovery. Then create a connection and "
                "sign in.",
                blocks=(url,),
            ),
            token=Way(
                where="Tools → Add a tool → New tool → Model Context Protocol. Authentication: API "
                "key, type Header, header name Authorization.",
                blocks=(
                    Block(text=snippets.endpoint(), label="Server URL:"),
                    Block(text=snippets.bearer(token), label="API key, with the word Bearer:"),
                ),
            ),
        ),
        Host(
            key="cursor",
            title="Cursor",
            subtitle="Editor",
            guide=_EDITORS,
            sign_in=Way(
                where="Cursor asks before it adds the server; then sign in from its MCP settings.",
                link=snippets.cursor_link(),
                link_label="Add to Cursor",
                blocks=(
                    Block(
                        text=snippets.cursor(),
                        language="json",
                        label="Or by hand, in ~/.cursor/mcp.json:",
                    ),
                ),
            ),
            token=Way(
                where="In ~/.cursor/mcp.json, or .cursor/mcp.json of one project.",
                blocks=(Block(text=snippets.cursor(token), language="json"),),
            ),
        ),
        Host(
            key="vs-code",
            title="VS Code",
            subtitle="Copilot chat",
            guide=_EDITORS,
            sign_in=Way(
                where="VS Code asks before it adds the server; start it there and sign in.",
                link=snippets.vs_code_link(),
                link_label="Add to VS Code",
                blocks=(
                    Block(
                        text=snippets.vs_code_line(), language="sh", label="Or from the terminal:"
                    ),
                    Block(
                        text=snippets.vs_code(),
                        language="json",
                        label="Or by hand, command palette → MCP: Open User Configuration:",
                    ),
                ),
            ),
            token=Way(
                where="Command palette → MCP: Open User Configuration.",
                blocks=(Block(text=snippets.vs_code(token), language="json"),),
            ),
        ),
        Host(
            key="python",
            title="Python",
            subtitle="Official SDK",
            guide=_CLIENTS,
            guide_label="Whole programs, with a token and by signing in",
            token=Way(
                where="Install with: pip install mcp",
                blocks=(Block(text=snippets.python(token), language="python"),),
            ),
        ),
        Host(
            key="typescript",
            title="TypeScript",
            subtitle="Official SDK",
            guide=_CLIENTS,
            guide_label="Whole programs, with a token and by signing in",
            token=Way(
                where="Install with: npm install @modelcontextprotocol/client",
                blocks=(Block(text=snippets.typescript(token), language="typescript"),),
            ),
        ),
        Host(
            key="curl",
            title="curl",
            subtitle="A first test",
            token=Way(
                where="Calls whoami: which account, which scopes, which limits are left.",
                blocks=(Block(text=snippets.curl(token), language="sh"),),
            ),
        ),
        Host(
            key="inspector",
            title="Inspector",
            subtitle="Tries every tool",
            sign_in=Way(
                where="Opens in the browser: choose Connect and sign in. Needs Node.js 22.19.",
                blocks=(Block(text=snippets.inspector(), language="sh"),),
            ),
            token=Way(
                where="Lists the tools that the token may see. Needs Node.js 22.19.",
                blocks=(Block(text=snippets.inspector(token), language="sh"),),
            ),
        ),
    ]


def hosts_of_tokens(token: str) -> list[Host]:
    """Those that take a token, by that way alone."""
    return [replace(host, sign_in=None) for host in hosts(token) if host.token is not None]


def chosen(request: HttpRequest, among: Sequence[Host], otherwise: str) -> str:
    """The host to show: of the address (`?host=`), else the one shown last, else `otherwise`."""
    known = {host.key for host in among}
    wanted = (request.GET.get("host", ""), request.COOKIES.get(_COOKIE, ""), otherwise)
    return next(key for key in wanted if key in known)


def remember(request: HttpRequest, response: HttpResponse, among: Sequence[Host]) -> None:
    """A host that was asked for by address is the one to show next time, without script too."""
    asked = request.GET.get("host", "")
    if any(host.key == asked for host in among):
        response.set_cookie(_COOKIE, asked, max_age=_COOKIE_SECONDS, samesite="Lax")


def _is_private(url: str) -> bool:
    name = urlsplit(url).hostname or ""
    if name == "localhost":
        return True
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        return False
