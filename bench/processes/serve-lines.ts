import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

/**
 * Serves files that are made while they are sent: `/jsonl?rows=N`, `/csv?rows=N`, each with `&gzip`. It says its port, and ends with its standard input.
 */

/** Made beforehand, so that making them is not what is measured. */
const BLOCKS = 16;
const ROWS_A_BLOCK = 4_000;

const record = (i: number) => ({
  ...{ id: i, email: `customer-${i}@shop.example`, name: `Nämé "${i % 977}"`, total: `${i % 10_000}.50` },
  ...{ tags: ["new", `t${i % 13}`], address: { city: `City ${i % 501}`, zip: String(10_000 + (i % 90_000)) } },
  ...{ note: "x".repeat(i % 120), updated_at: "2026-11-29T12:34:56.789Z" },
});

type Format = "jsonl" | "csv";

function lineOf(format: Format, i: number): string {
  const { tags, address, ...cells } = record(i);
  if (format === "jsonl") return `${JSON.stringify(record(i))}\n`;
  const all = [...Object.values(cells), tags.join(";"), address.city, address.zip];
  return `${all.map((cell) => (typeof cell === "number" ? cell : `"${cell.replaceAll('"', '""')}"`)).join(",")}\r\n`;
}

const blocksOf = (format: Format): Buffer[] =>
  Array.from({ length: BLOCKS }, (_, block) =>
    Buffer.from(Array.from({ length: ROWS_A_BLOCK }, (_, i) => lineOf(format, block * ROWS_A_BLOCK + i)).join("")),
  );
const blocks = { jsonl: blocksOf("jsonl"), csv: blocksOf("csv") };

function* fileOf(format: Format, rows: number): Generator<Buffer> {
  if (format === "csv") yield Buffer.from("id,email,name,total,note,updated_at,tags,city,zip\r\n");
  for (let block = 0; block * ROWS_A_BLOCK < rows; block += 1) yield blocks[format][block % BLOCKS] ?? Buffer.alloc(0);
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://localhost");
  const format: Format = pathname === "/csv" ? "csv" : "jsonl";
  const file = Readable.from(fileOf(format, Number(searchParams.get("rows"))), { objectMode: false });
  const isPacked = searchParams.has("gzip");
  response.writeHead(200, {
    "content-type": format === "csv" ? "text/csv" : "application/x-ndjson",
    ...(isPacked ? { "content-encoding": "gzip" } : {}),
  });
  const sent = isPacked ? pipeline(file, createGzip({ level: 1 }), response) : pipeline(file, response);
  sent.catch((error: unknown) => console.error(String(error)));
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
process.stdin.on("end", () => process.exit(0)).resume();
