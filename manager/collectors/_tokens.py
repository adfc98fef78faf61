"""`name=value` in lines of text.

`loss=0.25`, `loss = 2.5e-1`, `acc=.9, loss=0.1)`; `step=10` on the line is the step of its metrics, unless it is a
metric itself. A number ends where its token does, but for closing punctuation: `0.93%`, `3s`, `1.2.3` and `1,000` are
none. A name may follow a space, a bracket, a quote, a comma or such, so `--lr=0.1` and `?page=2` are none either.
"""

import re

from tunesmith.manager.collectors._parser import LONGEST_NAME, Found, as_step, encoded

_BEFORE = rb"(?<![\w./\-?&=@#$%+*\\])"
_NAME = rb"[A-Za-z_][\w./\-]{0,%d}" % (LONGEST_NAME - 1)
_NUMBER = rb"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:nan|inf(?:inity)?))"
_AFTER = rb"""(?=[.,;|)\]}>"']*(?:\s|$)|[,;|)\]}](?!\d))"""
_COLOUR = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")
_STEP = b"step"


class TokenParser:
    """Finds `name=value`. Its expression takes time linear in the line's length."""

    def __init__(self, wanted: frozenset[str] | None) -> None:
        """`wanted`: names to find; None: every one."""
        self.needles: tuple[bytes, ...] = (b"=",) if wanted is None else encoded(wanted)
        self._step_is_metric = _STEP in self.needles
        names = _NAME if wanted is None else b"|".join(map(re.escape, {*self.needles, _STEP}))
        self._tokens = re.compile(_BEFORE + rb"(" + names + rb")\s*=\s*(" + _NUMBER + rb")" + _AFTER)

    def parse(self, line: bytes) -> list[Found]:
        """The metrics in a line."""
        for needle in self.needles:
            if needle in line:
                break
        else:
            return []
        if b"\x1b" in line:
            line = _COLOUR.sub(b"", line)
        values: dict[bytes, bytes] = dict(self._tokens.findall(line))
        text = None if self._step_is_metric else values.pop(_STEP, None)
        step = None if text is None else as_step(text.decode())
        return [(name.decode(errors="replace"), float(value), step) for name, value in values.items()]
