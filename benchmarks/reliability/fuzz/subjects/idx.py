"""IDX files of images and labels, plain and packed, with other headers, sizes and bytes."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

from clockless.tasks import datasets, idx
from fuzz.attempts import Case, Finding
from fuzz.chance import Chance
from fuzz.mutations import WORDS_32, changed_bytes


class Fed:
    """Read a file, or MNIST's four; if it is accepted, header and bytes say the same as what was read."""

    def prepare(self, fixtures: Path) -> None:
        """Three images and their labels."""
        pixels = bytes(k * 7 % 256 for k in range(3 * 4 * 5))
        self.contents = {
            "images": struct.pack(">4I", 0x803, 3, 4, 5) + pixels,
            "labels": struct.pack(">2I", 0x801, 3) + bytes([0, 9, 4]),
        }
        square = struct.pack(">4I", 0x803, 3, 28, 28) + bytes(k % 251 for k in range(3 * 28 * 28))
        self.whole = {f"{part}-{what}-idx{dims}-ubyte": square if dims == 3 else self.contents["labels"]
                      for part in ("train", "t10k") for what, dims in (("images", 3), ("labels", 1))}  # fmt: skip

    def attempt(self, case: Case) -> None:
        """One file, or one of four in a folder."""
        chance = case.chance
        if chance.with_odds(0.15):
            self._folder(case)
            return
        with case.quietly():
            kind = chance.one(["images", "labels"])
            content = _damaged(self.contents[kind], chance)
            packed = chance.with_odds(0.4)
            written = gzip.compress(content, 1) if packed else content
            if chance.with_odds(0.3):
                written = changed_bytes(written, chance)
            if packed and chance.with_odds(0.1):
                written += chance.one([written, b"\0" * 64, b"x"])
            path = case.folder / f"data{chance.one(['.gz', '.gz', '']) if packed else chance.one(['', '', '', '.gz'])}"
            path.write_bytes(written)
            asked = kind if chance.with_odds(0.9) else chance.one(["images", "labels"])
            case.shows(f"{asked} of {path.name}", written)
        found = idx.read_images(path) if asked == "images" else idx.read_labels(path)
        told = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        dims = 3 if asked == "images" else 1
        shape = struct.unpack(f">{dims}I", told[4 : 4 + 4 * dims])
        if found.shape != shape or found.dtype != np.uint8 or found.tobytes() != told[4 + 4 * dims :]:
            raise Finding("wrong", f"{found.dtype} {found.shape} was read of {shape}")
        if asked == "labels" and (found > 9).any():
            raise Finding("nonsense", "a label above 9")

    def _folder(self, case: Case) -> None:
        chance = case.chance
        with case.quietly():
            place = case.folder / "mnist"
            place.mkdir()
            contents = dict(self.whole)
            name = chance.one(list(contents))
            contents[name] = _damaged(contents[name], chance)
            if chance.with_odds(0.2):
                del contents[chance.one(list(contents))]
            for each, content in contents.items():
                packed = chance.with_odds(0.3)
                (place / (each + ".gz" * packed)).write_bytes(gzip.compress(content, 1) if packed else content)
            settings = {
                "crop": chance.one([0, 0, 2, 13, 14, -1, 1.5, "x", None]),
                "pool": chance.one([1, 2, 0, 28, 3, True]),
            }
            case.shows(name, contents.get(name, b"missing")[:64], settings)
        datasets.mnist_digest(place)
        split = datasets.mnist(place, **settings)
        if any(not np.isfinite(values).all() for values in (split.train.values, split.test.values)):
            raise Finding("wrong", "grey values that are not finite")


def _damaged(content: bytes, chance: Chance) -> bytes:
    """Another header, or other bytes."""
    if chance.with_odds(0.5):
        field = 4 * chance.randrange(4)
        content = content[:field] + struct.pack(">I", chance.one([*WORDS_32, 3, 4, 5, 60, 20])) + content[field + 4 :]
    if chance.with_odds(0.5):
        content = changed_bytes(content, chance)
    return content
