"""The server: the built page, and a websocket for each that looks; nothing that a page sends names a file.

Whatever is wrong with a message ends its own connection with a code and a sentence, and no other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from clockless import __version__
from clockless.lab import messages, reading
from clockless.lab.forms import Forms, forms, own_kinds
from clockless.lab.guard import Guard
from clockless.lab.session import Session
from clockless.lab.settings import MOST_REPLICAS, presets
from clockless.lab.watched import Watcher

STATIC = Path(__file__).with_name("static")
_FILES = {"": ("index.html", "text/html; charset=utf-8"), "lab.js": ("lab.js", "text/javascript; charset=utf-8"),
          "lab.css": ("lab.css", "text/css; charset=utf-8")}  # fmt: skip
_MOST_CONNECTIONS = 8
_MOST_WAITING = 64  # messages that a slow page has not taken
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
}  # fmt: skip
BROKEN, REFUSED, TOO_MUCH = 1007, 1008, 1013  # codes of RFC 6455


class Lab:
    """What all connections share.

    Args:
        guard: who may talk to it.
        store: a store to look at.
        own: files with one's own parts, all in one folder.
    """

    def __init__(self, guard: Guard, store: Path | None = None, own: list[Path] | None = None) -> None:
        self.guard, self.store = guard, store
        files = own or []
        self.folder = files[0].absolute().parent if files else Path.cwd()
        self.own = own_kinds(files)
        self.open = 0

    def offered(self) -> Forms:
        """The forms, read anew: one's own file may have been edited."""
        from clockless.experiments.own_parts import Place, beside

        with beside(Place(self.folder)):
            return forms(self.own)

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/", self._file), Route("/{name}", self._file), WebSocketRoute("/live", self._live),
            ]
        )  # fmt: skip

    # --- files --------------------------------------------------------------------------------------------------------

    async def _file(self, request: Request) -> Response:
        """One of the page's three files, by name; nothing else is looked for on disk."""
        host, query = request.headers.get("host", ""), request.url.query
        if not self.guard.knows(host):
            return PlainTextResponse("This address is not how the laboratory is called.", 421, _HEADERS)
        if not self.guard.admits(query, request.cookies):
            return PlainTextResponse("Open the address that clockless lab has printed, with its token.", 403, _HEADERS)
        found = _FILES.get(request.path_params.get("name", ""))
        if found is None:
            return PlainTextResponse("There is nothing here.", 404, _HEADERS)
        if self.guard.token and "token=" in query:
            response: Response = RedirectResponse("/", 303, _HEADERS)
            response.set_cookie(self.guard.cookie, self.guard.token, httponly=True, samesite="strict")
            return response
        name, kind = found
        return Response((STATIC / name).read_bytes(), media_type=kind, headers=_HEADERS)

    # --- connections ---------------------------------------------------------------------------------------------------

    async def _live(self, socket: WebSocket) -> None:
        """One page, until it goes."""
        host = socket.headers.get("host", "")
        if (
            not self.guard.knows(host)
            or not self.guard.allows_origin(socket.headers.get("origin", ""), host)
            or not self.guard.admits("", socket.cookies)
        ):
            await socket.close(REFUSED)
            return
        await socket.accept()
        if self.open >= _MOST_CONNECTIONS:
            await socket.close(TOO_MUCH, f"{_MOST_CONNECTIONS} pages are open; close one.")
            return
        self.open += 1
        try:
            await _Connection(self, socket).serve()
        finally:
            self.open -= 1


class _Connection:
    """What goes on between one page and its session."""

    def __init__(self, lab: Lab, socket: WebSocket) -> None:
        self._lab, self._socket = lab, socket
        self._loop = asyncio.get_running_loop()
        self._out: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._ended = 0, ""
        self._watcher = Watcher(lab.store) if lab.store is not None else None

    async def serve(self) -> None:
        """Answer until the page goes, or sends what it should not."""
        offered = await asyncio.to_thread(self._lab.offered)
        session = Session(offered, self._lab.folder, self._tell)
        hello = messages.Hello(
            __version__,
            offered,
            presets(self._lab.own, offered),
            self._lab.store.name if self._lab.store is not None else None,
            MOST_REPLICAS,
        )
        self._put(messages.written(hello))
        try:
            async with anyio.create_task_group() as both:
                for goes_on in (self._send, partial(self._receive, session)):
                    both.start_soon(self._until, goes_on, both.cancel_scope)
        finally:
            session.close()
            if self._watcher is not None:
                self._watcher.close()
        if self._ended[0]:
            with contextlib.suppress(RuntimeError):  # it has gone in between
                await self._socket.close(*self._ended)

    async def _until(self, goes_on: Callable[[], Awaitable[tuple[int, str]]], both: anyio.CancelScope) -> None:
        """Whichever ends first ends the other; it says why."""
        self._ended = await goes_on()
        both.cancel()

    def _tell(self, message: str | bytes) -> None:
        """From the session's thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody looks any more
            self._loop.call_soon_threadsafe(self._put, message)

    def _put(self, message: str | bytes) -> None:
        self._out.put_nowait(message)

    async def _send(self) -> tuple[int, str]:
        try:
            while True:
                message = await self._out.get()
                if self._out.qsize() > _MOST_WAITING:
                    return TOO_MUCH, "the page does not take what it asked for."
                await (self._socket.send_text(message) if isinstance(message, str) else self._socket.send_bytes(message))
        except (WebSocketDisconnect, RuntimeError):
            return 0, ""

    async def _receive(self, session: Session) -> tuple[int, str]:
        try:
            while True:
                received = await self._socket.receive()
                if received["type"] == "websocket.disconnect":
                    return 0, ""
                text = received.get("text")
                try:
                    message = reading.read(text if text is not None else received.get("bytes", b""))
                except reading.BrokenMessageError as error:
                    return BROKEN, str(error)[:120]
                if isinstance(message, messages.Watch):
                    self._watch(message.watching)
                elif isinstance(message, messages.Draw):
                    self._watch(True, message.machine)
                elif not session.ask(message):
                    return TOO_MUCH, "more was asked than can be answered."
        except (WebSocketDisconnect, RuntimeError):
            return 0, ""

    def _watch(self, watching: bool, machine: int | None = None) -> None:
        if self._watcher is None:
            self._put(messages.written(messages.Refused("no store was named: clockless lab STORE opens one.")))
            return
        if machine is not None:
            self._watcher.draw(machine)
        if watching:
            self._watcher.start(self._tell)
        else:
            self._watcher.close()


def serve(lab: Lab, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C.

    Raises:
        ParameterError: the port is taken, or the address is not this machine's.
    """
    import socket

    import uvicorn

    from clockless.errors import ParameterError

    guard = lab.guard
    family = socket.AF_INET6 if ":" in guard.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((guard.host, guard.port))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise ParameterError(f"cannot listen on {guard.host} port {guard.port} ({reason}); give another --port.") from None

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        ready(guard.address)
        yield

    app = lab.app()
    app.router.lifespan_context = lifespan
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, ws="websockets-sansio", ws_max_size=reading.LONGEST_MESSAGE,
        ws_per_message_deflate=False, timeout_graceful_shutdown=2, lifespan="on", server_header=False,
    )  # fmt: skip
    uvicorn.Server(config).run(sockets=[listening])
