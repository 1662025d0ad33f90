import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { isProviderError } from "../../../../core/errors.ts";
import { createEgressGuard } from "../../../../providers/lib/http/egress.ts";
import { parseJson } from "../../../../providers/lib/http/json.ts";
import { GET, openClient } from "./local-http.ts";

const guard = createEgressGuard({ policy: { allowPrivate: [], allowOnly: null } });
const isRefused = (host: string): boolean => {
  try {
    guard.check(new URL(`https://${host}/`));
    return false;
  } catch {
    return true;
  }
};

/** First and last address, as numbers, of ranges that must not be reached, and of some that may. */
const range = (network: string, bits: number): [number, number] => {
  const first = network.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  return [first, first + 2 ** (32 - bits) - 1];
};
const CLOSED = [
  range("0.0.0.0", 8),
  range("10.0.0.0", 8),
  range("100.64.0.0", 10),
  range("127.0.0.0", 8),
  range("169.254.0.0", 16),
  range("172.16.0.0", 12),
  range("192.168.0.0", 16),
  range("224.0.0.0", 4),
  range("240.0.0.0", 4),
];
const OPEN = [range("1.0.0.0", 8), range("8.8.0.0", 16), range("172.32.0.0", 11), range("193.0.0.0", 8)];

const within = (ranges: [number, number][]) =>
  fc.oneof(...ranges.map(([min, max]) => fc.integer({ min, max: Math.min(max, 2 ** 32 - 1) })));
const inBase = (value: number, base: number): string =>
  ({ 8: `0${value.toString(8)}`, 16: `0x${value.toString(16)}` })[base] ?? String(value);

/** An IPv4 address in one to four parts, each in any base: all the notations that a URL takes. */
const notation = (address: fc.Arbitrary<number>) =>
  fc
    .tuple(
      address,
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom(8, 10, 16), { minLength: 4, maxLength: 4 }),
    )
    .map(([number, parts, bases]) => {
      const bytes = [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256);
      const leading = bytes.slice(0, parts - 1);
      const rest = number % 2 ** (8 * (5 - parts));
      return [...leading, rest].map((value, index) => inBase(value, bases[index] ?? 10)).join(".");
    });
const embedded = (address: fc.Arbitrary<number>) =>
  fc.tuple(address, fc.constantFrom("::ffff:", "::", "64:ff9b::", "2002:")).map(([number, prefix]) => {
    const high = Math.floor(number / 65_536).toString(16);
    const low = (number % 65_536).toString(16);
    return prefix === "2002:" ? `[2002:${high}:${low}::1]` : `[${prefix}${high}:${low}]`;
  });

it("an address that is not public is refused in every notation, alone or inside an IPv6 address", () => {
  fc.assert(
    fc.property(fc.oneof(notation(within(CLOSED)), embedded(within(CLOSED)), embedded(within(OPEN))), isRefused),
    { numRuns: 5_000 },
  );
});

it("a public address passes in every notation", () => {
  fc.assert(
    fc.property(notation(within(OPEN)), (host) => !isRefused(host)),
    { numRuns: 2_000 },
  );
});

it("JSON comes back as it went, whatever its numbers", () => {
  const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,40})(\.\d{1,40})?(e[+-]?\d{1,3})?$/);
  const document = fc.tuple(digits, fc.json(), fc.string({ unit: "binary" })).map(([number, json, text]) => ({
    number,
    text: `{"n":[${number}],"j":${json},"s":${JSON.stringify(text)}}`,
  }));
  fc.assert(
    fc.property(document, ({ number, text }) => {
      const value = parseJson(text);
      const back = JSON.stringify(value);
      // The platform's own parser agrees on everything but digits.
      expect(JSON.stringify(JSON.parse(back))).toBe(JSON.stringify(JSON.parse(text)));
      const written = /^\{"n":\[([^\]]+)\]/.exec(back)?.[1] ?? "";
      if (number.replace(/e.*|[^\d]/g, "").replace(/^0+/, "").length > 15) expect(written).toBe(number);
    }),
    { numRuns: 2_000 },
  );
});

const body = gzipSync(JSON.stringify({ rows: Array.from({ length: 50 }, (_, id) => ({ id })) }));
const GOOD = Buffer.concat([
  Buffer.from(
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n" +
      `retry-after: 1\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`,
  ),
  body,
  Buffer.from("\r\n0\r\n\r\n"),
]);

it("whatever bytes a source sends, a request ends with an answer or with an error that says what to do", async () => {
  let next = GOOD;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(next));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = openClient({ baseUrl, timeoutMs: 1_000, retry: { maxAttempts: 1 } });

  const damage = fc.array(fc.tuple(fc.nat(GOOD.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  const lengths = fc.oneof(fc.constant(GOOD.length), fc.nat(GOOD.length));
  await fc.assert(
    fc.asyncProperty(damage, lengths, async (bytes, length) => {
      next = Buffer.from(GOOD.subarray(0, length));
      for (const [at, byte] of bytes) if (at < length) next[at] = byte;
      try {
        (await client.send(GET)).json();
      } catch (error) {
        if (!isProviderError(error)) throw error;
      }
    }),
    { numRuns: 1_000 },
  );
});
