/** Of the start of a body: no header of a CSV file has it. A name in angle brackets alone may be one, and so may one in square brackets. */
const STARTS = [
  ["JSON", /^\s*(\{\s*"|\[\s*(\{\s*"|")|(\[\s*\]|\{\s*\})\s*$)/],
  ["HTML", /^\s*<(!doctype\s+html|html)\b/i],
  ["XML", /^\s*<(\?xml\b|[a-z][\w:.-]*[^>,;|\t]*>[ \r\n]*<[a-z/])/i],
] as const;

/**
 * What a body is that should be CSV, as its type or its first characters tell it; null where neither does.
 * @param header its first characters; null where it begins with data, which may be anything
 */
export function otherFormatOf(contentType: string, header: string | null): "JSON" | "HTML" | "XML" | null {
  const [, named] = /^\s*[\w.-]+\/(?:[\w.-]+\+)?(json|html|xml)\s*(?:;|$)/i.exec(contentType) ?? [];
  if (named !== undefined) return named.toUpperCase() as "JSON" | "HTML" | "XML";
  return STARTS.find(([, start]) => header !== null && start.test(header))?.[0] ?? null;
}
