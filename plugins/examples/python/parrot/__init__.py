"""A provider plugin for Parrot, an invented provider."""
