"""A model server in FastAPI that does what Pilotfish says: `PILOTFISH=ws://127.0.0.1:9081/v1/signals uvicorn fastapi_app:app`.

Told to drain it takes no new work and finishes what runs; told to restore, or when Pilotfish falls silent for longer than its
lease, it takes work again. PILOTFISH_TOKEN_FILE is a file with the token, where the API wants one.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI, HTTPException, Response

from pilotfish_signals import Body, Subscriber

log = logging.getLogger("uvicorn.error")
draining: set[str] = set()


def on_directive(directive: Body) -> None:
    target = directive["target"]["endpoint"]
    if directive["action"] == "drain":
        draining.add(target)
        log.info("told to drain: %s", directive["why"])
    elif directive["action"] == "restore" and "drain" in directive["of"]:
        draining.discard(target)
        log.info("told to restore: %s", directive["why"])


def on_state(state: Body) -> None:
    log.info("told: the primary is %s, answers come from %s", state["status"], state["rung"])


@contextlib.asynccontextmanager
async def follow(_: FastAPI) -> AsyncIterator[None]:
    url = os.environ.get("PILOTFISH", "ws://127.0.0.1:9081/v1/signals")
    file = os.environ.get("PILOTFISH_TOKEN_FILE")
    token = (lambda: Path(file).read_text().strip()) if file else None
    subscriber = Subscriber(url, name="fastapi example", token=token, enforce=True, on_state=on_state, on_directive=on_directive)
    following = asyncio.create_task(subscriber.run())
    yield
    following.cancel()


app = FastAPI(lifespan=follow)


@app.get("/ready")
def ready(response: Response) -> dict[str, bool]:
    response.status_code = 503 if draining else 200
    return {"ready": not draining}


@app.post("/predict")
def predict(row: dict[str, float]) -> dict[str, float]:
    """Put your model here; this one adds up."""
    if draining:
        raise HTTPException(503, "draining", headers={"Retry-After": "1"})
    return {"prediction": sum(row.values())}
