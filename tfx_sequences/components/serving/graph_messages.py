"""What TensorFlow says when a graph refuses a value, in words for people."""

from __future__ import annotations

import re


def without_graph(message: str) -> str:
    """What TensorFlow has to say, without its lines about the graph.

    >>> without_graph("Graph execution error:\\n\\nassertion failed: [Not \\\\'x\\\\':] [3]\\n\\t [[{{node a}}]]")
    "Not 'x': 3"
    """
    graph = ("Graph execution error", "Detected at node", "<stack traces", "[[")
    lines = (line.strip() for line in message.splitlines())
    said = " ".join(line for line in lines if line and not line.startswith(graph))
    said = said.removeprefix("Name: <unknown>, ").replace("\\'", "'")
    said = re.sub(r"^assertion failed: \[(.*)\]$", r"\1", said)
    return said.replace("] [", " ")
