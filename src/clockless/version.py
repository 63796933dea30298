"""The version of the package, of which stores keep a note; the lowest room, so that any other may name it."""

__version__ = "0.2.0"
