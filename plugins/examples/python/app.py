"""What the component exports: one class for each interface of `wit/provider.wit`.

The work is in `parrot/`; nothing there knows that it runs inside a component.
"""

from wit_world import exports

from parrot import descriptor, send, webhook


class Manifest(exports.Manifest):
    def describe(self):
        return descriptor.describe()


class Outbound(exports.Outbound):
    def start(self, ctx, message):
        return send.start(ctx, message)

    def resume(self, ctx, message, state, outcome):
        return send.resume(ctx, message, state, outcome)


class Inbound(exports.Inbound):
    def parse(self, ctx, webhook_, skip):
        return webhook.parse(ctx, webhook_, skip)
