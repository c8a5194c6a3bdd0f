"""Shows what holds, as a line of JSON each time it changes: `python view.py ws://127.0.0.1:9081/v1/signals [--token-file FILE]`.

The conformance suite (test/conformance) holds these lines against what its publisher says. It refuses a route to `refuse-me`.
"""

import argparse
import asyncio
import json
from pathlib import Path

from pilotfish_signals import Body, CanNot, Subscriber

SETTLE_SECONDS = 0.02


def on_directive(directive: Body) -> None:
    if directive["action"] == "route" and directive["rung"] == "refuse-me":
        raise CanNot("invalid", "there is no such rung")


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url", nargs="?", default="ws://127.0.0.1:9081/v1/signals")
    parser.add_argument("--token-file", type=Path)
    options = parser.parse_args()
    changed = asyncio.Event()
    subscriber = Subscriber(
        options.url,
        name="python view",
        enforce=True,
        token=(lambda: options.token_file.read_text().strip()) if options.token_file else None,
        on_directive=on_directive,
        on_heard=changed.set,
    )
    following = asyncio.create_task(subscriber.run())
    while not following.done():
        changing = asyncio.create_task(changed.wait())
        await asyncio.wait({following, changing}, return_when=asyncio.FIRST_COMPLETED)
        # Changes come in bursts; one line tells of all.
        await asyncio.sleep(SETTLE_SECONDS)
        changed.clear()
        print(json.dumps(subscriber.view()), flush=True)


asyncio.run(main())
