"""A message out: one exchange, and what its answer means."""

import json

from wit_world.exports import outbound as o
from wit_world.imports import errors as e
from wit_world.imports import messages
from wit_world.imports import types as t

from parrot import strict_json
from parrot.descriptor import HOST, MESSAGES_PATH
from parrot.failure import NEVER, UNCERTAIN, failure, from_response, from_transport, well_formed

ANSWER_BYTES_MAX = 64 * 1024
ID_CHARS_MAX = 128


def start(_context, message):
    if not isinstance(message.content, messages.Content_Text):
        kind = type(message.content).__name__.removeprefix("Content_").lower()
        raise failure(e.Code.UNSUPPORTED, NEVER, f"Parrot cannot send {kind}", remedy="Send a text.")
    if not isinstance(message.to, messages.Address_Phone):
        detail = "Parrot reaches people by phone number only"
        raise failure(e.Code.UNSUPPORTED, NEVER, detail, remedy="Give a phone number.")
    document = {
        "from": message.sender,
        "to": f"+{message.to.value}",
        "text": message.content.value.body,
        # Comes back in every status, so that one which arrives before the answer still finds its message.
        "reference": message.id,
    }
    if message.reply_to is not None:
        document["reply_to"] = message.reply_to
    return o.Progress_Exchange(_post(json.dumps(document, ensure_ascii=False)))


def resume(_context, _message, _state, outcome):
    if isinstance(outcome, t.Outcome_Response):
        return o.Progress_Done(_accepted(outcome.value))
    if isinstance(outcome, t.Outcome_Failed):
        raise from_transport(outcome.value)
    raise failure(e.Code.MISCONFIGURED, NEVER, "this plugin stores no answers")


def _post(document):
    request = t.HttpRequest(
        method=t.HttpMethod.POST,
        url=f"https://{HOST}{MESSAGES_PATH}",
        query=t.Query_Fields([]),
        headers=[t.Field("authorization", [t.Piece_Text("Bearer "), t.Piece_Secret("api_key")])],
        body=t.Body_Json(t.JsonBody(document, [])),
        timeout_ms=None,
    )
    return t.Exchange(
        label="send",
        request=request,
        # Parrot has no idempotency key: a lost answer must not be sent again.
        replay=t.Replay.UNSAFE,
        sink=t.Sink_Buffer(ANSWER_BYTES_MAX),
        capture=[],
        memo=None,
        bucket=None,
        delay_ms=0,
        state=b"",
    )


def _accepted(response):
    if not 200 <= response.status <= 299:
        raise from_response(response)
    try:
        identifier = strict_json.parse(response.body).get("id")
    except (ValueError, AttributeError):
        identifier = None
    if not isinstance(identifier, str) or not 0 < len(identifier) <= ID_CHARS_MAX:
        # It was accepted and cannot be matched: never again.
        detail = "Parrot accepted the message and named no id"
        raise failure(e.Code.MALFORMED_RESPONSE, UNCERTAIN, detail)
    return o.Accepted(well_formed(identifier), [], None, True)
