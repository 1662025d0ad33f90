import { randomBytes } from "node:crypto";
import pg from "pg";
import { ENCODINGS } from "./encodings.ts";
import type { World } from "./world.ts";

/** Secrets that are made to be found again, whatever was done to them on the way. */
export interface Canaries {
  /** A new secret; `name` says where it was put. */
  plant(name: string): string;
  /** Where `text` holds one, in clear or encoded: `<name> as <encoding>`. */
  findIn(text: string): string[];
}

export function createCanaries(): Canaries {
  const forms: { text: string; found: string }[] = [];
  return {
    plant(name) {
      // What URLs, JSON and shells write in another way than it is.
      const unlike = randomBytes(9).toString("hex");
      const secret = `Cn4ry/+&%${unlike}`;
      forms.push({ text: unlike, found: `${name} in part` });
      for (const [encoding, texts] of Object.entries(encodingsOf(secret))) {
        for (const text of texts) forms.push({ text, found: `${name} as ${encoding}` });
      }
      return secret;
    },
    findIn: (text) => [...new Set(forms.filter((form) => text.includes(form.text)).map(({ found }) => found))],
  };
}

function encodingsOf(secret: string): Record<string, string[]> {
  // Of a longer text in base64, the secret is what is left when the characters are taken off that its neighbours share.
  const inBase64 = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)])
      .toString("base64")
      .replace(/=+$/, "");
    return encoded.slice(Math.ceil((before * 4) / 3), -1);
  });
  return {
    ...Object.fromEntries(Object.entries(ENCODINGS).map(([encoding, encode]) => [encoding, [encode(secret)]])),
    "URL component": [encodeURIComponent(secret), encodeURI(secret)],
    "form field": [new URLSearchParams({ secret }).toString().slice("secret=".length)],
    base64: inBase64,
    base64url: inBase64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
  };
}

/** Every row of every table, as JSON; bytes are hex. */
export async function dumpDatabase(url: string): Promise<{ table: string; text: string }[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ table: string }>(
      `select format('%I.%I', schemaname, tablename) as table from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
    );
    const dump = [];
    for (const { table } of tables) {
      const { rows } = await client.query<{ text: string }>(
        `select to_jsonb(each)::text as text from ${table} as each`,
      );
      for (const { text } of rows) dump.push({ table, text });
    }
    return dump;
  } finally {
    await client.end();
  }
}

/** Everything that Temporal keeps of every workflow: history with its payloads in clear, and what lists show. */
export async function dumpWorkflows({ temporal }: World): Promise<{ workflowId: string; text: string }[]> {
  const dump = [];
  for await (const execution of temporal.workflow.list()) {
    const { workflowId, runId } = execution;
    const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    dump.push({ workflowId, text: [execution.raw, history].flatMap((each) => [...textsOf(each)]).join("\n") });
  }
  return dump;
}

function* textsOf(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (value instanceof Uint8Array) yield Buffer.from(value).toString("utf8");
  else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      yield key;
      yield* textsOf(item);
    }
  }
}
