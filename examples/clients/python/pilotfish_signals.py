"""Follows Pilotfish's signals over a websocket: one module to copy, Python 3.10 or newer, needs `websockets` only.

    async def main() -> None:
        subscriber = Subscriber("ws://127.0.0.1:9081/v1/signals", on_state=lambda state: print(state["status"]))
        await subscriber.run()

It says hello, comes back after a broken connection with the cursor where it left off, says what it has applied and what it
could not, and lets what is not renewed lapse to `unknown`, by the monotonic clock. Protocol: docs/SIGNALS.md. Callbacks are
plain functions, called in the order of the frames; raise `CanNot` from `on_directive` where you can not do what it says.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

Body = dict[str, Any]
"""A frame's body as docs/SIGNALS.md shows it."""

HELD = ("route", "eject", "split", "hold", "drain")
"""Directives that are in force until they are taken back by `restore`, or replaced by another of the same action."""

LEVELS = ("state", "directive", "drift", "judge", "rollout")
"""Kinds that say what is so, in snapshots too; `transition` and `version` say what has happened, once."""

SUBPROTOCOL = Subprotocol("pilotfish.v1+json")
FRAME_BYTES_MAX = 65_536
TARGETS_MAX = 20_000
APPLIED_MAX = 100
MISSED_HEARTBEATS_MAX = 3
RETRY_MIN_SECONDS = 0.1
RETRY_MAX_SECONDS = 10.0
ACK_AFTER_SECONDS = 0.05
REFRESH_AT = 0.8
GAP, REPLACED = 4010, 4009


class CanNot(Exception):
    """Raised by `on_directive`. Code: unsupported (by this program), invalid, refused (not now), failed (tried in vain)."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass
class _Known:
    """What is known of one target."""

    target: Body
    lease: float
    until: float = 0.0
    epoch: str = ""
    state: Body | None = None
    # Each with the epoch in which its `rev` counts.
    directives: dict[str, tuple[str, Body]] = field(default_factory=dict)
    drifts: dict[str, Body] = field(default_factory=dict)
    # The one that runs.
    rollout: Body | None = None


Callback = Callable[[Body], None]


class Told:
    """What a publisher has told so far, and for how long it holds. Frames go in, callbacks come out. Knows no socket."""

    def __init__(
        self,
        on_state: Callback | None = None,
        on_directive: Callback | None = None,
        on_drift: Callback | None = None,
        on_judge: Callback | None = None,
        on_rollout: Callback | None = None,
        on_version: Callback | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_state = on_state
        self._on_directive = on_directive
        self._on_drift = on_drift
        self._on_judge = on_judge
        self._on_rollout = on_rollout
        self._on_version = on_version
        self._now = now
        self._known: dict[str, _Known] = {}
        self._epoch = ""
        self._seq: int | None = None
        self._snapshot: list[Body] | None = None
        self._lease = 10.0
        self._lapsed = False
        self._applied: dict[str, int] = {}
        self._unsaid: dict[str, None] = {}
        self._refusals: list[Body] = []

    @property
    def cursor(self) -> str | None:
        """Where the publisher may go on after a broken connection."""
        return None if self._seq is None or self._lapsed else f"{self._epoch}:{self._seq}"

    @property
    def targets(self) -> int:
        """Of how many targets something is known."""
        return len(self._known)

    @property
    def last_seq(self) -> int | None:
        return self._seq

    def view(self) -> dict[str, Body]:
        """What holds now, by target (`model@endpoint`): status, rung and rev of the state; revs of directives; drifts; rollout."""
        return {
            key: {
                "status": known.state["status"] if known.state else "unknown",
                "rung": known.state["rung"] if known.state else None,
                "rev": known.state["rev"] if known.state else None,
                "directives": {action: directive["rev"] for action, (_, directive) in known.directives.items()},
                "drifts": sorted(drift["stream"] for drift in known.drifts.values()),
                "rollout": _brief(known.rollout),
            }
            for key, known in self._known.items()
        }

    def take_refusals(self) -> list[Body]:
        """What could not be done since this was last asked, as bodies of nacks."""
        refusals, self._refusals = self._refusals, []
        return refusals

    def take_applied(self) -> dict[str, int]:
        """What to say in the next ack, as much as fits into a frame: by target the rev of the newest directive applied."""
        said = list(self._unsaid)[:APPLIED_MAX]
        for key in said:
            del self._unsaid[key]
        return {key: self._applied[key] for key in said if key in self._applied}

    @property
    def has_more_applied(self) -> bool:
        return bool(self._unsaid)

    def hear(self, frame: Body) -> bool:
        """Takes in a frame. False: something before it was lost, so the connection is to be made anew."""
        kind, body, epoch, seq = frame["kind"], frame["body"], frame["epoch"], frame.get("seq")
        if kind == "welcome":
            self._lease = body["leaseMs"] / 1_000
            self._snapshot = None
            self._unsaid = dict.fromkeys(self._applied)
        elif kind == "reset":
            self._seq = None
        elif kind == "snapshot.begin":
            self._snapshot = []
        elif kind == "snapshot.end":
            self._replace(self._snapshot or [], epoch)
            self._snapshot = None
            self._lapsed = False
            self._epoch, self._seq = epoch, seq
        elif kind == "heartbeat":
            return self._hear_heartbeat(epoch, body["lastSeq"])
        elif kind == "bookmark":
            if self._seq is None or seq is None or epoch != self._epoch:
                return False
            self._seq = max(seq, self._seq)
        elif self._snapshot is not None:
            if kind in LEVELS:
                self._snapshot.append(frame)
        elif kind in (*LEVELS, "transition", "version") or seq is not None:
            # A kind that was added later moves the cursor like any other.
            if seq is None or self._seq is None or epoch != self._epoch or seq > self._seq + 1:
                return False
            if seq < self._seq:  # It came before. One with the number that is known is a refresh.
                return True
            is_new = seq > self._seq
            self._seq = seq
            if kind == "version" and is_new:
                _call(self._on_version, body)
            self._apply(frame)
        return True

    def lapse(self) -> float | None:
        """Forgets, aloud, what was not renewed in time. Seconds until this is to be asked again; None: nothing is known."""
        now, soonest = self._now(), None
        for key, known in list(self._known.items()):
            if known.until > now:
                soonest = known.until if soonest is None else min(soonest, known.until)
                continue
            why = f"nothing was heard for {known.lease * 1_000:.0f} ms"
            del self._known[key]
            self._applied.pop(key, None)
            self._forget_state(known, "lease-lapsed", why)
            self._restore(known, list(known.directives), why)
            for name in list(known.drifts):
                self._resolve(known, name)
            # Renewals do not repeat what was forgotten, so it is to be asked for anew.
            self._lapsed = True
        return None if soonest is None else soonest - now

    def _hear_heartbeat(self, epoch: str, last_seq: int) -> bool:
        self.lapse()  # A renewal that comes too late renews nothing.
        if self._lapsed:
            return False
        if self._seq is None or self._snapshot is not None:
            return True
        if epoch != self._epoch or last_seq > self._seq:
            return False
        if last_seq == self._seq:
            for known in self._known.values():
                known.until = self._now() + known.lease
        return True

    def _replace(self, levels: list[Body], epoch: str) -> None:
        """A snapshot is complete: what is not in it is not so."""
        named = {_name(level) for level in levels}
        if epoch != self._epoch or self._seq is None:
            self._applied.clear()  # Its numbers may mean nothing in this run.
        for key, known in list(self._known.items()):
            gone = [action for action in known.directives if f"directive {key} {action}" not in named]
            self._restore(known, gone, "the publisher no longer asks for it")
            for name in [name for name in known.drifts if name not in named]:
                self._resolve(known, name)
            if f"rollout {key}" not in named:
                known.rollout = None
            if f"state {key}" not in named:
                self._forget_state(known, "not-known", "the publisher no longer knows this target")
        for level in levels:
            self._apply(level, in_snapshot=True)

    def _apply(self, frame: Body, in_snapshot: bool = False) -> None:
        kind, body = frame["kind"], frame["body"]
        if kind not in LEVELS:
            return
        known = self._find(body["target"])
        if known is None:
            return
        if kind == "state":
            self._apply_state(known, frame["epoch"], body)
        elif kind == "directive":
            self._apply_directive(known, frame["epoch"], body, in_snapshot)
        elif kind == "drift":
            if body["status"] == "firing":
                known.drifts[_name(frame)] = body
            else:
                known.drifts.pop(_name(frame), None)
            _call(self._on_drift, body)
        elif kind == "rollout":
            known.rollout = None if body["phase"] in ("promoted", "aborted") else body
            _call(self._on_rollout, body)
        else:
            _call(self._on_judge, body)

    def _apply_state(self, known: _Known, epoch: str, state: Body) -> None:
        before = known.state["rev"] if known.state and known.epoch == epoch else -1
        if state["rev"] < before:
            return
        known.lease = state["leaseMs"] / 1_000
        known.until = self._now() + known.lease
        if state["rev"] == before:
            return
        known.epoch, known.state = epoch, state
        _call(self._on_state, state)

    def _apply_directive(self, known: _Known, epoch: str, directive: Body, in_snapshot: bool) -> None:
        key, rev = _key(known.target), directive["rev"]
        if rev <= self._applied.get(key, -1) and not in_snapshot:
            return
        if directive["action"] == "restore":
            of = [action for action in directive["of"] if action in known.directives]
            self._restore(known, of, directive["why"], directive)
        elif not self._take(known, epoch, directive):
            return
        if rev > self._applied.get(key, -1):
            self._applied[key] = rev
            self._unsaid[key] = None

    def _take(self, known: _Known, epoch: str, directive: Body) -> bool:
        """False where it can not be done: what was in force before stays so."""
        action = directive["action"]
        before = known.directives.get(action)
        if before is not None and (before == (epoch, directive) or _asked(before[1]) == _asked(directive)):
            known.directives[action] = (epoch, directive)
            return True
        try:
            if action not in HELD:
                raise CanNot("unsupported", f"this subscriber knows no {action}")
            known.directives[action] = (epoch, directive)
            _call(self._on_directive, directive)
        except CanNot as problem:
            refusal: Body = {"rev": directive["rev"], "code": problem.code, "detail": str(problem)}
            if before is None:
                known.directives.pop(action, None)
            else:
                known.directives[action] = before
                refusal["keeping"] = before[1]["rev"]
            self._refusals.append(refusal)
            return False
        return True

    def _find(self, target: Body) -> _Known | None:
        key = _key(target)
        known = self._known.get(key)
        if known is None and len(self._known) < TARGETS_MAX:
            known = self._known[key] = _Known(target, self._lease, self._now() + self._lease)
        return known

    def _forget_state(self, known: _Known, code: str, evidence: str) -> None:
        if known.state is None:
            return
        cause = {"detector": "subscriber", "code": code, "evidence": evidence}
        state, known.state = known.state, None
        _call(self._on_state, {**state, "status": "unknown", "cause": cause})

    def _restore(self, known: _Known, of: list[str], why: str, directive: Body | None = None) -> None:
        if not of:
            return
        newest = max((told for _, told in known.directives.values()), key=lambda told: told["rev"])
        for action in of:
            del known.directives[action]
        _call(self._on_directive, {**(directive or {**newest, "action": "restore", "why": why}), "of": of})

    def _resolve(self, known: _Known, name: str) -> None:
        _call(self._on_drift, {**known.drifts.pop(name), "status": "resolved"})


class Subscriber:
    """Follows one publisher until `run` is cancelled. `token`: a function that is asked at each connection and before expiry."""

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        token: Callable[[], str] | None = None,
        enforce: bool = False,
        models: list[str] | None = None,
        on_state: Callback | None = None,
        on_directive: Callback | None = None,
        on_drift: Callback | None = None,
        on_judge: Callback | None = None,
        on_rollout: Callback | None = None,
        on_version: Callback | None = None,
        on_link: Callable[[bool, str], None] | None = None,
        on_heard: Callable[[], None] | None = None,
    ) -> None:
        self._url = url
        self._token = token
        self._told = Told(on_state, on_directive, on_drift, on_judge, on_rollout, on_version)
        self._on_link = on_link
        self._on_heard = on_heard
        self._hello: Body = {
            "versions": {"min": 1, "max": 1},
            "session": str(uuid.uuid4()),
            "features": ["bookmark", "ack", "renew"],
            **({"name": name} if name else {}),
            **({"enforce": True} if enforce else {}),
            **({"filters": {"models": models}} if models else {}),
        }
        self._attempts = 0
        self._wait = 0.0

    def view(self) -> dict[str, Body]:
        """What holds now, by target (`model@endpoint`)."""
        return self._told.view()

    async def run(self) -> None:
        """Returns only where another run has taken our place; cancel it to stop."""
        lapsing = asyncio.create_task(self._lapse())
        try:
            while True:
                self._wait = 0.0
                why = await self._follow()
                if why == REPLACED:
                    while self._told.targets > 0:  # What is known holds for its lease, and no longer.
                        await asyncio.sleep(ACK_AFTER_SECONDS)
                    return
                delay = self._wait + retry_in(self._attempts, random.random())
                self._attempts += 1
                if self._on_link is not None:
                    self._on_link(False, str(why))
                await asyncio.sleep(delay)
        finally:
            lapsing.cancel()

    async def _follow(self) -> int | str:
        """One connection; why it ended, as a close code where there is one."""
        headers = {"Authorization": f"Bearer {self._token()}"} if self._token is not None else {}
        try:
            async with connect(
                self._url,
                subprotocols=[SUBPROTOCOL],
                additional_headers=headers,
                compression=None,
                max_size=FRAME_BYTES_MAX,
                open_timeout=5,
                close_timeout=1,
                ping_interval=None,
                proxy=None,
            ) as socket:
                cursor = self._told.cursor
                await _send(socket, "hello", {**self._hello, **({"cursor": cursor} if cursor else {})})
                if self._on_link is not None:
                    self._on_link(True, "")
                return await self._listen(socket)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else "the connection broke"
        except (OSError, WebSocketException, TimeoutError) as problem:
            return str(problem) or type(problem).__name__

    async def _listen(self, socket: ClientConnection) -> int | str:
        heartbeat = 1.0
        acking = asyncio.create_task(self._acknowledge(socket))
        refreshing: asyncio.Task[None] | None = None
        try:
            while True:
                try:
                    text = await asyncio.wait_for(socket.recv(), MISSED_HEARTBEATS_MAX * heartbeat)
                except (asyncio.TimeoutError, TimeoutError):
                    socket.transport.abort()
                    return "no heartbeat"
                frame = _read(text)
                if frame is None:
                    continue
                kind, body = frame["kind"], frame["body"]
                if not self._told.hear(frame):
                    await socket.close(GAP, "something was lost")
                    return "something was lost"
                if kind == "welcome":
                    heartbeat = body["heartbeatMs"] / 1_000
                if kind in ("welcome", "auth.refreshed") and self._token is not None and "authExpiresInMs" in body:
                    refreshing = asyncio.create_task(self._refresh(socket, body["authExpiresInMs"] / 1_000))
                if kind == "goodbye":
                    self._wait = body["reconnectAfterMs"] / 1_000
                if kind == "heartbeat" and "echo" not in body:
                    self._attempts = 0
                    answer = {"lastSeq": self._told.last_seq} if self._told.last_seq is not None else {}
                    await _send(socket, "heartbeat", {**answer, **({"echo": body["sentAt"]} if "sentAt" in body else {})})
                for refusal in self._told.take_refusals():
                    await _send(socket, "nack", refusal)
                if self._on_heard is not None and kind != "heartbeat":
                    self._on_heard()
        finally:
            acking.cancel()
            if refreshing is not None:
                refreshing.cancel()

    async def _acknowledge(self, socket: ClientConnection) -> None:
        """Soon after what was heard, and once for all of it."""
        acked: int | None = None
        with contextlib.suppress(ConnectionClosed):
            while True:
                await asyncio.sleep(ACK_AFTER_SECONDS)
                seq = self._told.last_seq
                if seq is None or (seq == acked and not self._told.has_more_applied):
                    continue
                acked = seq
                await _send(socket, "ack", {"upTo": seq, "applied": self._told.take_applied()})

    async def _refresh(self, socket: ClientConnection, expires_in: float) -> None:
        await asyncio.sleep(REFRESH_AT * expires_in)
        if self._token is not None:
            with contextlib.suppress(ConnectionClosed):
                await _send(socket, "auth.refresh", {"token": self._token()})

    async def _lapse(self) -> None:
        while True:
            before = self._told.targets
            soonest = self._told.lapse()
            if self._on_heard is not None and self._told.targets != before:
                self._on_heard()
            await asyncio.sleep(0.05 if soonest is None else min(max(soonest, 0.001), 0.05))


def retry_in(attempts: int, chance: float) -> float:
    """Full jitter: seconds, anywhere between none and a bound that doubles with each attempt in vain."""
    return chance * min(RETRY_MAX_SECONDS, RETRY_MIN_SECONDS * 2 ** min(attempts, 10))


async def _send(socket: ClientConnection, kind: str, body: Body) -> None:
    await socket.send(json.dumps({"v": 1, "kind": kind, "body": body}))


def _read(text: str | bytes) -> Body | None:
    try:
        frame = json.loads(text)
    except ValueError:
        return None
    is_frame = isinstance(frame, dict) and isinstance(frame.get("kind"), str) and isinstance(frame.get("epoch"), str) and isinstance(frame.get("body"), dict)
    return frame if is_frame else None


def _call(callback: Callback | None, body: Body) -> None:
    if callback is not None:
        callback(body)


def _brief(rollout: Body | None) -> Body | None:
    return None if rollout is None else {"id": rollout["rollout"], "phase": rollout["phase"], "weight": rollout["weight"]}


def _asked(directive: Body) -> tuple[Any, ...]:
    """What it asks for, whatever its number."""
    return directive["action"], directive.get("rung"), directive.get("weights")


def _key(target: Body) -> str:
    return f"{target['model']}@{target['endpoint']}"


def _name(frame: Body) -> str:
    kind, body = frame["kind"], frame["body"]
    name = f"{kind} {_key(body['target'])}"
    if kind == "directive":
        return f"{name} {body['action']}"
    return f"{name} {body['stream']} {body['detector']}" if kind == "drift" else name
