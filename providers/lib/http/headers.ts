import { validateHeaderName, validateHeaderValue } from "node:http";

const HARMLESS = new Set([
  ...["accept", "accept-encoding", "accept-language", "content-type", "user-agent"],
  // A download that goes on where it broke off may be redirected again.
  ...["range", "if-match", "if-unmodified-since"],
]);

/** May any host and any reader of a message see it? */
export function isHarmless(name: string): boolean {
  return HARMLESS.has(name.toLowerCase());
}

/** Names are in lower case in the result; of one name the last counts. */
export function mergeHeaders(...sources: Record<string, string>[]): Record<string, string> {
  const entries = sources.flatMap((headers) => Object.entries(headers));
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]));
}

/** @throws an error that names the header and not its value, where it cannot be sent */
export function validateHeaders(headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  }
}

export function toHeaders(received: Record<string, string | string[] | undefined>): Headers {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(received)) {
    for (const value of [values].flat()) headers.append(name, value);
  }
  return headers;
}
