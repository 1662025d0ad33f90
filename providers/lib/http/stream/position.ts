/** How far a stream was read: JSON, so that it fits into a checkpoint. */
export interface StreamPosition {
  /** Of the bytes that `HttpStream.bytes` gives. */
  offset: number;
  /** The file's version, as `versionOf` has it. Another version is another file. */
  version: string;
  /** The bytes on the wire are others than those that are counted: the file is read again from its start, up to `offset`. */
  isPacked: boolean;
}

/** A date is a version only if the file was not changed within the last minute: it has no fractions of a second. */
const FIRM_AFTER_MS = 60_000;

/**
 * What tells one version of a file from another, byte for byte: a strong ETag, or else the time of its last change.
 * @returns null where the source tells neither
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-8.8
 */
export function versionOf(headers: Headers): string | null {
  const etag = headers.get("etag")?.trim() ?? "";
  if (etag !== "" && !/^W\//i.test(etag)) return `etag ${etag}`;
  const changed = headers.get("last-modified")?.trim() ?? "";
  const sentAt = Date.parse(headers.get("date") ?? "");
  return sentAt - Date.parse(changed) >= FIRM_AFTER_MS ? `date ${changed}` : null;
}

/** Header that makes a source refuse with 412 where the file has another version by now. */
export function preconditionOf(version: string): Record<string, string> {
  const [kind, value] = [version.slice(0, 4), version.slice(5)];
  return kind === "etag" ? { "if-match": value } : { "if-unmodified-since": value };
}

/** How long the whole is, as a 416 has it; null where it does not say so. */
export function sizeBehind(headers: Headers): number | null {
  const [, size] = /^bytes \*\/(\d+)$/i.exec(headers.get("content-range")?.trim() ?? "") ?? [];
  return size === undefined ? null : Number(size);
}

/** Where a 206 begins, and how long the whole is; null where the source does not say so. */
export function rangeOf(headers: Headers): { from: number; size: number | null } | null {
  const [, from, size] = /^bytes (\d+)-\d+\/(\d+|\*)$/i.exec(headers.get("content-range")?.trim() ?? "") ?? [];
  if (from === undefined) return null;
  return { from: Number(from), size: size === "*" ? null : Number(size) };
}
