"""Made-up IDX files in the layout of MNIST."""

import struct


def write_mnist(folder, labels=(3, 1, 4, 1), test=(5, 9), side=6):
    """The four IDX files of a tiny set; every grey value of an image is 20 times its label."""
    for (images, names), values in zip(
        [("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")],
        (labels, test),
        strict=True,
    ):
        pixels = bytes(20 * value % 256 for value in values for _ in range(side * side))
        (folder / images).write_bytes(struct.pack(">4I", 0x803, len(values), side, side) + pixels)
        (folder / names).write_bytes(struct.pack(">2I", 0x801, len(values)) + bytes(values))
    return folder
