import { isKnownEncoding } from "../known-encoding.ts";

/** Charsets of several bytes a character: text in them is hardly ever UTF-8 by chance, or is ASCII with escapes. */
const WIDE = /^(utf-?16|unicode|ucs-2|iso-2022|csiso2022|shift|sjis|ms_kanji|euc|gb|big5|x-(sjis|gbk|euc))/i;
const UTF_16 = /^(utf-?16|unicode|ucs-2)/i;

/**
 * Text as a browser reads it, but broken text is refused and not mended. JSON is UTF-8 whatever the label says; a label counts where
 * the body is not UTF-8, or where it names a charset whose text could pass for UTF-8. A label that nobody knows counts as none.
 * @throws TypeError where it is broken
 */
export function decodeText(body: Buffer, contentType: string): string {
  const label = labelOf(body, contentType);
  const charsets = label === null ? ["utf-8"] : WIDE.test(label) ? [label, "utf-8"] : ["utf-8", label];
  let failure: unknown;
  for (const charset of charsets) {
    try {
      return new TextDecoder(charset, { fatal: true }).decode(body);
    } catch (error) {
      failure ??= error;
    }
  }
  throw failure;
}

/** @returns the charset by the first bytes of a text, or by its content type; null where neither says */
export function charsetOf(head: Buffer, contentType: string): string | null {
  return labelOf(head, contentType);
}

/** ASCII is a part of it. */
export function isUtf8Name(name: string): boolean {
  return /^(utf-?8|unicode-1-1-utf-8|us-ascii|ascii)$/i.test(name);
}

function labelOf(body: Buffer, contentType: string): string | null {
  if (body[0] === 0xff && body[1] === 0xfe) return "utf-16le";
  if (body[0] === 0xfe && body[1] === 0xff) return "utf-16be";
  const label = /;\s*charset\s*=\s*["']?([^\s;"',]+)/i.exec(contentType)?.[1] ?? null;
  // JSON in UTF-16 begins with a character of one byte and a NUL.
  const isWrong = label !== null && UTF_16.test(label) && !body.subarray(0, 4).includes(0);
  if (label !== null && !isWrong && isKnownEncoding(label)) return label;
  if (body[0] !== 0 && body[1] === 0) return "utf-16le";
  return body[0] === 0 && body[1] !== 0 && body.length > 1 ? "utf-16be" : null;
}
