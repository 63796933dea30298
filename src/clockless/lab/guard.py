"""Who may talk to the laboratory: this machine's own page, or whoever knows the token that the command line gave.

A page from elsewhere that a browser has open may send requests to this machine, too. So the `Host` must be the address that
was printed (else a name that was made to point here would do), the `Origin` of a websocket must be that address, and where
others can reach the port a token is needed: once in the address, then in a cookie that scripts cannot read.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from urllib.parse import parse_qs

from clockless.errors import ParameterError

LOOPBACK = "127.0.0.1"
_SHORTEST = 16
_LOCAL = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Guard:
    """What is let in.

    Args:
        host: the address that is listened on.
        port: its port.
        token: a word that only the user knows; needed beyond the loopback.

    Raises:
        ParameterError: an address that others can reach and no token, or a short one.
    """

    host: str = LOOPBACK
    port: int = 8377
    token: str | None = None

    def __post_init__(self) -> None:
        if self.token is not None and not (len(self.token) >= _SHORTEST and self.token.isascii() and self.token.isalnum()):
            raise ParameterError(
                f"the token is shorter than {_SHORTEST} letters and digits, or has other signs; give another."
            )
        if self.token is None and not self.local:
            raise ParameterError(
                f"--host {self.host} lets other machines reach the laboratory, which runs what they ask for; give a --token "
                f"of {_SHORTEST} letters and digits or more, too, or leave --host out."
            )

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def cookie(self) -> str:
        """Its name; cookies know no ports."""
        return f"clockless_{self.port}"

    @property
    def address(self) -> str:
        """What is printed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    def knows(self, host: str) -> bool:
        """Whether a `Host` header is how this server is called."""
        name, _, port = host.rpartition(":")
        if not name or port != str(self.port):
            return False
        if name in _LOCAL:
            return True
        wildcard = self.host in ("0.0.0.0", "::")
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name == self.host
        return wildcard or name.strip("[]") == self.host

    def allows_origin(self, origin: str, host: str) -> bool:
        """Whether a websocket was opened by the page itself."""
        return origin in (f"http://{host}", f"https://{host}")

    def admits(self, query: str, cookies: dict[str, str]) -> bool:
        """Whether the token was given, if one is needed."""
        if self.token is None:
            return True
        given = [*parse_qs(query).get("token", []), cookies.get(self.cookie, "")]
        return any(hmac.compare_digest(each.encode(), self.token.encode()) for each in given)
