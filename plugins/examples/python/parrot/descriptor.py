"""What this plugin is and what it wants. Constant: the host calls it twice and compares."""

from wit_world.exports import manifest as m
from wit_world.imports import types as t

HOST = "api.parrot.example"
MESSAGES_PATH = "/v1/messages"


def describe():
    return m.Descriptor(
        id="example.parrot.python",
        name="Parrot (Python)",
        version="0.1.0",
        vendor="Example",
        homepage=None,
        capabilities=[m.Capability(name, None) for name in ("text", "to.phone", "reply")],
        inputs=[
            _input(
                "number",
                m.Kind.TEXT,
                "Number",
                help="The number that sends, digits only.",
                pattern="[0-9]{7,15}",
            ),
            # The value never enters this component. Only the host inserts it, and only towards this audience.
            _input("api_key", m.Kind.SECRET, "API key", audience=[HOST]),
            _input("webhook_secret", m.Kind.SECRET, "Webhook secret"),
        ],
        endpoints=[m.Endpoint(HOST, [t.HttpMethod.POST], [MESSAGES_PATH], None)],
        webhooks=[
            m.Webhook(
                name="main",
                level=t.Level.CHANNEL,
                checks=[m.Check(m.Condition_Always(), m.Verification_Mac(_signature()))],
                challenge=None,
                ack=m.Ack(200, None, ""),
                headers=[],
                max_body=4 * 1024 * 1024,
            )
        ],
        sender_setting="number",
        account_setting=None,
        rates=[],
        flows=[],
        response_headers=[],
    )


def _input(name, kind, title, *, help="", pattern="", audience=()):
    return m.Input(name, kind, t.Level.CHANNEL, True, title, help, [], pattern, list(audience))


def _signature():
    """The host verifies; this component only ever sees calls whose signature was right."""
    return m.Mac(
        header="x-parrot-signature",
        prefix="sha256=",
        separator=None,
        hash=t.Hash.SHA256,
        encoding=t.Encoding.HEX,
        key="webhook_secret",
        key_encoding=None,
        over=[m.Signed_Body()],
        freshness=None,
    )
