import { describe, expect, it } from "vitest";
import {
  cellOf,
  isObject,
  isRawNumber,
  isStorable,
  type JsonValue,
  jsonOf,
  parseJson,
} from "../../../../providers/lib/http/json.ts";
import { GET, openClient, serve } from "./local-http.ts";

/** Fails where `text` is not an array. */
function parseArray(text: string): JsonValue[] {
  const value = parseJson(text);
  if (!Array.isArray(value)) throw new Error("not an array");
  return value;
}

describe("a number", () => {
  it.each([
    "12345678901234567890",
    "-9223372036854775808",
    "9007199254740993",
    "0.1234567890123456789",
    "123456789012.3456789",
    "1e400",
    "-1E+400",
    "1e-400",
    "4.9e-324",
    "1234567890123456e3",
    "100000000000000000000000000000000000000",
    "1.10",
    "-0.50",
    "1.0",
    "-0.0",
    "1e2",
    "1E2",
    "1.5e+10",
    "0.0000001",
    "1E400",
  ])("that JavaScript would print otherwise keeps its text: %s", (text) => {
    const [number, inObject] = [parseJson(text), parseJson(`{"n":[${text}]}`)];
    expect(isRawNumber(number)).toBe(true);
    expect(cellOf(number)).toBe(text);
    expect(cellOf(inObject)).toBe(`{"n":[${text}]}`);
  });

  it.each(["0", "-1", "1.5", "0.1", "123456789012345", "-0.00001234567", "10", "99999999999.999"])(
    "that it prints as it was written is a number: %s",
    (text) => {
      expect(parseJson(text)).toBe(Number(text));
      expect(Number(cellOf(parseJson(text)))).toBe(Number(text));
    },
  );

  it("is exact beside others that need it", () => {
    const value = parseArray('[1, 12345678901234567890, {"a": 2.5, "b": 0.12345678901234567}]');
    expect(value[0]).toBe(1);
    expect(cellOf(value[2])).toBe('{"a":2.5,"b":0.12345678901234567}');
  });

  it("is exact wherever it stands, and text that looks like one stays text", () => {
    const strings = ["12345678901234567890", ': 12345678901234567890,"', "\\", '\\"1234567890123456', "é1e400", ""];
    for (const between of ["", " ", "\n  "]) {
      for (const string of strings) {
        const text = `{"a":[${JSON.stringify(string)},${between}12345678901234567890${between},-0.5,1e400],"b":${JSON.stringify(string)}}`;
        const value = parseJson(text);
        const [first, second, third, fourth] = isObject(value) && Array.isArray(value.a) ? value.a : [];
        expect([first, cellOf(second), third, cellOf(fourth)]).toEqual([string, "12345678901234567890", -0.5, "1e400"]);
        expect(isObject(value) && value.b).toBe(string);
      }
    }
  });

  it.each([
    "{12345678901234567890:1}",
    "{12345678901234567890 :1}",
    "[012345678901234567890]",
    "[+12345678901234567890]",
    "[12345678901234567890.]",
    "[.12345678901234567890]",
    "[12345678901234567890e]",
    "[12345678901234567890n]",
    "[1 12345678901234567890]",
    '["a"12345678901234567890]',
    '[12345678901234567890"a"]',
    '[12345678901234567890,"a]',
    "[12345678901234567890",
    "",
  ])("is not read out of what is no JSON: %s", (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  it("comes back digit for digit, at every size and beside text that looks like it", () => {
    const numbers = Array.from({ length: 199 }, (_, i) => `1.2345678901234e${i - 99}`);
    for (const number of [...numbers, "1.10", "12.50", "7.0", "1e2", "1E400", "-0.0", "9007199254740993"]) {
      for (const text of [
        `[${number},":${number},","\\\\",${number}]`,
        `{"a":" ${number} ","b":{"c":${number}},"__proto__":${number}}`,
        `[":${number}",${number} ,"\\\\\\"",{"\\\\":${number}}]`,
      ]) {
        expect(JSON.stringify(parseJson(text)).replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
      }
    }
  });
});

describe("a cell", () => {
  it.each<[string, string | null]>([
    ["null", null],
    ["true", "true"],
    ["false", "false"],
    ['""', ""],
    ['"text"', "text"],
    ['"12345678901234567890"', "12345678901234567890"],
    ["[1,[2]]", "[1,[2]]"],
    ['{"b":1,"a":{"c":null}}', '{"b":1,"a":{"c":null}}'],
    ["1e21", "1e21"],
  ])("is Postgres input: %s", (text, cell) => {
    expect(cellOf(parseJson(text))).toBe(cell);
  });

  it("of what is nested too deeply to be written is refused, with an exact number in it or not", () => {
    for (const inner of ["1", "12345678901234567890"]) {
      const value = parseJson(`${"[".repeat(200_000)}${inner}${"]".repeat(200_000)}`);
      expect(jsonOf(value)).toBeNull();
      expect(() => cellOf(value)).toThrow(RangeError);
    }
  });

  it("of a member that is not there is null", () => {
    expect(cellOf(undefined)).toBeNull();
  });

  it("of an object that looks like a kept number is that object", () => {
    const value = parseJson('{"rawJSON":"12345678901234567890"}');
    expect(isRawNumber(value)).toBe(false);
    expect(isObject(value)).toBe(true);
    expect(cellOf(value)).toBe('{"rawJSON":"12345678901234567890"}');
  });

  it("keeps a member called __proto__", () => {
    for (const text of ['{"__proto__":{"a":1}}', '{"__proto__":{"a":12345678901234567890}}']) {
      expect(cellOf(parseJson(text))).toBe(text);
    }
  });

  it.each<[text: string, storable: boolean]>([
    ['"a\\u0000b"', false],
    ['"\\ud800"', false],
    ['"\\udc00\\ud800"', false],
    ['"\\ud83d\\ude00"', true],
    ['"\\\\u0000"', true],
    ['{"a":"\\u0000"}', false],
    ['{"\\u0000":1}', false],
    ['["\\ud800"]', false],
    ['["\\\\u0000", "\\\\\\\\ud800"]', true],
    ['["\\\\\\u0000"]', false],
    ["12345678901234567890", true],
    ["null", true],
  ])("tells what Postgres cannot store: %s", (text, storable) => {
    const value = parseJson(text);
    expect(isStorable(value, cellOf(value) ?? "")).toBe(storable);
  });
});

describe("the JSON of an answer", () => {
  const answerOf = async (body: string | Buffer, contentType: string) => {
    const local = await serve((_, response) => response.writeHead(200, { "content-type": contentType }).end(body));
    return openClient({ baseUrl: local.origin }).send(GET);
  };

  it.each<[string, string | Buffer, string, JsonValue]>([
    ["UTF-8", '["é"]', "application/json", ["é"]],
    ["with a byte order mark", '\ufeff["é"]', "application/json; charset=utf-8", ["é"]],
    ["Latin 1 that says so", Buffer.from('["é"]', "latin1"), 'application/json; charset="iso-8859-1"', ["é"]],
    ["UTF-16 that says so", Buffer.from('["é"]', "utf16le"), "application/json;charset=utf-16le", ["é"]],
    ["of another type", "[1]", "text/plain", [1]],
    ["UTF-8 that says so in quotes", '["é"]', "application/json; charset='utf-8'", ["é"]],
    ["UTF-8 of a charset that nobody knows", '["é"]', "application/json; charset=klingon", ["é"]],
    ["UTF-8 that calls itself something else", '["é€"]', "application/json; charset=iso-8859-1", ["é€"]],
    ["UTF-8 that calls itself UTF-16", '["é€"]', "application/json; charset=utf-16", ["é€"]],
    ["UTF-16 with a byte order mark", Buffer.from('\ufeff["é"]', "utf16le"), "application/json", ["é"]],
    [
      "Shift JIS that says so",
      Buffer.from([0x5b, 0x22, 0x8e, 0x9a, 0x22, 0x5d]),
      "text/json;charset=Shift_JIS",
      ["字"],
    ],
  ])("is read: %s", async (_, body, contentType, value) => {
    expect((await answerOf(body, contentType)).json()).toEqual(value);
  });

  it("is parsed once", async () => {
    const response = await answerOf('[{"a":1}]', "application/json");
    expect(response.json()).toBe(response.json());
  });

  it.each<[string, string | Buffer, string]>([
    ["a page of HTML", "<html>Sign in</html>", "text/html"],
    ["cut JSON", '[{"a":1},', "application/json"],
    ["nothing", "", "application/json"],
    ["broken UTF-8", Buffer.from([0x22, 0xff, 0x22]), "application/json"],
    ["NaN", "[NaN]", "application/json"],
  ])("is refused with what came instead: %s", async (_, body, contentType) => {
    const response = await answerOf(body, contentType);
    expect(() => response.json()).toThrow(
      expect.objectContaining({
        name: "TransientError",
        reasonCode: "source_response_invalid",
        message: expect.stringContaining(`page 1 of orders failed: the answer is not JSON but ${contentType}`),
      }),
    );
  });
});

it("takes time as its text is long, also where a quote is far", () => {
  const text = `[${"1.0,".repeat(750_000)}"end"]`;
  const startedAt = performance.now();
  expect(parseArray(text)).toHaveLength(750_001);
  // It was three gigabytes that were looked through for each thousand numbers.
  expect(performance.now() - startedAt).toBeLessThan(8_000);
});

describe("an answer of a value a line", () => {
  const answerOf = async (body: string, contentType: string, format?: "ndjson") => {
    const local = await serve((_, response) => response.writeHead(200, { "content-type": contentType }).end(body));
    return openClient({ baseUrl: local.origin }).send({ ...GET, format });
  };

  it.each(["application/x-ndjson", "application/ndjson; charset=utf-8", "application/jsonl"])(
    "is told by its type %s",
    async (contentType) => {
      const response = await answerOf('{"id":1}\r\n\n{"id":12345678901234567890}', contentType);
      expect(JSON.stringify(response.json())).toBe('[{"id":1},{"id":12345678901234567890}]');
    },
  );

  it("is read as one whatever its type, where that is asked for", async () => {
    expect((await answerOf('{"id":1}', "application/json", "ndjson")).json()).toEqual([{ id: 1 }]);
  });

  it("that is cut in its last line is refused", async () => {
    const response = await answerOf('{"id":1}\n{"id":2}\n{"id":', "application/x-ndjson");
    expect(() => response.json()).toThrow(
      expect.objectContaining({
        reasonCode: "source_response_invalid",
        message: expect.stringContaining("the answer is not NDJSON: line 3 is not JSON"),
      }),
    );
  });
});
