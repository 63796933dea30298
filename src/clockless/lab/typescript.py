"""The messages in TypeScript, so that page and laboratory cannot differ: page/src/messages.ts."""

from __future__ import annotations

import dataclasses
import types
from typing import Any, get_args, get_type_hints

from clockless.lab.messages import FROM_PAGE, TO_PAGE, name_of


def typescript() -> str:
    """The messages as the page's TypeScript knows them: page/src/messages.ts."""
    lines = ["// Written by clockless.lab.typescript.typescript(); edit the classes in messages.py.", ""]
    for group, classes in (("FromPage", FROM_PAGE), ("ToPage", TO_PAGE)):
        for cls in classes:
            hints = get_type_hints(cls)
            about = (cls.__doc__ or "").strip()
            lines += [f"/** {about} */", f"export interface {cls.__name__} {{", f'  type: "{name_of(cls)}";']
            for each in dataclasses.fields(cls):
                maybe = "" if each.default is dataclasses.MISSING else "?"
                lines.append(f"  {each.name}{maybe}: {_in_typescript(hints[each.name])};")
            lines += ["}", ""]
        lines += [f"export type {group} =", *(f"  | {cls.__name__}" for cls in classes)]
        lines[-1] += ";"
        lines.append("")
    return "\n".join(lines)


def _in_typescript(hint: Any) -> str:
    words = {int: "number", float: "number", str: "string", bool: "boolean", type(None): "null", Any: "any"}
    if hint in words:
        return words[hint]
    if isinstance(hint, types.UnionType):
        return " | ".join(map(_in_typescript, get_args(hint)))
    inner = get_args(hint)
    return f"Record<string, {_in_typescript(inner[1])}>" if len(inner) == 2 else f"{_in_typescript(inner[0])}[]"
