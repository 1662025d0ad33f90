export interface Redactor {
  /** From now on `secret` is blacked out, also as it stands in URLs and in JSON. */
  hide(secret: string): void;
  redact(text: string): string;
}

/** Shorter ones would black out half of every message. */
const SHORTEST_SECRET = 4;

export function createRedactor(): Redactor {
  const hidden = new Set<string>();
  return {
    hide(secret) {
      if (secret.length < SHORTEST_SECRET) return;
      hidden.add(secret).add(encodeURIComponent(secret.toWellFormed())).add(JSON.stringify(secret).slice(1, -1));
    },
    redact(text) {
      // A secret may be part of a longer one.
      const longestFirst = [...hidden].sort((a, b) => b.length - a.length);
      return longestFirst.reduce((redacted, secret) => redacted.replaceAll(secret, "***"), text);
    },
  };
}
