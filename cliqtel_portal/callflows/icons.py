"""One sign for each type of node, for drawings and lists."""

from __future__ import annotations

from collections.abc import Mapping

# Path data on a grid of 24 by 24, to be stroked.
ICONS: Mapping[str, str] = {
    "schedule": "M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 0 0 0-17zM12 7.5V12l3 2",
    "menu": "M4.5 4h3v3h-3zM10.5 4h3v3h-3zM16.5 4h3v3h-3zM4.5 10.5h3v3h-3zM10.5 10.5h3v3h-3z"
    "M16.5 10.5h3v3h-3zM10.5 17h3v3h-3z",
    "queue": "M4 6h16M4 12h9M4 18h9M18 11v8M15 16l3 3l3-3",
    "ring_group": "M9 11a3 3 0 1 0 0-6a3 3 0 0 0 0 6zM3.5 19a5.5 5.5 0 0 1 11 0"
    "M16 5.3a3 3 0 0 1 0 5.5M17.5 14a5.5 5.5 0 0 1 3 5",
    "forward": "M4 17v-3a6 6 0 0 1 6-6h9M15 4l4 4l-4 4",
    "play": "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
    "voicemail": "M7 8.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 0 0 0-7zM17 8.5a3.5 3.5 0 1 0 0 7"
    "a3.5 3.5 0 0 0 0-7zM7 15.5h10",
    "hangup": "M3.5 14.5c4.5-4.6 12.5-4.6 17 0l-2.6 2.6l-3.4-2v-2.4a9 9 0 0 0-5 0v2.4l-3.4 2z",
    "trunk": "M4 4h16v6.5H4zM4 13.5h16V20H4zM7.5 7.2h2M7.5 16.8h2",
    "webhook": "M8.5 8L4.5 12l4 4M15.5 8l4 4l-4 4M13.5 5.5l-3 13",
    "condition": "M4 12h5l5-6h5M9 12l5 6h5M16.5 3.5L19 6l-2.5 2.5M16.5 15.5L19 18l-2.5 2.5",
}
