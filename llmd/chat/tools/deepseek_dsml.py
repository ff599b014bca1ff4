"""DeepSeek V3.2 and V4: tags that all hold `｜DSML｜`, a token of its own, and parameters that say
whether their value is text or JSON. V3.2 names a section `function_calls`, V4 `tool_calls`.

    <｜DSML｜function_calls>
    <｜DSML｜invoke name="NAME">
    <｜DSML｜parameter name="KEY" string="true">VALUE</｜DSML｜parameter>
    </｜DSML｜invoke>
    </｜DSML｜function_calls>
"""

from __future__ import annotations

from llmd.chat.tools.formats import CallFormat
from llmd.chat.tools.invoke import parameter_sections

_MARK = "｜DSML｜"


def _format(name: str, section: str) -> CallFormat:
    tags = parameter_sections(
        _MARK + section, prefix=_MARK, typed=True, tokens=(_MARK,), before="\n\n"
    )
    return tags.format(name, _MARK)


V3_2 = _format("deepseek_v3.2", "function_calls")
V4 = _format("deepseek_v4", "tool_calls")
