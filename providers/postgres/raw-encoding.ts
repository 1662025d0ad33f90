import type { Client } from "pg";

/**
 * Encodings of databases that are read without a conversion. SQL_ASCII takes any bytes and knows no characters: asked for UTF-8, it
 * fails at the first byte that is none. For MULE_INTERNAL Postgres has no conversion to UTF-8. No text of it is UTF-8, unless it is
 * ASCII. Given no wish, both send what they have, and the destination rejects the rows that are no UTF-8.
 */
export const RAW_ENCODINGS = ["SQL_ASCII", "MULE_INTERNAL"];

/** A client that asks for it gets text as it lies in the database. */
export const NO_CONVERSION = "SQL_ASCII";

/** Of a database that cannot convert to UTF-8 at all: "conversion between UTF8 and MULE_INTERNAL is not supported". */
export function isNoConversion(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "0A000";
}

/** Before it connects: the driver would ask for UTF-8. https://www.postgresql.org/docs/current/protocol-message-formats.html */
export function askForNoConversion(client: Client): void {
  const startup = (settings: Record<string, string>): void => {
    const parts = Object.entries({ ...settings, client_encoding: NO_CONVERSION }).flat();
    const body = Buffer.from(`\0\x03\0\0${parts.map((part) => `${part}\0`).join("")}\0`);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length + length.length);
    client.connection.stream.write(Buffer.concat([length, body]));
  };
  Object.assign(client.connection, { startup });
}
