import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { findAdvisories, readLicences, refusedLicences } from "./lib/dependencies.ts";

/** `npm run audit`: known holes and licences of what we depend on, by the rule in CONTRIBUTING.md. It asks the npm registry. */

const lock: unknown = JSON.parse(await readFile("package-lock.json", "utf8"));
const refused = refusedLicences(readLicences(lock));
for (const { name, version, licence } of refused) console.error(`Licence: ${name}@${version} has ${licence}.`);
if (refused.length > 0) console.error("Fix: use another package, or add the licence to scripts/lib/dependencies.ts.");

const asked = spawnSync("npm", ["audit", "--json", "--omit=dev"], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
const answer = findAdvisories(asked.stdout);
if (answer.kind === "unknown") {
  console.error(
    `The npm registry did not say what it knows: ${answer.why} Fix: run npm run audit where the registry answers.`,
  );
} else {
  for (const { name, severity, fix } of answer.advisories)
    console.error(`Advisory: ${name} (${severity}). Fix: ${fix}`);
}

const failed = refused.length > 0 || answer.kind === "unknown" || answer.advisories.length > 0;
if (failed) process.exitCode = 1;
else console.log("No known holes in what runs in production, and no licence that is not allowed.");
