"""Text from others, made safe to show: a terminal acts on what it is sent, and names and log lines are untrusted."""

import codecs
import json
import re
import sys
from typing import TextIO, cast

# C0 but tab and newline, DEL, C1, line separators, and the marks that reorder or hide text.
_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

_COLOUR = re.compile("\x1b\\[[0-9;]*m")


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe_lines(text: str) -> str:
    """`text` with everything escaped that a terminal would act on; tabs and line ends stay."""
    return _HOSTILE.sub(_escape, text.replace("\r\n", "\n"))


def safe(text: str) -> str:
    """`text` on one line, with everything escaped that a terminal would act on."""
    return safe_lines(text).replace("\n", "\\n").replace("\t", " ")


def safe_json(text: str) -> str:
    """JSON text whose strings hold nothing that a terminal would act on; it parses to the same value."""
    return _HOSTILE.sub(lambda match: json.dumps(match.group())[1:-1], text)


def safe_log(data: bytes) -> str:
    """What a trial printed, for a terminal: without colours, and a progress bar's carriage returns as line ends."""
    text = data.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return safe_lines(_COLOUR.sub("", text))


class LogText:
    """What a trial prints, in pieces that may end in the middle of a character or of a line end, for a terminal."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._return = False

    def feed(self, data: bytes) -> str:
        """The text of the next piece, as `safe_log` shows it."""
        text = "\r" * self._return + self._decoder.decode(data)
        self._return = text.endswith("\r")
        return safe_lines(text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n"))


class _Shown:
    """A terminal for what `csv` and its like write."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(safe_lines(text))


def shown(stream: TextIO) -> TextIO:
    """The stream, or for a terminal one that escapes what it would act on; only its `write` may be used."""
    return stream if plain_stream(stream) else cast(TextIO, _Shown(stream))


def plain_stream(stream: TextIO | None = None) -> bool:
    """Whether `stream` (standard output) is not a terminal."""
    stream = sys.stdout if stream is None else stream
    try:
        return not stream.isatty()
    except ValueError:  # closed
        return True
