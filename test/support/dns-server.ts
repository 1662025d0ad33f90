import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";

/** A name server on loopback that answers every question for an address with what `answer` gives, and never to be kept. */
export async function createDnsServer(answer: (hostName: string) => string): Promise<{
  /** Asks it, each time anew. */
  resolve(hostName: string): Promise<string[]>;
  /** Names that were asked for. */
  asked: string[];
  close(): Promise<void>;
}> {
  const asked: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const name = nameIn(query);
    asked.push(name);
    socket.send(answerTo(query, answer(name)), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return {
    asked,
    resolve: (hostName) => resolver.resolve4(hostName),
    async close() {
      socket.close();
      await once(socket, "close");
    },
  };
}

const HEADER_BYTES = 12;

function nameIn(query: Buffer): string {
  const labels: string[] = [];
  for (let at = HEADER_BYTES, length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.subarray(at + 1, at + 1 + length).toString());
    at += 1 + length;
  }
  return labels.join(".");
}

/** One A record with a TTL of 0. https://www.rfc-editor.org/rfc/rfc1035#section-4 */
function answerTo(query: Buffer, address: string): Buffer {
  const questionEnd = query.indexOf(0, HEADER_BYTES) + 5;
  const header = Buffer.from(query.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(0x8580, 2);
  header.writeUInt16BE(1, 6);
  header.writeUInt32BE(0, 8);
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split(".").map(Number)]);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, questionEnd), record]);
}
