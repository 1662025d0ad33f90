import { existsSync, readFileSync } from "node:fs";
import { METRIC_GROUPS, type Metric } from "../../core/metrics.ts";
import { REASON_CODES, reasonOf } from "../../core/result-reasons.ts";
import {
  isTerminal,
  nextStatus,
  RUN_STATUSES,
  RUN_TRANSITIONS,
  type RunEvent,
  type RunStatus,
} from "../../core/run-lifecycle.ts";
import { RUN_PHASES, STANDSTILLS } from "../../core/run-progress.ts";
import {
  AVAILABLE,
  EXECUTION_BACKENDS,
  LOAD_MODES,
  PROVIDERS,
  RUN_MODES,
  TRIGGER_MODES,
} from "../../core/vocabulary.ts";
import { findProvider } from "../../providers/index.ts";
import type { Provider } from "../../providers/provider.ts";
import { configRows } from "./config-table.ts";
import { PACKAGE_OWNERS, ROOMS } from "./import-rules.ts";

/** Parts of documents that are made from the code, by file and by the name in their markers. */
export const GENERATED: Record<string, Record<string, () => string>> = {
  "ARCHITECTURE.md": { lifecycle: lifecycleTable, rooms: roomTable, packages: packageTable },
  "README.md": { operations: operationTable, "not-available": notAvailableTable },
  "docs/result-reasons.md": { reasons: reasonTable },
  "docs/guide/operations.md": { phases: phaseTable, standstills: standstillTable, metrics: metricTable },
  ...Object.fromEntries(
    documentedProviders().map((provider) => [
      pageOf(provider),
      {
        ...(provider.resources.length === 0 ? {} : { resources: () => resourceTables(provider) }),
        config: () => configTable(provider),
        secrets: () => secretTable(provider),
      },
    ]),
  ),
};

/** Tables that a page may do without. */
const OPTIONAL = ["config", "secrets"];

/** Connectors whose resources are declared have a page of their own; others may. */
function documentedProviders(): Provider[] {
  return PROVIDERS.flatMap((key) => findProvider(key) ?? []).filter(
    (provider) => provider.resources.length > 0 || existsSync(pageOf(provider)),
  );
}

function pageOf({ key }: Provider): string {
  return `docs/providers/${key}.md`;
}

/** What a provider gives, then the columns of each resource. */
export function resourceTables(provider: Pick<Provider, "resources" | "foundResources">): string {
  const resources = [...provider.resources, ...(provider.foundResources ?? [])];
  const overview = table(
    ["resource", "key", "cursor", "load mode", "windows", "size", "needs first", "what it is"],
    resources.map(({ entityKey, primaryKey = [], cursorField, loadMode, dependsOn, childOf, description, ...rest }) => [
      ...[code(entityKey), codes(primaryKey), codes(cursorField === null ? [] : [cursorField]), code(loadMode)],
      ...[childOf === undefined ? windowsOf(rest) : "as its parent", rest.sizeClass.toUpperCase()],
      ...[childOf === undefined ? codes(dependsOn) : `comes with ${code(childOf)}`, description],
    ]),
  );
  const columns = resources.map(
    ({ entityKey, columns = [] }) =>
      `Columns of ${code(entityKey)}:\n\n${table(
        ["column", "type", "field", "meaning"],
        columns.map(({ name, type, path, description }) => [
          ...[code(name), code(type), path === null ? "" : code(path), description ?? ""],
        ]),
      )}`,
  );
  return [overview, ...columns].join("\n\n");
}

function windowsOf({ slicing }: Pick<Provider["resources"][number], "slicing">): string {
  return slicing.by === "none" ? "no" : `by ${slicing.by}`;
}

function configTable({ connectionSchema }: Pick<Provider, "connectionSchema">): string {
  return table(["field", "type", "needed", "when absent", "meaning"], configRows(connectionSchema));
}

function secretTable({ secrets }: Pick<Provider, "secrets">): string {
  return table(
    ["secret", "needed", "meaning"],
    Object.entries(secrets).map(([name, { required, description }]) => [
      code(name),
      required ? "yes" : "no",
      description,
    ]),
  );
}

/** `text` with what stands between `<!-- name:begin -->` and `<!-- name:end -->` made anew. */
export function regenerate(path: string, text: string): string {
  return Object.entries(GENERATED[path] ?? {}).reduce((document, [name, make]) => {
    const begin = `<!-- ${name}:begin -->`;
    const end = `<!-- ${name}:end -->`;
    if (OPTIONAL.includes(name) && !document.includes(begin)) return document;
    const [before, rest, ...more] = document.split(begin);
    const after = rest?.split(end);
    if (before === undefined || after?.length !== 2 || more.length > 0) {
      throw new Error(`${path} must hold ${begin} and ${end} once, in this order`);
    }
    return `${before}${begin}\n${make()}\n${end}${after[1]}`;
  }, text);
}

function table(header: string[], rows: string[][]): string {
  return [header, header.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const code = (text: string): string => `\`${text}\``;
const codes = (names: readonly string[]): string => names.map(code).join(", ") || "nothing";

function lifecycleTable(): string {
  const events = Object.keys(RUN_TRANSITIONS) as RunEvent[];
  const edges = (from: RunStatus): string =>
    events
      .flatMap((event) => {
        const to = nextStatus(from, event);
        return to === null ? [] : [`${event} → ${code(to)}`];
      })
      .join("<br>");
  return table(
    ["status", "leaves by"],
    RUN_STATUSES.map((status) => [code(status), isTerminal(status) ? "terminal: never" : edges(status)]),
  );
}

function roomTable(): string {
  return table(
    ["room", "may import", "types only"],
    Object.entries(ROOMS).map(([room, { imports, types }]) => [code(room), codes(imports), codes(types)]),
  );
}

function packageTable(): string {
  return table(
    ["package", "imported by"],
    Object.entries(PACKAGE_OWNERS).map(([name, owners]) => [code(name), codes(owners)]),
  );
}

function notAvailableTable(): string {
  const lists = {
    executionBackend: EXECUTION_BACKENDS,
    triggerMode: TRIGGER_MODES,
    runMode: RUN_MODES,
    loadMode: LOAD_MODES,
  } as const satisfies Record<keyof typeof AVAILABLE, readonly string[]>;
  const fields = Object.keys(lists) as (keyof typeof lists)[];
  const rows = fields.map((field) => {
    const built: readonly string[] = AVAILABLE[field];
    return [code(field), codes(built), codes(lists[field].filter((value) => !built.includes(value)))];
  });
  const connectors = PROVIDERS.filter((key) => findProvider(key) !== null);
  const missing = PROVIDERS.filter((key) => findProvider(key) === null);
  return table(["field", "available", "not yet"], [...rows, [code("provider"), codes(connectors), codes(missing)]]);
}

function reasonTable(): string {
  return table(
    ["code", "class", "resumes by itself", "who acts", "meaning", "what to do"],
    REASON_CODES.map((reasonCode) => {
      const { resultClass, autoResume, actor, meaning, fix } = reasonOf(reasonCode);
      return [code(reasonCode), resultClass, autoResume, actor, meaning, fix];
    }),
  );
}

function phaseTable(): string {
  return table(
    ["`summary.phase`", "meaning"],
    Object.entries(RUN_PHASES).map(([phase, meaning]) => [code(phase), meaning]),
  );
}

function standstillTable(): string {
  return table(
    ["`summary.waiting.reason`", "meaning"],
    Object.entries(STANDSTILLS).map(([reason, meaning]) => [code(reason), meaning]),
  );
}

function metricTable(): string {
  return table(
    ["series", "labels", "type", "meaning", "answered by"],
    Object.entries<Record<string, Metric>>(METRIC_GROUPS).flatMap(([group, metrics]) =>
      Object.entries(metrics).map(([name, { labels, type, help }]) => [
        code(name),
        labels.map(code).join(", "),
        type,
        help,
        group,
      ]),
    ),
  );
}

interface OpenApiDocument {
  paths: Record<string, Record<string, { summary?: string }>>;
}

function operationTable(): string {
  const { paths } = JSON.parse(readFileSync("docs/openapi.json", "utf8")) as OpenApiDocument;
  return table(
    ["method", "path", "operation"],
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { summary }]) => [method.toUpperCase(), code(path), summary ?? ""]),
    ),
  );
}
