/** Where a value stands in a request's body, in every protocol, and what stays as it was when another is put there. */
import { describe, expect, test } from "vitest";
import { formatBinaryRequest } from "../../agent/protocols/open-inference.ts";
import type { Protocol, Tensor, Value } from "../../agent/protocols/protocol.ts";
import { protocols } from "../../agent/protocols/protocols.ts";
import { plainOptions } from "../../agent/protocols/plain-options.ts";
import { plainProtocol } from "../../agent/protocols/plain.ts";

const { "open-inference": openInference, kserve, "tf-serving": tfServing, torchserve, plain } = protocols;
const nestedPlain = plainProtocol(plainOptions.parse({ request: { rows: "/data/rows", features: { age: "/person/age", job: "/person/jobs/0" } } }));

function read(protocol: Protocol, body: string | Buffer) {
  const bytes = Buffer.from(body);
  const asked = protocol.parseRequest(bytes);
  if (!asked.ok) throw new Error(asked.reason);
  const places = protocol.requestPlaces?.(bytes, asked.inputs);
  if (places === undefined) throw new Error("no places");
  return { inputs: asked.inputs, places };
}

/** The inputs with another value at one place of the tensor of that name; all other tensors as they are. */
function withValue(inputs: readonly Tensor[], name: string, index: number, value: Value): Tensor[] {
  return inputs.map((tensor) => (tensor.name === name ? { ...tensor, values: tensor.values.map((before, i) => (i === index ? value : before)) } : tensor));
}

type Case = readonly [what: string, protocol: Protocol, body: string, name: string, index: number, place: string, value: Value, rewritten: string];

describe.each<Case>([
  ["flat data", openInference, '{"id":"a-1","inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[1,2,3,4]}],"outputs":[{"name":"y"}]}', "x", 2, "inputs[0].data[2]", 9, '{"id":"a-1","inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[1,2,9,4]}],"outputs":[{"name":"y"}]}'],
  ["nested data, and a parameter with more digits than a double has", openInference, '{"parameters":{"seed":9007199254740993,"scale":1.0},"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[[1,2],[3,4]]}]}', "x", 2, "inputs[0].data[1][0]", 9, '{"parameters":{"seed":9007199254740993,"scale":1.0},"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[[1,2],[9,4]]}]}'],
  ["instances in lists", kserve, '{"instances":[[1,2],[3,4]]}', "instances", 3, "instances[1][1]", 9, '{"instances":[[1,2],[3,9]]}'],
  ["instances as objects", kserve, '{"instances":[{"age":1,"job":"a"},{"age":2,"job":"b"}]}', "age", 1, "instances[1].age", 9, '{"instances":[{"age":1,"job":"a"},{"age":9,"job":"b"}]}'],
  ["an object that says less than the others", kserve, '{"instances":[{"age":1},{"job":"b"},{"age":2}]}', "age", 1, "instances[1].age", 9, '{"instances":[{"age":1},{"job":"b","age":9},{"age":2}]}'],
  ["a key that is no name, and lists under it", kserve, '{"instances":[{"a b":[1,2]},{"a b":[3,4]}]}', "a b", 3, 'instances[1]["a b"][1]', 9, '{"instances":[{"a b":[1,2]},{"a b":[3,9]}]}'],
  ["columns, and digits beside the value", tfServing, '{"signature_name":"s","inputs":{"age":[[1],[2]],"id":[[12345678901234567890],[1]]}}', "age", 1, "inputs.age[1][0]", 9, '{"signature_name":"s","inputs":{"age":[[1],[9]],"id":[[12345678901234567890],[1]]}}'],
  ["examples with a context", tfServing, '{"context":{"job":"a"},"examples":[{"age":1},{"age":2}]}', "job", 1, "examples[1].job", "b", '{"context":{"job":"a"},"examples":[{"age":1},{"age":2,"job":"b"}]}'],
  ["bytes in base64", tfServing, '{"instances":[{"t":{"b64":"YQ=="}},{"t":{"b64":"Yg=="}}]}', "t", 1, "instances[1].t", "c", '{"instances":[{"t":{"b64":"YQ=="}},{"t":{"b64":"Yw=="}}]}'],
  ["one row as an object", torchserve, '{"age":1,"job":"a"}', "age", 0, "age", 9, '{"age":9,"job":"a"}'],
  ["rows under data", torchserve, '{"data":[[1,2],[3,4]]}', "data", 1, "data[0][1]", 9, '{"data":[[1,9],[3,4]]}'],
  ["a list of rows", torchserve, "[[1,2],[3,4]]", "data", 1, "[0][1]", 9, "[[1,9],[3,4]]"],
  ["KServe's envelope", torchserve, '{"instances":[[1],[2]]}', "instances", 1, "instances[1][0]", 9, '{"instances":[[1],[9]]}'],
  ["rows at the top", plain, '[{"age":1},{"age":2}]', "age", 1, "[1].age", 9, '[{"age":1},{"age":9}]'],
  ["rows and features where pointers say", nestedPlain, '{"v":1,"data":{"rows":[{"person":{"age":1,"jobs":["a"]}},{"person":{"age":2,"jobs":["b"]}}]}}', "job", 1, "data.rows[1].person.jobs[0]", "c", '{"v":1,"data":{"rows":[{"person":{"age":1,"jobs":["a"]}},{"person":{"age":2,"jobs":["c"]}}]}}'],
  ["features by their place in a list", plainProtocol(plainOptions.parse({ request: { features: { age: "/1" } } })), "[[1,2],[3,4]]", "age", 1, "[1][1]", 9, "[[1,2],[3,9]]"],
])("%s", (_what, protocol, body, name, index, place, value, rewritten) => {
  test("a value's place", () => {
    const { inputs, places } = read(protocol, body);
    expect(places.value(inputs.findIndex((tensor) => tensor.name === name), index)).toBe(place);
  });

  test("another value in its place, and nothing else changed", () => {
    const { inputs, places } = read(protocol, body);
    expect(places.rewritten(withValue(inputs, name, index, value))?.body.toString()).toBe(rewritten);
  });

  test("nothing changed is the same", () => {
    const { inputs, places } = read(protocol, body);
    expect(places.rewritten(inputs)?.body.toString()).toBe(body);
  });
});

test("tensors as bytes behind the JSON: the changed one is written anew, with its size, the others stay byte for byte", () => {
  const sent = formatBinaryRequest([
    { name: "n", datatype: "FP32", shape: [2, 1], values: [0.1, Number.NaN] },
    { name: "t", datatype: "BYTES", shape: [2, 1], values: ["a", "bcd"] },
  ]);
  const { inputs, places } = read(openInference, sent.body);
  expect(places.value(1, 1)).toBe("inputs[1].binary_data[1]");
  const anew = places.rewritten(withValue(inputs, "t", 1, "longer"));
  const expected = formatBinaryRequest([inputs[0] as Tensor, { ...(inputs[1] as Tensor), values: ["a", "longer"] }]);
  expect(anew?.body.equals(expected.body)).toBe(true);
  expect(anew?.headers).toEqual({ "inference-header-content-length": expected.headers["inference-header-content-length"] });
  expect(places.rewritten(withValue(inputs, "n", 0, null))?.body.length).toBe(anew?.body.length); // NaN, in a tensor that can hold it.
  expect(read(openInference, formatBinaryRequest([{ name: "i", datatype: "INT8", shape: [1], values: [1] }]).body).places.rewritten([{ name: "i", datatype: "INT8", shape: [1], values: [null] }])).toBeUndefined();
});

test("a tensor or a column that was missing is added where there is a place for it", () => {
  const tensor = read(openInference, '{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]}');
  const added: Tensor = { name: "y", datatype: "INT64", shape: [1], values: [7] };
  expect(tensor.places.rewritten([...tensor.inputs, added])?.body.toString()).toBe('{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]},{"name":"y","datatype":"INT64","shape":[1],"data":[7]}]}');
  const column = read(kserve, '{"instances":[{"x":1}]}');
  expect(column.places.rewritten([...column.inputs, added])?.body.toString()).toBe('{"instances":[{"x":1,"y":7}]}');
  const matrix = read(kserve, '{"instances":[[1]]}');
  expect(matrix.places.rewritten([...matrix.inputs, added])).toBeUndefined();
});

test("NaN as Python writes it is lost unless it is what is put right", () => {
  const body = '{"instances":[{"age":NaN,"x":1},{"age":2,"x":1}]}';
  const { inputs, places } = read(kserve, body);
  expect(places.rewritten(withValue(inputs, "age", 0, 5))?.body.toString()).toBe('{"instances":[{"age":5,"x":1},{"age":2,"x":1}]}');
  const other = read(kserve, body);
  expect(other.places.rewritten(withValue(other.inputs, "x", 0, 5))).toBeUndefined();
  const infinite = read(kserve, '{"instances":[{"age":1}]}');
  expect(infinite.places.rewritten(withValue(infinite.inputs, "age", 0, Infinity))).toBeUndefined();
});
