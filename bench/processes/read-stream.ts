import { createRedactor } from "../../core/redact.ts";
import { noAuth } from "../../providers/lib/http/auth/fixed.ts";
import { createHttpClient } from "../../providers/lib/http/client.ts";
import { readCsv } from "../../providers/lib/http/stream/csv.ts";
import { readJsonLines } from "../../providers/lib/http/stream/json-lines.ts";

/** Reads one file through the HTTP kit, as a connector does, and says how it went: one line of JSON. */

export interface ReadStream {
  rows: number;
  /** Unpacked. */
  megabytes: number;
  seconds: number;
  peakRssMb: number;
}

const [url = "", format = "jsonl"] = process.argv.slice(2);
const client = createHttpClient({
  ...{ provider: "http_api", baseUrl: url, auth: noAuth(), redactor: createRedactor() },
  shared: {
    readTokens: async () => ({}),
    renew: () => Promise.reject(new Error("there are no tokens")),
    reserve: async () => ({ given: true, waitMs: 0, place: 0 }),
    settle: async () => undefined,
    block: async () => undefined,
    lease: async () => true,
    release: async () => undefined,
    patienceSeconds: () => 60,
  },
  egress: { allowPrivate: ["127.0.0.1"], allowOnly: null },
  signal: new AbortController().signal,
});

const startedAt = performance.now();
const stream = await client.stream({ doing: "the file", method: "GET", url });
let rows = 0;
let bytes = 0;
if (format === "bytes") for await (const chunk of stream.bytes()) bytes += chunk.length;
else if (format === "csv") {
  for await (const piece of readCsv(stream)) {
    rows += piece.records.length;
    bytes = piece.endsAt ?? bytes;
  }
} else {
  for await (const piece of readJsonLines(stream)) {
    rows += piece.values.length;
    bytes = piece.endsAt;
  }
}
const read: ReadStream = {
  ...{ rows, megabytes: bytes / 1e6, seconds: (performance.now() - startedAt) / 1000 },
  peakRssMb: (process.resourceUsage().maxRSS * 1024) / 1e6,
};
console.log(JSON.stringify(read));
await client.close();
