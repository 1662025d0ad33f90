import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PROVIDERS } from "../../core/vocabulary.ts";
import { findProvider } from "../../providers/index.ts";

interface Sent {
  path: string;
  body: Record<string, unknown>;
}

/** The JSON that the page's commands post; a variable of the shell stands for its name. */
function postedBy(page: string): Sent[] {
  const commands = page.matchAll(/curl[^\n]*\$base\/api\/v1(\/\S+)"[^\n]* -d '(\{[\s\S]*?\n *\})'/g);
  return Array.from(commands, ([, path = "", json = ""]) => ({
    path,
    body: JSON.parse(json.replaceAll(/"'"\$(\w+)"'"/g, '"$1"')),
  }));
}

describe.each(readdirSync("docs/providers"))("%s", (file) => {
  const page = readFileSync(`docs/providers/${file}`, "utf8");
  const provider = findProvider(PROVIDERS.find((key) => `${key}.md` === file) ?? "postgres");
  const posted = postedBy(page);

  it("creates a connection that the provider takes, with all secrets that it needs", () => {
    const connections = posted.filter(({ path }) => path === "/connections");
    expect(connections.length).toBeGreaterThan(0);
    for (const { body } of connections) {
      expect(body.name).toEqual(expect.any(String));
      expect(`${body.provider}.md`).toBe(file);
      const config = provider?.connectionSchema.parse(body.config) ?? {};
      const known = { ...provider?.secrets, ...provider?.secretsOf?.(config) };
      const needed = Object.keys(known).filter((name) => known[name]?.required);
      expect(Object.keys(Object(body.secrets))).toEqual(expect.arrayContaining(needed));
    }
  });

  it("creates a sync that the provider takes, and triggers it", () => {
    const syncs = posted.filter(({ path }) => path === "/syncs");
    expect(syncs.length).toBeGreaterThan(0);
    for (const { body } of syncs) {
      expect(body).toMatchObject({ connectionId: "connection", status: "active" });
      expect(provider?.sourceConfigSchema.safeParse(body.sourceConfig ?? {}).error).toBeUndefined();
    }
    expect(page).toContain('/api/v1/syncs/$sync/trigger"');
  });
});
