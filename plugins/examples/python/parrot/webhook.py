"""Parrot's webhook: `{"number": "...", "events": [...]}`.

Total: what is not understood becomes `other` with its raw part, and only a body that is no JSON object at
all is an error.
"""

import hashlib
import json
import re

from wit_world.exports import inbound as i
from wit_world.imports import errors as e
from wit_world.imports import types as t

from parrot import strict_json
from parrot.failure import NEVER, failure, from_status, well_formed

# As many as one call may return: each further page reads the whole body again.
PAGE_ITEMS = 2000
NAME_CHARS_MAX = 128
_PHONE = re.compile(r"\+?([0-9]{5,15})")
_STATES = {
    "queued": i.State.QUEUED,
    "sent": i.State.SENT,
    "delivered": i.State.DELIVERED,
    "read": i.State.READ,
    "failed": i.State.FAILED,
}
_SECONDS_MAX = 100_000_000_000


def parse(_context, webhook, skip):
    body = _body_of(webhook.body)
    number = _name(body.get("number"))
    route = i.Route_App() if number is None else i.Route_Sender(number)
    events = body.get("events")
    if not isinstance(events, list):
        return i.Parsed([] if skip > 0 else [_other(route, "", body)], None)
    page = events[skip : skip + PAGE_ITEMS]
    items = [
        _item(route, f"/events/{skip + index}", event, webhook.received_at)
        for index, event in enumerate(page)
    ]
    following = skip + len(page)
    return i.Parsed(items, following if following < len(events) else None)


def _body_of(body):
    try:
        parsed = strict_json.parse(body)
    except ValueError:
        raise failure(e.Code.MALFORMED_RESPONSE, NEVER, "the webhook's body is not JSON") from None
    if not isinstance(parsed, dict):
        raise failure(e.Code.MALFORMED_RESPONSE, NEVER, "the webhook's body is no JSON object")
    return parsed


def _item(route, pointer, event, received_at):
    if isinstance(event, dict):
        read = {"message": _message, "status": _status}.get(_name(event.get("type")))
        found = read(event, received_at) if read else None
        if found is not None:
            return i.Item(route, pointer, *found)
    return _other(route, pointer, event)


def _message(event, received_at):
    identifier, sender, text = _name(event.get("id")), _digits(event.get("from")), event.get("text")
    if identifier is None or sender is None or not isinstance(text, str):
        return None
    message = i.Message(
        provider_message_id=identifier,
        sender=t.Party(sender, None, None, _name(event.get("name"))),
        group=None,
        at=_time(event.get("at"), received_at),
        reply_to=_name(event.get("reply_to")),
        forwarded=event.get("forwarded") is True,
        content=i.Content_Text(well_formed(text)),
        referral=None,
    )
    return f"message:{identifier}", i.Event_Message(message)


def _status(event, received_at):
    identifier, name = _name(event.get("id")), _name(event.get("status"))
    if identifier is None or name not in _STATES:
        return None
    status = i.Status(
        provider_message_id=identifier,
        recipient=None,
        state=_STATES[name],
        at=_time(event.get("at"), received_at),
        error=from_status(event.get("error")) if name == "failed" else None,
        pricing=None,
        conversation_id=None,
        message_id=_name(event.get("reference")),
        group=None,
    )
    return f"status:{identifier}:{name}", i.Event_Status(status)


def _other(route, pointer, event):
    raw = json.dumps(event, separators=(",", ":"))
    key = hashlib.sha256(raw.encode()).hexdigest()[:16]
    return i.Item(route, pointer, f"other:{key}", i.Event_Other(raw))


def _name(value):
    """A short text, or nothing."""
    if isinstance(value, str) and 0 < len(value) <= NAME_CHARS_MAX:
        return well_formed(value)
    return None


def _digits(value):
    """A phone number as the interface writes it: digits without a plus."""
    match = _PHONE.fullmatch(value) if isinstance(value, str) else None
    return match.group(1) if match else None


def _time(seconds, otherwise):
    """Parrot writes seconds; anything else is not believed. The interface has milliseconds."""
    if type(seconds) is int and 0 < seconds < _SECONDS_MAX:
        return seconds * 1000
    return otherwise
