"""Damage to bytes, to text and to trees of plain data, one random change at a time."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

from fuzz.chance import Chance

WORDS_32 = [0, 1, 2, 0x7F, 0xFF, 0x100, 0x801, 0x803, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]

NUMBERS: list[Any] = [
    0, 1, -1, 2, 3, 7, 255, 10**9, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 10**30, -(10**30), 0.0, -0.0,
    0.5, -0.5, 1.5, 1e-9, 1e-320, 1e300, -1e300, float("inf"), float("-inf"), float("nan"),
]  # fmt: skip
WORDS = [
    "", " ", "x", "0.5", "nan", "inf", "none", "true", "1e3", "é", "a\nb", "\x1b[31m", "x" * 3000, "..", "/", "../../x",
    "kind", "full", "global", "os:system", "canary.py:Odd", "canary:Odd", "canary.py:Missing", "numpy:ndarray", "\x00",
    "\u202e", "clockless.parts.clocks:Bernoulli", "clockless.commands.main:main",
]  # fmt: skip
PLAIN: list[Any] = [
    None, True, False, *NUMBERS, *WORDS, [], {}, [1], [1, 2, 3], [0, 0], [[0, 1], [1, 2]], [[0, 1], [1]], [None], ["a"],
    [0.5, float("nan")], {"kind": "global"}, {"kind": 1}, {"kind": None}, {"a": 1},
    {"kind": "given", "dims": [],
     "values": []},
]  # fmt: skip


def changed_bytes(content: bytes, chance: Chance) -> bytes:
    """One to four random changes."""
    for _ in range(chance.few()):
        content = _one_change(bytearray(content), chance)
    return content


def _one_change(content: bytearray, chance: Chance) -> bytes:
    kind = chance.randrange(8)
    span = chance.span(len(content))
    if kind == 0 and content:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif kind == 1 and content:
        content[chance.randrange(len(content))] = chance.randrange(256)
    elif kind == 2:
        del content[span]
    elif kind == 3:
        content[span.start : span.start] = content[span] * chance.one([1, 1, 2, 50])
    elif kind == 4:
        del content[span.start :]
    elif kind == 5:
        content[span] = bytes(chance.one([0, 0xFF, 0x20, chance.randrange(256)]) for _ in content[span])
    elif kind == 6:
        at = chance.randrange(0, max(len(content) - 3, 1), chance.one([1, 4]))
        content[at : at + 4] = chance.one(WORDS_32).to_bytes(4, chance.one(["big", "little"]))
    else:
        other = chance.span(len(content))
        content[span] = content[other]
    return bytes(content)


_TOKEN = re.compile(r"[\w.+-]+|\S")


def changed_text(text: str, chance: Chance, fragments: Sequence[str]) -> str:
    """One to four tokens or lines changed, or odd fragments put in."""
    for _ in range(chance.few()):
        lines = text.splitlines(keepends=True) or [""]
        row, kind = chance.randrange(len(lines)), chance.randrange(7)
        tokens = list(_TOKEN.finditer(text))
        if kind == 0:
            del lines[row]
        elif kind == 1:
            lines.insert(chance.randrange(len(lines) + 1), lines[row])
        elif kind == 2:
            lines[row] = chance.one([" ", "\t", "", "- ", "# "]) + lines[row].lstrip()
        elif kind <= 4 and tokens:
            token = chance.one(tokens)
            new = chance.one([chance.one(fragments), str(chance.one(NUMBERS)), chance.one(WORDS), chance.one(tokens)[0]])
            lines = [text[: token.start()], new, text[token.end() :]]
        else:
            at = chance.randrange(len(text) + 1)
            lines = [text[:at], chance.one(fragments), text[at:]]
        text = "".join(lines)
    return text


Path = tuple[Any, ...]


def places(tree: Any, path: Path = ()) -> list[Path]:
    """The path of every value within nested lists and dicts, the whole first."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def at(tree: Any, path: Path) -> Any:
    """The value at a path."""
    for key in path:
        tree = tree[key]
    return tree


def changed_tree(tree: Any, chance: Chance, odd: Sequence[Any] = PLAIN) -> tuple[Any, list[tuple[Any, Any]]]:
    """A copy with one to four values replaced, removed, renamed, repeated or nested.

    Returns it with (old, new) of the leaf that was replaced, if that is all that was done.
    """
    tree, replaced, count = copy.deepcopy(tree), [], chance.few()
    for _ in range(count):
        path = chance.one(places(tree))
        if not path:
            if chance.with_odds(0.05):
                tree = chance.one(odd)
            continue
        parent, key = at(tree, path[:-1]), path[-1]
        kind = chance.randrange(10)
        if kind < 5:
            old, new = parent[key], copy.deepcopy(chance.one(odd))
            parent[key] = new
            if count == 1 and not isinstance(old, (list, dict)):
                replaced.append((old, new))
        elif kind == 5:
            del parent[key]
        elif kind == 6 and isinstance(parent, dict):
            name = chance.one(["kind", "x", "seed", chance.one(list(parent)), chance.one(WORDS)])
            parent[name] = parent.pop(key)
        elif kind == 7:
            parent[key] = copy.deepcopy(at(tree, chance.one(places(tree))))
        elif kind == 8:
            parent[key] = [parent[key]] if chance.with_odds(0.5) else [parent[key], copy.deepcopy(chance.one(odd))]
        elif isinstance(parent, dict):
            parent[chance.one(["kind", "p", "seed", "digest", "tables", "x"])] = copy.deepcopy(chance.one(odd))
        else:
            parent.append(copy.deepcopy(chance.one(odd)))
    return tree, replaced
