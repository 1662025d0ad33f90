/** An access token as it is kept with the connection. */
export interface StoredToken {
  accessToken: string;
  /** A digest of everything it depends on. */
  issuedFor: string;
  /** Milliseconds; infinite where the source gave no lifetime. */
  expiresAt: number;
  renewAt: number;
  answered: Readonly<Record<string, string>>;
}

const FIELDS = ["accessToken", "issuedFor", "expiresAt", "renewAt", "answered"] as const;

/** A connection has one access token, and more where each kind of operation takes its own. */
const MOST_SLOTS = 20;

/** @returns null where the slot holds none */
export function readToken(tokens: Readonly<Record<string, string>>, slot: string): StoredToken | null {
  const [accessToken, issuedFor, expiresAt, renewAt, answered] = FIELDS.map((field) => tokens[nameOf(slot, field)]);
  if (accessToken === undefined || issuedFor === undefined) return null;
  return {
    ...{ accessToken, issuedFor },
    expiresAt: instantOf(expiresAt),
    renewAt: instantOf(renewAt),
    answered: answered === undefined ? {} : JSON.parse(answered),
  };
}

/** @returns all tokens with `token` in its slot; those of other slots that have expired, or are too many, are left out */
export function putToken(
  tokens: Readonly<Record<string, string>>,
  slot: string,
  token: StoredToken,
): Record<string, string> {
  const others = slotsOf(tokens)
    .filter((each) => each !== slot)
    .flatMap((each) => {
      const stored = readToken(tokens, each);
      return stored !== null && stored.expiresAt > Date.now() ? [{ slot: each, token: stored }] : [];
    })
    .sort((a, b) => b.token.expiresAt - a.token.expiresAt)
    .slice(0, MOST_SLOTS - 1);
  return Object.assign({}, ...[...others, { slot, token }].map((each) => fieldsOf(each.slot, each.token)));
}

function fieldsOf(slot: string, { accessToken, issuedFor, expiresAt, renewAt, answered }: StoredToken) {
  const lasts = Number.isFinite(expiresAt);
  return {
    [nameOf(slot, "accessToken")]: accessToken,
    [nameOf(slot, "issuedFor")]: issuedFor,
    ...(lasts
      ? {
          [nameOf(slot, "expiresAt")]: new Date(expiresAt).toISOString(),
          [nameOf(slot, "renewAt")]: new Date(renewAt).toISOString(),
        }
      : {}),
    ...(Object.keys(answered).length === 0 ? {} : { [nameOf(slot, "answered")]: JSON.stringify(answered) }),
  };
}

/** The usual token's fields have their own names: versions before this one know no slots. */
function nameOf(slot: string, field: (typeof FIELDS)[number]): string {
  return slot === "" ? field : `${slot}/${field}`;
}

function slotsOf(tokens: Readonly<Record<string, string>>): string[] {
  return Object.keys(tokens).flatMap((name) => {
    if (name === "accessToken") return [""];
    return name.endsWith("/accessToken") ? [name.slice(0, -"/accessToken".length)] : [];
  });
}

function instantOf(text: string | undefined): number {
  return text === undefined ? Number.POSITIVE_INFINITY : Date.parse(text);
}
