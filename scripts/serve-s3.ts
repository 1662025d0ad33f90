import { once } from "node:events";
import { buildApp } from "fauxqs";

/**
 * A local S3 server as a process, for the demo, the bench and tests: npm's fauxqs, on loopback, in memory, with any credentials. Its only line is its
 * address. It ends with SIGTERM, and when its standard input closes.
 */
const app = buildApp({ logger: false });
console.log(await app.listen({ port: 0, host: "127.0.0.1" }));

// Whoever started it holds the other end; it must not outlive them.
await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT"), once(process.stdin.resume(), "close")]);
await app.close();
process.exit();
