export interface Redactor {
  /** From now on `secret` is blacked out, also as it stands in URLs, forms and JSON. */
  hide(secret: string): void;
  redact(text: string): string;
  /** Blacks out what the error, its causes and its parts say, in place: whoever holds it, logs it or stores it. */
  redactError(error: unknown): void;
}

/** Shorter ones would black out half of every message. */
const SHORTEST_SECRET = 4;

/** Of closed lists: programs read them, and a password that is part of a word must not change it. */
const WORDS_FOR_PROGRAMS = new Set(["name", "code", "reasonCode"]);

export function createRedactor(secrets: readonly string[] = []): Redactor {
  const hidden = new Set<string>();

  function hide(secret: string): void {
    if (secret.length < SHORTEST_SECRET) return;
    const encoded = encodeURIComponent(secret.toWellFormed());
    hidden.add(secret).add(encoded).add(asInForm(encoded)).add(JSON.stringify(secret).slice(1, -1));
  }

  function redact(text: string): string {
    // A secret may be part of a longer one.
    const longestFirst = [...hidden].sort((a, b) => b.length - a.length);
    return longestFirst.reduce((redacted, secret) => redacted.replaceAll(secret, "***"), text);
  }

  function redactError(error: unknown, seen = new Set<unknown>()): void {
    // An error may be its own cause, by way of others.
    if (!(error instanceof Error) || seen.has(error)) return;
    seen.add(error);
    for (const name of Object.getOwnPropertyNames(error)) {
      if (WORDS_FOR_PROGRAMS.has(name)) continue;
      const said: unknown = Reflect.get(error, name);
      if (typeof said === "string" && redact(said) !== said) Reflect.set(error, name, redact(said));
    }
    redactError(error.cause, seen);
    if (error instanceof AggregateError) for (const part of error.errors) redactError(part, seen);
  }

  secrets.forEach(hide);
  return { hide, redact, redactError: (error) => redactError(error) };
}

/** https://url.spec.whatwg.org/#urlencoded-serializing */
function asInForm(encoded: string): string {
  return encoded
    .replaceAll("%20", "+")
    .replace(/[!'()~]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
}
