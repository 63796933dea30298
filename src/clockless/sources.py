"""PLACEHOLDER until merge"""

import hashlib
from functools import cache
from pathlib import Path


@cache
def digest_of(*names):
    d = hashlib.sha256()
    for p in sorted(Path(__file__).parent.rglob("*.py")):
        d.update(p.read_bytes())
    return d.hexdigest()[:16]
