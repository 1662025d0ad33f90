import { generateKeyPairSync } from "node:crypto";
import { jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import { msftSharepoint } from "../../../providers/msft_sharepoint/index.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import { CLIENT_ID, DRIVE_ID, planOf, SITE_ID, sendGraphError, serveGraph } from "./scripted-graph.ts";

const TOKEN = "/tenant-1/oauth2/v2.0/token";
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));

describe("the login", () => {
  it.each([
    ["ab".repeat(20), "RS256", "x5t", "global", "https://login.microsoftonline.com"],
    ["AB:".repeat(31).concat("AB"), "PS256", "x5t#S256", "china", "https://login.chinacloudapi.cn"],
  ])("signs with a certificate, and says which: %s", async (thumbprint, alg, member, cloud, entra) => {
    let form = new URLSearchParams();
    const graph = await serveGraph({
      [TOKEN]: ({ body }) => {
        form = new URLSearchParams(body);
        return { access_token: "access-1", expires_in: 3600 };
      },
    });
    const source = await graph.open({
      config: { cloud, auth: { type: "certificate", thumbprint } },
      secrets: { privateKey: pem },
    });
    expect((await source.check()).at(0)).toMatchObject({ name: "token", ok: true });
    // The login came by a proxy, and Entra looks for its own address in it.
    const { payload, protectedHeader } = await jwtVerify(form.get("client_assertion") ?? "", publicKey, {
      audience: `${entra}${TOKEN}`,
    });
    expect(protectedHeader).toMatchObject({
      alg,
      [member]: Buffer.from(thumbprint.replaceAll(":", ""), "hex").toString("base64url"),
    });
    expect(payload).toMatchObject({ iss: CLIENT_ID, sub: CLIENT_ID });
    // The token is for Graph, whatever stands before it: Entra knows no proxy.
    const graphOf = { global: "https://graph.microsoft.com", china: "https://microsoftgraph.chinacloudapi.cn" };
    expect(form.get("scope")).toBe(`${graphOf[cloud as "global" | "china"]}/.default`);
  });

  it.each([
    ["AADSTS7000215: Invalid client secret provided.", "source_auth_failed", "value of a client secret"],
    ["AADSTS7000222: The provided client secret keys are expired.", "source_auth_expired", "has expired"],
    ["AADSTS700016: Application was not found in the directory.", "config_invalid", "clientId"],
    ["AADSTS90002: Tenant 'x' not found.", "config_invalid", "tenantId"],
    ["AADSTS700027: The certificate is not registered.", "source_auth_failed", "thumbprint"],
    ["AADSTS53003: Blocked by Conditional Access.", "source_permission_denied", "conditional access"],
    ["AADSTS99999: Something new.", "source_auth_failed", ""],
  ])("that is refused says why: %s", async (description, reasonCode, fix) => {
    const graph = await serveGraph({
      [TOKEN]: (_, response) => {
        response.writeHead(401, { "content-type": "application/json" });
        response.end(JSON.stringify({ error: "invalid_client", error_description: description }));
        return undefined;
      },
    });
    const source = await graph.open();
    await expect(planOf(source, "sites")).rejects.toMatchObject({
      ...{ name: "TerminalError", reasonCode, fix: expect.stringContaining(fix) },
    });
    expect(await source.check()).toEqual([
      { name: "token", ok: false, message: expect.stringContaining("AADSTS"), fix: expect.stringContaining(fix) },
    ]);
  });

  it("needs the secret of its kind", async () => {
    const graph = await serveGraph();
    await expect(graph.open({ secrets: {} })).rejects.toMatchObject({
      ...{ reasonCode: "config_invalid", message: expect.stringContaining("clientSecret") },
    });
    const config = { tenantId: "t", clientId: CLIENT_ID, siteId: "a,b,c" };
    const needed = (auth: object) =>
      Object.keys(msftSharepoint.secretsOf?.(msftSharepoint.connectionSchema.parse({ ...config, auth })) ?? {});
    expect(needed({ type: "client_secret" })).toEqual(["clientSecret"]);
    expect(needed({ type: "certificate", thumbprint: "ab".repeat(20) })).toEqual(["privateKey"]);
  });

  it.each([
    ["global", "https://graph.microsoft.com"],
    ["gcc_high", "https://graph.microsoft.us"],
    ["dod", "https://dod-graph.microsoft.us"],
    ["china", "https://microsoftgraph.chinacloudapi.cn"],
  ])("knows the cloud %s", async (cloud, host) => {
    const { endpointsOf } = await import("../../../providers/msft_sharepoint/clouds.ts");
    const config = msftSharepoint.connectionSchema.parse({
      tenantId: "t",
      clientId: CLIENT_ID,
      siteId: "a,b,c",
      cloud,
    });
    expect(endpointsOf(config).graph).toBe(host);
  });
});

describe("the check", () => {
  const names = ["token", "site", "drives", "lists", "permission"];

  it("says of each step what it found", async () => {
    const graph = await serveGraph({
      [`/v1.0/drives/${DRIVE_ID}/root/delta`]: ({ origin }) => ({
        value: [],
        "@odata.nextLink": `${origin}/v1.0/next`,
      }),
    });
    const checks = await (await graph.open()).check();
    expect(checks.map(({ name, ok }) => [name, ok])).toEqual(names.map((name) => [name, true]));
  });

  it.each([
    ["site", "/v1.0/sites/contoso.sharepoint.com:/sites/Finance"],
    ["drives", `/v1.0/sites/${SITE_ID}/drives`],
    ["lists", `/v1.0/sites/${SITE_ID}/lists`],
    ["permission", `/v1.0/drives/${DRIVE_ID}/root/delta`],
  ])("ends at what the app may not see: %s", async (name, path) => {
    const graph = await serveGraph({ [path]: (_, response) => sendGraphError(response, 403, "accessDenied") });
    const checks = await (await graph.open()).check();
    expect(checks.map((check) => check.name)).toEqual(names.slice(0, names.indexOf(name) + 1));
    expect(checks.at(-1)).toMatchObject({ name, ok: false, fix: expect.stringContaining("Sites.Selected") });
  });

  it("tells an app without any permission from a wrong token", async () => {
    const graph = await serveGraph({
      "/v1.0/sites/contoso.sharepoint.com:/sites/Finance": (_, response) => {
        response.writeHead(401, { "content-type": "application/json" });
        const message = "Either scp or roles claim need to be present in the token.";
        response.end(JSON.stringify({ error: { code: "AccessDenied", message } }));
        return undefined;
      },
    });
    const checks = await (await graph.open()).check();
    expect(checks.at(-1)).toMatchObject({
      name: "site",
      ok: false,
      fix: expect.stringContaining("application permission"),
    });
  });

  it("names what the config names and the site does not have", async () => {
    const graph = await serveGraph();
    const checks = await (await graph.open({ config: { drives: ["Documents", "Papers"] } })).check();
    expect(checks.at(-1)).toMatchObject({ name: "drives", ok: false, message: expect.stringContaining('"Papers"') });
  });
});

describe("a source that is busy", () => {
  it.each([
    [429, "activityLimitReached"],
    [503, "serviceNotAvailable"],
    [509, "bandwidthLimitExceeded"],
  ])("is left alone for as long as it says: %s", async (status, code) => {
    const graph = await serveGraph({
      [`/v1.0/sites/${SITE_ID}/drives`]: (_, response) =>
        sendGraphError(response, status, code, { headers: { "retry-after": "315" } }),
    });
    const source = await graph.open();
    const error = await planOf(source, `drive_items:${DRIVE_ID}`).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "TransientError", reasonCode: "source_rate_limited" });
    expect(Object(error).retryAfterSeconds).toBeGreaterThan(300);
    expect(graph.received.filter(({ url }) => url.includes("drives"))).toHaveLength(1);
  });

  it("has its units counted: one for a delta with a token, two for other lists", async () => {
    const graph = await serveGraph();
    const { createGraph } = await import("../../../providers/msft_sharepoint/graph.ts");
    const config = {
      tenantId: "t",
      clientId: CLIENT_ID,
      siteId: "a,b,c",
      graphUrl: graph.origin,
      loginUrl: graph.origin,
    };
    const { spendsOf, client } = createGraph({
      config: msftSharepoint.connectionSchema.parse(config),
      sourceConfig: msftSharepoint.sourceConfigSchema.parse({}),
      ...{ secrets: { clientSecret: "s" }, egress: LOOPBACK_EGRESS, signal: new AbortController().signal },
      ...{ redactor: createRedactor(), shared: createSharedConnection() },
    });
    const costs = (["item", "delta", "items", "enumeration"] as const).map((cost) =>
      spendsOf(cost).map((each) => each.cost),
    );
    expect(costs).toEqual([
      [1, 1],
      [1, 1],
      [2, 2],
      [2, 2],
    ]);
    const [minute] = spendsOf("item");
    expect((minute?.perSecond ?? 0) * 60 + (minute?.burst ?? 0)).toBeLessThanOrEqual(1200);
    await client.close();
  });
});
