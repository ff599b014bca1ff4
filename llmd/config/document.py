"""Changes one value in the text of config.toml and leaves every other byte as somebody wrote it:
comments, blank lines, order, quotes, ends of lines, and however its sections are spelled.

What comes out is read again before it is returned, so that a layout that the library mistakes costs
a refusal, and never another setting.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import tomli_w
import tomlkit
from tomlkit.container import Container
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AbstractTable, AoT, InlineTable, Item, Key, Table

Body = list[tuple[Key | None, Item]]


def with_value(text: str, section: str, field: str, value: Any) -> str:
    """Return the text with one value set, where it stands or else at the end of its section; raise
    ValueError for a text that cannot be changed.
    """
    if not text:
        return tomli_w.dumps({section: {field: value}})
    tree = tomllib.loads(text)
    fields = tree.setdefault(section, {})
    if repr(fields.get(field)) == repr(value):
        return text
    fields[field] = value
    try:
        return _checked(_set(text, section, field, value), tree)
    except TOMLKitError as error:
        raise ValueError(str(error)) from error


def without(text: str, section: str, field: str) -> str:
    """Return the text with one value taken out; the head of its section stays, also over nothing.

    Raises ValueError for a text that cannot be changed.
    """
    tree = tomllib.loads(text)
    tree.get(section, {}).pop(field, None)
    try:
        return _checked(_removed(text, section, field), tree)
    except TOMLKitError as error:
        raise ValueError(str(error)) from error


def _checked(text: str, tree: dict[str, Any]) -> str:
    """Return a text that says what it should."""
    if _said(tomllib.loads(text)) != _said(tree):
        raise ValueError("it is laid out in too unusual a way")
    return text


def _said(tree: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return all values so that they can be compared, also `nan`, which does not equal itself."""
    return sorted(
        (section, field, repr(value))
        for section, fields in tree.items()
        for field, value in fields.items()
    )


def _set(text: str, section: str, field: str, value: Any) -> str:
    document = tomlkit.parse(text)
    for table in _tables(document, section):
        held = field in table
        if isinstance(table, InlineTable) and not held:
            _enclose(table.value.body, _line(field, value))
            return document.as_string()
        if held and (isinstance(table, InlineTable) or not isinstance(table[field], Table | AoT)):
            table[field] = value
            return document.as_string()
    end = "\r\n" if "\r\n" in text else "\n"
    # a last line without its end gets one, so that something can follow, and then lacks it again
    lacking = "" if text.endswith("\n") else end
    rest = _removed(text + lacking, section, field)
    return _added(rest, section, _line(field, value), end).removesuffix(lacking)


def _line(field: str, value: Any) -> str:
    return f"{field} = {tomlkit.item(value).as_string()}"


def _added(text: str, section: str, line: str, end: str) -> str:
    document = tomlkit.parse(text)
    if _join(document, section, line + end):
        return document.as_string()
    gap = "" if not text.strip() or text.endswith(end + end) else end
    return f"{text}{gap}[{section}]{end}{line}{end}"


def _tables(document: Container, section: str) -> Iterator[AbstractTable]:
    """Yield the pieces of a section: one in braces or under a head, or one for each dotted key."""
    for key, item in document.body:
        if key is not None and key.key == section and isinstance(item, AbstractTable):
            yield item


def _removed(text: str, section: str, field: str) -> str:
    document = tomlkit.parse(text)
    for table in _tables(document, section):
        if isinstance(table, InlineTable):
            _cut(table.value.body, field)
        elif field in table:
            table.remove(field)
    return document.as_string()


def _cut(body: Body, field: str) -> None:
    """Take a value with its comma out of a table in braces."""
    keys = [(at, key.key) for at, (key, _) in enumerate(body) if key is not None]
    for place, (at, name) in enumerate(keys):
        if name == field:
            begin = keys[place - 1][0] + 1 if place else at
            end = at + 1 if place or len(keys) == 1 else keys[1][0]
            del body[begin:end]
            return


def _join(document: Container, section: str, line: str) -> bool:
    """Add a line to a section, under its head or as its dotted keys are, if it is there at all."""
    for table in _tables(document, section):
        if isinstance(table, Table) and not table.is_super_table():
            _append(table.value.body, line)
            return True
    dotted = [
        at
        for at, (key, _) in enumerate(document.body)
        if key is not None and key.is_dotted() and key.key == section
    ]
    if dotted:
        document.body.insert(dotted[-1] + 1, tomlkit.parse(f"{section}.{line}").body[0])
    return bool(dotted)


def _enclose(body: Body, line: str) -> None:
    """Add a value to a table in braces."""
    keys = [at for at, (key, _) in enumerate(body) if key is not None]
    pieces: Body = tomlkit.value(f"{{before = 0, {line}}}").value.body
    # of the pieces only the value itself, where it needs no comma
    at, new = (keys[-1] + 1, pieces[1:]) if keys else (0, pieces[-1:])
    body[at:at] = new


def _append(body: Body, line: str) -> None:
    """Add a line below the last of a section: what comments follow may be about the next one."""
    lines = [at for at, (key, item) in enumerate(body) if key is not None and _is_line(key, item)]
    indent = body[lines[-1]][1].trivia.indent if lines else ""
    body.insert(lines[-1] + 1 if lines else 0, tomlkit.parse(indent + line).body[0])


def _is_line(key: Key, item: Item) -> bool:
    """Whether it is no table with a head of its own."""
    return key.is_dotted() or not isinstance(item, Table | AoT)
