/** Directives to subscribers of the real publisher, over real websockets; what they ack decides. */
import { once } from "node:events";
import { createServer } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../agent/clock.ts";
import { silent } from "../../../agent/log.ts";
import { signalHub, signalsOptions } from "../../../exporters/websocket.ts";
