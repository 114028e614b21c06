"""JSON from strangers.

The parser goes as deep as the document does, which ends in a crash of the component, and guesses the encoding
of bytes, for which it would import a module that is not there; so both are settled here.
"""

import json
import math
import re

DEPTH_MAX = 64
# Texts are matched whole, so that brackets inside them are not counted.
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')


def parse(body):
    """The document in these bytes. Raises ValueError for what is no UTF-8, no JSON, or nested too deeply."""
    text = body.decode("utf-8")
    if text.count("[") + text.count("{") > DEPTH_MAX and _is_too_deep(text):
        raise ValueError(f"nested deeper than {DEPTH_MAX}")
    return json.loads(text, parse_float=_number, parse_constant=_no_number)


def _is_too_deep(text):
    depth = 0
    for match in _STRUCTURE.finditer(text):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                return True
        elif mark in "]}":
            depth -= 1
    return False


def _number(text):
    """A number too large for a float stays text: written again it would be no JSON."""
    number = float(text)
    return number if math.isfinite(number) else text


def _no_number(text):
    raise ValueError(f"{text} is no JSON")
