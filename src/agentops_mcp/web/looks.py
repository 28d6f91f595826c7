"""Templates filled in: everything that is put into one is made visible and escaped, whoever wrote it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from agentops_mcp.core.clock import Clock
from agentops_mcp.core.display import gist
from agentops_mcp.core.lookalikes import revealed

_HERE = Path(__file__).parent
_STATIC = {
    "style.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml",
}  # fmt: skip
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_SEVERAL = 2


class Looks:
    """The templates of the page."""

    def __init__(self, clock: Clock) -> None:
        environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True, finalize=_shown,
        )  # fmt: skip
        filters = cast("dict[str, Any]", environment.filters)
        filters |= {"ago": _since(clock), "left": _until(clock), "when": _when, "span": span, "gist": gist}
        self._environment = environment

    def page(self, template: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
        """A page of HTML."""
        return HTMLResponse(self._environment.get_template(template).render(values), status_code=status)


def static(name: str) -> tuple[bytes, str] | None:
    """A file of the page, and its type; None when there is none of this name."""
    kind = _STATIC.get(name)
    return None if kind is None else ((_HERE / "static" / name).read_bytes(), kind)


def span(seconds: float) -> str:
    """A length of time, roughly: `40 s`, `12 min`, `3 h`, `2 days`."""
    for unit, size in (("days", _DAY_S), ("h", _HOUR_S), ("min", _MINUTE_S)):
        if seconds >= size * (_SEVERAL if unit == "days" else 1):
            return f"{seconds // size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _shown(value: Any) -> Any:
    return revealed(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _since(clock: Clock) -> Callable[[datetime], str]:
    return lambda at: span((clock() - at).total_seconds())


def _until(clock: Clock) -> Callable[[datetime], str]:
    return lambda at: span((at - clock()).total_seconds())
