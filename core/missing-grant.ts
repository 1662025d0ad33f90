/** What Postgres names in `permission denied for <kind> <name>`, and the privilege that each end needs there. */
const NEEDED: Record<"source" | "destination", Record<string, string>> = {
  source: {
    schema: "`usage`",
    table: "`select`",
    view: "`select`",
    "materialized view": "`select`",
    "foreign table": "`select`",
    relation: "`select`",
    sequence: "`select`",
    function: "`execute`",
    type: "`usage`",
    "foreign server": "`usage`",
  },
  destination: {
    schema: "`usage` and `create`",
    database: "`create` and `temporary`",
    table: "`all`",
    view: "`all`",
    relation: "`all`",
    sequence: "`usage`",
    function: "`execute`",
    type: "`usage`",
    tablespace: "`create`",
  },
};

const GRANTEES = { source: "the user of the connection", destination: "the destination's role" };

const DENIED = /permission denied for (materialized view|foreign table|foreign server|[a-z]+) (.+)$/;
const TEMPORARY = /permission denied to create temporary tables in database (.+)$/;
const NOT_OWNER = /must be (?:the )?owner of (materialized view|foreign table|[a-z]+) (.+)$/;

/**
 * @param said by Postgres, with SQLSTATE 42501
 * @returns what to grant, as one sentence; null where the server says it in another language, or something else
 */
export function fixOfMissingGrant(end: "source" | "destination", said: string): string | null {
  const to = GRANTEES[end];
  const [, database] = TEMPORARY.exec(said) ?? [];
  if (database !== undefined) return `Grant ${to} \`temporary\` on database ${bare(database)}.`;
  const [, owned, ownedName = ""] = NOT_OWNER.exec(said) ?? [];
  if (owned !== undefined) return `Make ${to} the owner of ${owned} ${bare(ownedName)}.`;
  const [, kind = "", name = ""] = DENIED.exec(said) ?? [];
  const privileges = NEEDED[end][kind];
  return privileges === undefined ? null : `Grant ${to} ${privileges} on ${kind} ${bare(name)}.`;
}

function bare(name: string): string {
  return name.replace(/^"(.*)"$/, "$1");
}
