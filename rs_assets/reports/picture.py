"""A drawn figure as a small PNG, and a PNG inside a Markdown text."""

import base64
import io
from typing import Protocol

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

_COLOURS = 256
"""As many as an index of one byte can hold: more than a timeline has shades."""


class _Canvas(Protocol):
    """What is used of matplotlib's canvas, which has no types."""

    def draw(self) -> None: ...

    def buffer_rgba(self) -> memoryview: ...

    def get_width_height(self) -> tuple[int, int]: ...


def png_of(figure: Figure) -> bytes:
    """The figure as a PNG with indexed colours. It holds nothing but the picture, no date and no program."""
    canvas: _Canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.frombytes("RGBA", canvas.get_width_height(), bytes(canvas.buffer_rgba()))
    indexed = image.convert("RGB").quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    indexed.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def markdown_image(png: bytes, *, limit: int = 150_000) -> str:
    """Markdown that shows the picture by itself, as a data URI.

    A picture whose text would have more than `limit` characters is not put in; the text then says where to look.
    """
    text = f"![timeline](data:image/png;base64,{base64.b64encode(png).decode('ascii')})"
    if len(text) <= limit:
        return text
    return f"The picture is too large to be shown here ({len(png) / 1000:,.0f} kB): the picture is in the store."
