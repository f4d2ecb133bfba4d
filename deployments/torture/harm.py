"""Ways to harm bytes and files, each decided by a generator."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

Harm = Callable[[random.Random, bytes], bytes]

TEXTS = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\n\n\n", b'"', b'""', b"'", b",", b";;", b"\t", b"\\",
    b"NA", b"null", b"nan", b"inf", b"-1e400", b"0x10", b"../../etc/passwd", b"'; DROP TABLE events; --",
    b"\x1b[31m\x07", b"<script>", b"0001-01-01", b"9999-12-31T23:59:59Z", b"1e308", b"\xf0\x9f\x8d\x95", b"\x80",
    b"{", b"[", b"}", b"%s%n", b"=1+1", b"{{ x }}", b"$HOME", b"9" * 400,
)  # fmt: skip
"""Texts that have broken something somewhere."""


def empty(_rng: random.Random, _content: bytes) -> bytes:
    """Nothing is left."""
    return b""


def cut(rng: random.Random, content: bytes) -> bytes:
    """The end is missing."""
    return content[: rng.randrange(len(content))] if content else content


def flip(rng: random.Random, content: bytes) -> bytes:
    """Some bits are others."""
    harmed = bytearray(content)
    for _ in range(rng.choice((1, 1, 3, 30))):
        if harmed:
            harmed[rng.randrange(len(harmed))] ^= 1 << rng.randrange(8)
    return bytes(harmed)


def insert(rng: random.Random, content: bytes) -> bytes:
    """Odd texts stand somewhere."""
    for _ in range(rng.choice((1, 1, 5, 50))):
        at = rng.randrange(len(content) + 1)
        content = content[:at] + rng.choice(TEXTS) + content[at:]
    return content


def replace(rng: random.Random, content: bytes) -> bytes:
    """A field is an odd text."""
    for _ in range(rng.choice((1, 3, 30))):
        fields = content.split(b",")
        fields[rng.randrange(len(fields))] = rng.choice(TEXTS)
        content = b",".join(fields)
    return content


def repeat(rng: random.Random, content: bytes) -> bytes:
    """A part stands twice."""
    first, second = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:second] + content[first:]


def drop(rng: random.Random, content: bytes) -> bytes:
    """A part in the middle is missing."""
    first, second = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    return content[:first] + content[second:]


def shuffle(rng: random.Random, content: bytes) -> bytes:
    """Lines stand in another order, the header too."""
    lines = content.splitlines(keepends=True)
    rng.shuffle(lines)
    return b"".join(lines)


def widen(rng: random.Random, content: bytes) -> bytes:
    """A field is very long."""
    at = rng.randrange(len(content) + 1)
    return (
        content[:at]
        + rng.choice((b"x", b"9", b",", b'"', b"\n", b"[")) * rng.choice((70_000, 1_000_000))
        + content[at:]
    )


def noise(rng: random.Random, content: bytes) -> bytes:
    """Nothing but chance."""
    return rng.randbytes(min(len(content), 5_000))


BYTES: Final[tuple[Harm, ...]] = (
    empty,
    cut,
    flip,
    flip,
    insert,
    insert,
    replace,
    replace,
    repeat,
    drop,
    shuffle,
    widen,
    noise,
)


def harmed(rng: random.Random, content: bytes) -> tuple[str, bytes]:
    """Harm bytes in one or two ways; returns the names of the ways, too."""
    names = []
    for _ in range(rng.choice((1, 1, 2))):
        harm = rng.choice(BYTES)
        content = harm(rng, content)
        names.append(harm.__name__)
    return "+".join(names), content


def harm_file(rng: random.Random, how: str, path: Path) -> None:
    """Harm a file in a named way: one of :data:`FILES`."""
    if how == "gone":
        path.unlink()
    elif how == "folder":
        path.unlink()
        path.mkdir()
    elif how == "dangling link":
        path.unlink()
        path.symlink_to("nowhere")
    elif how == "other JSON":
        path.write_text(
            rng.choice(("[]", "{}", "null", "3", '"text"', '{"files": 1}', '{"model": []}', "[" * 50_000))
        )
    elif how == "copied aside":
        folder = path.parent
        shutil.copytree(folder, folder.with_name(f"{folder.name}.bak"), symlinks=True, dirs_exist_ok=True)
    else:
        ways = {each.__name__: each for each in BYTES}
        path.write_bytes(ways[how](rng, path.read_bytes()))


FILES: Final = (
    "empty",
    "cut",
    "flip",
    "noise",
    "gone",
    "folder",
    "dangling link",
    "other JSON",
    "copied aside",
)
