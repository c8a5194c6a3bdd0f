import { expect, test } from "vitest";
import { parseNetDev, readNetwork } from "../../agent/collectors/network.ts";
import { prometheusName } from "../../exporters/instruments.ts";
import { Tree } from "./tree.ts";

const dev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 2776770   11307    0    0    0     0          0         0  2776770   11307    0    0    0     0       0          0
  eth0: 1215645    2751    3    4    0     0          0         0  1782404    4324    5    6    0   427       0          0
`;
const pathsOf = (tree: Tree) => ({ proc: tree.path("proc"), sys: tree.path("sys") });

test("bytes, errors and drops of each interface but the loopback", async () => {
  using tree = new Tree({ "proc/self/net/dev": dev, "sys/class/net/eth0/mtu": "1500\n" });
  const reading = await readNetwork(pathsOf(tree), false);
  expect(reading).toMatchObject({ status: "ok", detail: "eth0" });
  expect(Object.fromEntries(reading.points.map(({ instrument, labels, value }) => [[prometheusName(instrument), ...Object.values(labels)].join(" "), value]))).toEqual({
    "container_network_io_bytes_total eth0 receive": 1_215_645,
    "container_network_io_bytes_total eth0 transmit": 1_782_404,
    "pilotfish_network_errors_total eth0 receive error": 3,
    "pilotfish_network_errors_total eth0 receive drop": 4,
    "pilotfish_network_errors_total eth0 transmit error": 5,
    "pilotfish_network_errors_total eth0 transmit drop": 6,
  });
});

test("a pod on the node's network does not show the node's traffic, unless it is told that it is its own", async () => {
  using tree = new Tree({ "proc/self/net/dev": dev, "sys/class/net/eth0/device/vendor": "0x1af4\n" });
  expect(await readNetwork(pathsOf(tree), false)).toEqual({ status: "unknown", detail: "eth0 is a device of the machine, so this is the node's own network", points: [] });
  expect(await readNetwork(pathsOf(tree), true)).toMatchObject({ status: "ok" });
});

test("no table, or nothing in it, is unknown", async () => {
  using tree = new Tree({ "proc/self/net/dev": dev.replace(/ {2}eth0.*\n/, "") });
  expect(await readNetwork(pathsOf(tree), false)).toMatchObject({ status: "unknown", points: [] });
  using none = new Tree();
  expect(await readNetwork(pathsOf(none), false)).toMatchObject({ status: "unknown", points: [] });
  expect(parseNetDev("eth0: 1 2 3\nwhat\n")).toEqual([]);
});
