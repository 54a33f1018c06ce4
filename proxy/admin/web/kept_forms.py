"""What was typed into a form whose session had ended, to be there again after the sign-in.

It travels in the address of the form's own page, so nothing is kept on the server for somebody
unknown. It is sealed for the browser that sent it: a link from elsewhere fills in no form. Secrets
are not among it, for no page repeats them.
"""

import hashlib
import hmac
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from aiohttp import web
from multidict import MultiDict, MultiMapping
from pydantic import BaseModel

from proxy.admin.auth.request_context import CONTEXT
from proxy.admin.web import forms
from proxy.admin.web.forms import Form

M = TypeVar("M", bound=BaseModel)

NAME = "kept"

RESTORED = web.RequestKey("restored", bool)
"""Set where a page shows a form again, so that it says so."""

# It is quoted twice on its way; a request line has at most 8190 octets (aiohttp's limit).
_LONGEST = 2500


def address(page: str, posted: MultiMapping[Any], model: type[BaseModel], *, secret: str) -> str:
    """Return the address at which a page shows a form as it was typed.

    Args:
        page: Its path.
        posted: The form's fields.
        model: Of the form.
        secret: The browser's.
    """
    typed = forms.read(posted, model).typed
    text = urlencode([(name, value) for name, values in typed.items() for value in values])
    if not text or len(text) > _LONGEST:
        return page
    return f"{page}?{NAME}={_seal(text, secret)}{quote(text, safe='')}"


def restored(request: web.Request, model: type[M]) -> Form[M] | None:
    """Return the form as it was typed; None where the address holds none of this browser's."""
    given = request.query.get(NAME, "")
    seal, text = given[:_SEAL_LENGTH], given[_SEAL_LENGTH:]
    if not text or not hmac.compare_digest(
        seal.encode(), _seal(text, request[CONTEXT].browser_id).encode()
    ):
        return None
    request[RESTORED] = True
    form = forms.read(MultiDict(parse_qsl(text, keep_blank_values=True)), model)
    return Form(form.value, form.typed)  # it is shown before anybody sends it: nothing is wrong


def _seal(text: str, secret: str) -> str:
    return hmac.new(secret.encode(), b"kept " + text.encode(), hashlib.sha256).hexdigest()


_SEAL_LENGTH = 2 * hashlib.sha256().digest_size
