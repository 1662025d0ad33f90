import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** Speaks just enough of Postgres to ask for a password in clear, and then to say it out loud. */
export async function createEchoingPostgres(): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      // AuthenticationCleartextPassword. https://www.postgresql.org/docs/current/protocol-message-formats.html
      socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
      socket.once("data", (message: Buffer) => {
        const password = message.subarray(5, -1).toString();
        socket.end(
          errorResponse("28P01", `"${password}" is not the password`, `tried ${encodeURIComponent(password)}`),
        );
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.close();
      await once(server, "close");
    },
  };
}

function errorResponse(code: string, message: string, detail: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0D${detail}\0\0`);
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
