import type { IConfiguration, IForbiddenRuleType } from "dependency-cruiser";

/** Who may import whom. ARCHITECTURE.md shows these two tables; dependency-cruiser enforces them. */

interface Room {
  /** Other rooms it may import. Its own files are always allowed. */
  imports: readonly string[];
  /** Other rooms of which it may import types only. */
  types: readonly string[];
}

export const ROOMS = {
  core: { imports: [], types: [] },
  egress: { imports: ["core"], types: [] },
  db: { imports: ["core"], types: [] },
  providers: { imports: ["core", "egress"], types: [] },
  destinations: { imports: ["core", "egress"], types: [] },
  control: { imports: ["core", "db"], types: ["workflows"] },
  workflows: { imports: ["core"], types: ["activities"] },
  activities: { imports: ["core", "egress", "db", "providers", "destinations", "control"], types: [] },
  api: { imports: ["core", "db", "control", "providers"], types: [] },
  client: { imports: [], types: [] },
} as const satisfies Record<string, Room>;

/** Package -> rooms and files that may import it. `scripts/`, `bench/` and `test/` are free. */
export const PACKAGE_OWNERS: Record<string, readonly string[]> = {
  "@aws-sdk/client-s3": ["providers/s3"],
  "@aws-sdk/client-sts": ["providers/s3"],
  "@hono/node-server": ["api"],
  "@hono/zod-openapi": ["api"],
  hono: ["api"],
  "http-link-header": ["providers"],
  jose: ["api", "providers"],
  "rate-limiter-flexible": ["api"],
  "swagger-ui-dist": ["api"],
  "@temporalio/activity": ["activities"],
  "@temporalio/client": ["control", "activities/backends"],
  "@temporalio/envconfig": ["control"],
  "@temporalio/common": ["workflows", "activities", "control", "worker.ts"],
  "@temporalio/worker": ["worker.ts", "queue-workers.ts", "temporal-runtime.ts", "bundle-workflows.ts"],
  "@temporalio/workflow": ["workflows"],
  kysely: ["db", "destinations"],
  "openapi-fetch": ["client"],
  pg: ["db", "destinations", "providers"],
  papaparse: ["providers/lib/http"],
  "pg-copy-streams": ["destinations", "providers"],
  pino: ["api", "worker.ts"],
  "prom-client": ["control/metrics.ts"],
  re2js: ["providers/lib/files"],
  "safe-stable-stringify": ["api"],
  undici: ["providers/lib/http"],
  zod: ["api", "db", "providers", "control/env.ts", "egress/env.ts", "worker.ts"],
};

/** Packages whose types are words between rooms: a logger is handed in wherever something is logged. */
const TYPES_ANYWHERE: readonly string[] = ["pino"];

/** Everything that dependency-cruiser reads, from the root of the repository. */
export const CRUISED = [
  ...Object.keys(ROOMS),
  "start-worker.ts",
  "worker.ts",
  "bundle-workflows.ts",
  "scripts",
  "bench",
  "test",
];

const anyOf = (names: readonly string[]): string =>
  `^(${names.map((name) => name.replaceAll(".", "\\.")).join("|")})(/|$)`;

function roomRules(name: string, room: Room): IForbiddenRuleType[] {
  const within = { from: { path: anyOf([name]) }, severity: "error" as const };
  const rules: IForbiddenRuleType[] = [
    {
      ...within,
      name: `${name}-imports`,
      comment: `${name}/ may import ${[...room.imports, ...room.types].join(", ") || "nothing"}`,
      to: { dependencyTypes: ["local"], pathNot: anyOf([name, ...room.imports, ...room.types]) },
    },
  ];
  if (room.types.length > 0) {
    rules.push({
      ...within,
      name: `${name}-imports-types`,
      comment: `${name}/ may import only types of ${room.types.join(", ")}`,
      to: { path: anyOf(room.types), dependencyTypesNot: ["type-only"] },
    });
  }
  return rules;
}

function packageRule([name, owners]: [string, readonly string[]]): IForbiddenRuleType {
  return {
    name: `package-${name}`,
    comment: `only ${owners.join(", ")} may import ${name}`,
    severity: "error",
    from: { pathNot: anyOf([...owners, "scripts", "bench", "test"]) },
    to: {
      path: `^node_modules/(@types/)?${name}/`,
      ...(TYPES_ANYWHERE.includes(name) ? { dependencyTypesNot: ["type-only"] } : {}),
    },
  };
}

const free = anyOf(["scripts", "bench", "test"]);

export const cruiseConfiguration: IConfiguration = {
  forbidden: [
    ...Object.entries(ROOMS).flatMap(([name, room]) => roomRules(name, room)),
    ...Object.entries(PACKAGE_OWNERS).map(packageRule),
    {
      name: "core-is-pure",
      comment: "the workflow sandbox, the API and the database code share core: no package, no node:",
      severity: "error",
      from: { path: "^core/" },
      to: { dependencyTypesNot: ["local"] },
    },
    {
      name: "workflows-are-deterministic",
      severity: "error",
      from: { path: "^workflows/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "api-sees-declarations",
      comment: "the API serves catalogs; it never reaches into a connector",
      severity: "error",
      from: { path: "^api/" },
      to: { path: "^providers/", pathNot: "^providers/(index|provider)\\.ts$" },
    },
    {
      name: "nobody-imports-tests",
      severity: "error",
      from: { pathNot: "^test/" },
      to: { path: "^test/" },
    },
    {
      name: "nobody-imports-composition-roots",
      comment: "they connect when they are loaded; start them as processes",
      severity: "error",
      from: { pathNot: "^(test/|start-worker\\.ts$)" },
      to: { path: "^(worker|api/server)\\.ts$" },
    },
    {
      name: "no-scripts-in-production",
      severity: "error",
      from: { pathNot: free },
      to: { path: "^(scripts|bench)/" },
    },
    {
      name: "no-dev-packages-in-production",
      severity: "error",
      from: { pathNot: free },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"] },
    },
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "resolvable",
      severity: "error",
      from: {},
      // A package of types alone has no module to find.
      to: { couldNotResolve: true, pathNot: "^@microsoft/microsoft-graph-types$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
