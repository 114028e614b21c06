"""Parrot's failures, mapped to the closed list that the host acts on: by Parrot's own code first, by the
HTTP status second."""

from componentize_py_types import Err
from wit_world.imports import errors as e
from wit_world.imports import types as t

from parrot import strict_json

NEVER = e.Retry_Never()
BACKOFF = e.Retry_Backoff()
UNCERTAIN = e.Retry_Uncertain()

RETRY_AFTER_S_MAX = 86_400
CODE_CHARS_MAX = 64

_BY_CODE = {
    "number_not_on_whatsapp": (e.Code.RECIPIENT_UNKNOWN, "Check the number; it has no WhatsApp account."),
    "opted_out": (
        e.Code.RECIPIENT_OPTED_OUT,
        "Do not write to this person again before they write to you.",
    ),
    "window_closed": (e.Code.WINDOW_CLOSED, "Send a template, or wait until the customer writes."),
    "no_credit": (e.Code.PAYMENT_REQUIRED, "Top up the account at Parrot's console."),
}
_THROTTLED = "too_many_requests"
_UNSENT = {
    t.TransportFailure.DNS,
    t.TransportFailure.CONNECT,
    t.TransportFailure.TLS,
    t.TransportFailure.TIMEOUT_BEFORE_SEND,
    t.TransportFailure.CANCELED,
}


def failure(code, retry, detail, *, provider_code=None, remedy=None):
    """An error to raise. `detail` is for operators: which answer, never what a person wrote."""
    return Err(e.Error(code, retry, provider_code, None, detail, remedy, []))


def from_response(response):
    """An answer that is not 2xx."""
    name = _code_of(response.body)
    code, retry, remedy = _meaning(response, name)
    detail = f"Parrot answered {response.status}" + (f" {name}" if name else "")
    return failure(code, retry, detail, provider_code=name, remedy=remedy)


def from_status(error):
    """The reason inside a status `failed`."""
    name = text(error.get("code")) if isinstance(error, dict) else None
    code, remedy = _BY_CODE.get(name, (e.Code.OTHER, None))
    detail = f"Parrot reports {name or 'a failure without a reason'}"
    return e.Error(code, NEVER, name, None, detail, remedy, [])


def from_transport(kind):
    """No answer was read. Whether the message went out is known only when it cannot have left."""
    if kind == t.TransportFailure.DENIED:
        retry = NEVER
    elif kind in _UNSENT:
        retry = BACKOFF
    else:
        retry = UNCERTAIN
    name = kind.name.lower().replace("_", "-")
    return failure(e.Code.PROVIDER_UNAVAILABLE, retry, f"no answer from Parrot: {name}")


def _meaning(response, name):
    status = response.status
    if name in _BY_CODE:
        code, remedy = _BY_CODE[name]
        return code, NEVER, remedy
    if name == _THROTTLED or status == 429:
        return e.Code.RATE_LIMITED, _wait(response), None
    if status in (401, 403):
        return e.Code.AUTH_FAILED, NEVER, "Set the channel's api_key to the one that Parrot's console shows."
    if status >= 500:
        # Parrot's documents say that a 5xx means that nothing was sent.
        return e.Code.PROVIDER_UNAVAILABLE, _wait(response), None
    if status in (400, 422):
        return e.Code.INVALID_MESSAGE, NEVER, None
    return e.Code.OTHER, NEVER, None


def _wait(response):
    seconds = dict(response.headers).get("retry-after", "")
    if seconds.isascii() and seconds.isdigit() and 0 < int(seconds[:9]):
        return e.Retry_AfterMs(min(int(seconds[:9]), RETRY_AFTER_S_MAX) * 1000)
    return BACKOFF


def _code_of(body):
    try:
        error = strict_json.parse(body).get("error")
        return text(error.get("code")) if isinstance(error, dict) else None
    except (ValueError, AttributeError):
        return None


def text(value):
    """A short text that can leave this component, or nothing."""
    if not isinstance(value, str) or value == "":
        return None
    return well_formed(value)[:CODE_CHARS_MAX]


def well_formed(value):
    """JSON may hold half of a surrogate pair, which is no Unicode text."""
    return value.encode("utf-8", "replace").decode("utf-8")
