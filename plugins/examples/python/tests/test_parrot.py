"""Runs natively on the generated types: no component, no host."""

import json
import unittest

from componentize_py_types import Err
from wit_world.exports import inbound as i
from wit_world.exports import outbound as o
from wit_world.imports import errors as e
from wit_world.imports import messages
from wit_world.imports import types as t

from parrot import descriptor, send, webhook

CONTEXT = t.Context([("number", "15550100")], 1_790_000_000_000, b"\0" * 32, None)
AT = 1_790_000_000_000


def message(content=None, to=None):
    content = content or messages.Content_Text(messages.Text("Hallo {{api_key}}", False))
    to = to or messages.Address_Phone("4915112345678")
    return messages.Message("01J9ZQ5Y3W8V7T6S5R4Q3P2N1M", to, "15550100", content, None, "{}")


def answered(status, body, headers=()):
    return t.Outcome_Response(t.HttpResponse(status, list(headers), body))


def parse(body, skip=0):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return webhook.parse(CONTEXT, i.Webhook("main", t.HttpMethod.POST, [], [], body, AT), skip)


class Sending(unittest.TestCase):
    def test_a_text_becomes_one_request_with_the_text_verbatim(self):
        exchange = send.start(CONTEXT, message()).value
        document = json.loads(exchange.request.body.value.document)
        self.assertEqual(document["text"], "Hallo {{api_key}}")
        self.assertEqual(document["to"], "+4915112345678")
        self.assertEqual(exchange.replay, t.Replay.UNSAFE)
        self.assertIn(t.Piece_Secret("api_key"), exchange.request.headers[0].value)

    def test_what_parrot_cannot_do_is_unsupported(self):
        location = messages.Content_Location(messages.Location(1.0, 2.0, None, None))
        for wrong in (message(content=location), message(to=messages.Address_UserId("x"))):
            with self.assertRaises(Err) as raised:
                send.start(CONTEXT, wrong)
            self.assertEqual(raised.exception.value.code, e.Code.UNSUPPORTED)

    def test_an_accepted_message_has_an_id(self):
        done = send.resume(CONTEXT, message(), b"", answered(201, b'{"id":"p-1"}'))
        self.assertEqual(done, o.Progress_Done(o.Accepted("p-1", [], None, True)))

    def test_every_failure_has_a_class_and_an_advice(self):
        unsent, uncertain = t.TransportFailure.CONNECT, t.TransportFailure.TIMEOUT_AFTER_SEND
        throttled = answered(429, b"", [("retry-after", "7")])
        for outcome, code, retry in [
            (answered(401, b"{}"), e.Code.AUTH_FAILED, e.Retry_Never()),
            (answered(429, b"<html>"), e.Code.RATE_LIMITED, e.Retry_Backoff()),
            (throttled, e.Code.RATE_LIMITED, e.Retry_AfterMs(7000)),
            (answered(503, b""), e.Code.PROVIDER_UNAVAILABLE, e.Retry_Backoff()),
            (answered(400, b'{"error":{"code":"opted_out"}}'), e.Code.RECIPIENT_OPTED_OUT, e.Retry_Never()),
            (answered(400, b"[]"), e.Code.INVALID_MESSAGE, e.Retry_Never()),
            (answered(200, b'{"id":7}'), e.Code.MALFORMED_RESPONSE, e.Retry_Uncertain()),
            (answered(200, b"\xff"), e.Code.MALFORMED_RESPONSE, e.Retry_Uncertain()),
            (t.Outcome_Failed(unsent), e.Code.PROVIDER_UNAVAILABLE, e.Retry_Backoff()),
            (t.Outcome_Failed(uncertain), e.Code.PROVIDER_UNAVAILABLE, e.Retry_Uncertain()),
        ]:
            with self.subTest(outcome), self.assertRaises(Err) as raised:
                send.resume(CONTEXT, message(), b"", outcome)
            self.assertEqual((raised.exception.value.code, raised.exception.value.retry), (code, retry))


class Reading(unittest.TestCase):
    def test_messages_and_statuses_and_what_nobody_knows(self):
        events = [
            {"type": "message", "id": "m-1", "from": "+4915112345678", "at": 1_790_000_001, "text": "Hi 👋"},
            {"type": "status", "id": "p-1", "status": "failed", "error": {"code": "opted_out"}},
            {"type": "poke", "by": "nobody"},
            "not even an object",
        ]
        parsed = parse({"number": "15550100", "events": events})
        text, status, poke, odd = (item.event for item in parsed.items)
        self.assertEqual(text.value.content, i.Content_Text("Hi 👋"))
        self.assertEqual(text.value.at, 1_790_000_001_000)
        self.assertEqual(status.value.error.code, e.Code.RECIPIENT_OPTED_OUT)
        self.assertEqual(json.loads(poke.value), events[2])
        self.assertEqual(json.loads(odd.value), events[3])
        self.assertEqual(len({item.dedupe_key for item in parsed.items}), 4)

    def test_a_long_webhook_comes_in_pages(self):
        events = [{"type": "status", "id": f"p-{n}", "status": "read"} for n in range(4200)]
        keys, skip = [], 0
        while skip is not None:
            page = parse({"number": "15550100", "events": events}, skip)
            keys += [item.dedupe_key for item in page.items]
            skip = page.next
        self.assertEqual(keys, [f"status:p-{n}:read" for n in range(4200)])

    def test_text_that_is_no_unicode_and_numbers_that_are_too_large_do_no_harm(self):
        body = rb'{"events":[{"type":"message","id":"m","from":"15550199","text":"\ud83d"},{"n":1e999}]}'
        text, large = (item.event for item in parse(body).items)
        text.value.content.value.encode("utf-8")
        json.loads(large.value, parse_constant=self.fail)

    def test_only_a_body_that_is_no_object_is_an_error(self):
        for body in (b"", b"{", b"[]", b"\xff", b'{"a":NaN}', b"\xef\xbb\xbf{}", b"[" * 9_999):
            with self.subTest(body), self.assertRaises(Err):
                parse(body)
        self.assertEqual(len(parse({}).items), 1)


class Describing(unittest.TestCase):
    def test_it_is_constant_and_every_secret_that_is_sent_has_an_audience(self):
        described = descriptor.describe()
        self.assertEqual(described, descriptor.describe())
        audiences = {item.name: item.audience for item in described.inputs}
        self.assertEqual(audiences["api_key"], [descriptor.HOST])


if __name__ == "__main__":
    unittest.main()
