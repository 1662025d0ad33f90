import fc from "fast-check";
import { expect, test } from "vitest";
import { createUnframer } from "../../../providers/postgres/unframe.ts";

function message(type: string, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.write(type);
  header.writeUInt32BE(payload.length + 4, 1);
  return Buffer.concat([header, payload]);
}

/** Cut anywhere, as a network does; each piece with memory of its own. */
function cut(bytes: Buffer, at: number[]): Buffer[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => Buffer.from(bytes.subarray(from, places[i] ?? bytes.length)));
}

function unframe(chunks: Buffer[]): { payload: Buffer; rest: Buffer | null } {
  const take = createUnframer();
  const payloads: Buffer[] = [];
  for (const [i, chunk] of chunks.entries()) {
    const { payload, rest } = take(chunk);
    payloads.push(Buffer.from(payload));
    if (rest !== null) return { payload: Buffer.concat(payloads), rest: Buffer.concat([rest, ...chunks.slice(i + 1)]) };
  }
  return { payload: Buffer.concat(payloads), rest: null };
}

const rows = fc.array(fc.oneof(fc.uint8Array({ maxLength: 90 }), fc.uint8Array({ minLength: 500, maxLength: 900 })), {
  maxLength: 30,
});
const cuts = fc.array(fc.nat(20_000), { maxLength: 40 });
const isNotice = fc.array(fc.boolean(), { maxLength: 30 });

test("the rows come out whole, in order and without frames, wherever the network cuts", () => {
  fc.assert(
    fc.property(rows, cuts, isNotice, (data, at, notices) => {
      const after = Buffer.concat([message("C", Buffer.from("COPY 1\0")), message("Z", Buffer.from("I"))]);
      const sent = Buffer.concat([
        message("H", Buffer.from([1, 0, 1, 0, 1])),
        ...data.flatMap((row, i) => [...(notices[i] ? [message("N", Buffer.from("ddd"))] : []), message("d", row)]),
        message("c", Buffer.alloc(0)),
        after,
      ]);
      const { payload, rest } = unframe(cut(sent, at));
      expect(payload.equals(Buffer.concat(data))).toBe(true);
      expect(rest?.equals(after)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("what came before an error comes out, and the driver gets the error whole", () => {
  fc.assert(
    fc.property(rows, cuts, (data, at) => {
      const failure = Buffer.concat([message("E", Buffer.from("SERROR\0C57014\0\0")), message("Z", Buffer.from("I"))]);
      const sent = Buffer.concat([...data.map((row) => message("d", row)), failure]);
      const { payload, rest } = unframe(cut(sent, at));
      expect(payload.equals(Buffer.concat(data))).toBe(true);
      expect(rest?.equals(failure)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("a row of ten megabytes passes in the chunks that it came in", () => {
  const row = Buffer.alloc(10_000_000, 7);
  const sent = message("d", row);
  const chunks = Array.from({ length: Math.ceil(sent.length / 65_536) }, (_, i) =>
    Buffer.from(sent.subarray(i * 65_536, (i + 1) * 65_536)),
  );
  expect(unframe(chunks).payload.equals(row)).toBe(true);
});
