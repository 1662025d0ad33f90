import { makeApiKey, parseApiKeys } from "../api/api-keys.ts";
import { SCOPES } from "../api/scopes.ts";

/** `npm run keys:new -- <name> <scope>`: a key for a program. It is shown once; only its hash is kept. */

const [name = "", word] = process.argv.slice(2);
const scope = SCOPES.find((each) => each === word);

if (scope === undefined) {
  console.error(`Usage: npm run keys:new -- <name> <${SCOPES.join("|")}>`);
  process.exitCode = 2;
} else {
  const { key, entry } = makeApiKey(name, scope);
  try {
    parseApiKeys(entry);
    console.log(`X-API-Key: ${key}\n\nAdd to SLUICE_API_KEYS, with a comma between entries:\n${entry}`);
  } catch {
    console.error("The name must have 1 to 200 visible characters, without colons and commas.");
    process.exitCode = 2;
  }
}
