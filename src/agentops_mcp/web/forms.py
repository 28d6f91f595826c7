"""Forms as browsers send them, read with care."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

_LARGEST_BYTES = 64 << 10
_MOST_FIELDS = 30


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form, line breaks as line feeds; of a field that is there twice the first.

    Raises:
        HTTPException: it is no form (415), too large (413), or can not be read (400).
    """
    body = await _body(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "Only a form of this page is read.")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=_MOST_FIELDS,
        )  # fmt: skip
    except ValueError as error:
        raise HTTPException(400, "The form can not be read.") from error
    return {name: value.replace("\r\n", "\n") for name, value in reversed(pairs)}


async def _body(request: Request) -> bytes:
    found = bytearray()
    try:
        async for chunk in request.stream():
            found += chunk
            if len(found) > _LARGEST_BYTES:
                raise HTTPException(413, f"A form has at most {_LARGEST_BYTES >> 10} KiB.")
    except ClientDisconnect as error:
        raise HTTPException(400, "The form is not complete.") from error
    return bytes(found)
