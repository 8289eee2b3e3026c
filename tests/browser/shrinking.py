"""Pictures of pages as small files: at most 256 colours, one of each kind that a page has."""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.async_api import Browser, Page

# Done where pixels are at hand, in the browser: the most frequent colour of each kind is kept, others are told as the nearest.
COUNT_COLOURS = """async (picture) => {
    const image = new Image();
    image.src = "data:image/png;base64," + picture;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const drawing = canvas.getContext("2d");
    drawing.drawImage(image, 0, 0);
    const pixels = drawing.getImageData(0, 0, image.width, image.height).data;
    const seen = new Map(), size = image.width * image.height;
    for (let at = 0; at < size * 4; at += 4) {
        const colour = (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
        seen.set(colour, (seen.get(colour) ?? 0) + 1);
    }
    // One colour of each kind first, so that a small mark keeps its own however much else there is.
    const kinds = new Map();
    for (const [colour, number] of seen) {
        const kind = colour & 0xf0f0f0, known = kinds.get(kind) ?? { number: 0, most: 0, colour };
        known.number += number;
        if (number > known.most) [known.most, known.colour] = [number, colour];
        kinds.set(kind, known);
    }
    const kept = [...kinds.values()].sort((one, other) => other.number - one.number || one.colour - other.colour)
        .slice(0, 256).map((each) => each.colour);
    const places = new Map(kept.map((colour, place) => [colour, place]));
    for (const colour of seen.keys()) {
        if (places.has(colour)) continue;
        const far = kept.map((other) => [16, 8, 0].reduce(
            (sum, shift) => sum + (((colour >> shift) & 255) - ((other >> shift) & 255)) ** 2, 0));
        places.set(colour, far.indexOf(Math.min(...far)));
    }
    let indexes = "";
    for (let at = 0; at < size * 4; at += 4)
        indexes += String.fromCharCode(places.get((pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2]));
    return { width: image.width, height: image.height, colours: kept, indexes: btoa(indexes) };
}"""


class Shrinker:
    """Makes pictures small, in a page of its own."""

    def __init__(self, page: Page) -> None:
        self._page = page

    @classmethod
    async def open(cls, browser: Browser) -> Shrinker:
        return cls(await browser.new_page())

    async def shrink(self, picture: bytes) -> bytes:
        """Write a PNG anew with a palette."""
        found = await self._page.evaluate(COUNT_COLOURS, base64.b64encode(picture).decode())
        width, height = found["width"], found["height"]
        indexes = base64.b64decode(found["indexes"])
        lines = b"".join(b"\0" + indexes[at : at + width] for at in range(0, width * height, width))
        palette = b"".join(colour.to_bytes(3, "big") for colour in found["colours"])
        return (
            b"\x89PNG\r\n\x1a\n"
            + _write_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
            + _write_chunk(b"PLTE", palette)
            + _write_chunk(b"IDAT", zlib.compress(lines, 9))
            + _write_chunk(b"IEND", b"")
        )


def _write_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
