import { constants, createHash, sign, X509Certificate } from "node:crypto";
import type { DriveItem, ListItem } from "@microsoft/microsoft-graph-types";
import { describe, expect, it, onTestFinished } from "vitest";
import { createCertificate } from "../../support/certificate.ts";
import { createSimulator, type Simulator } from "../simulator.ts";
import { createGraph, type GraphOptions, type SimulatedGraph } from "./graph.ts";
import { graphIdOf } from "./present-drive-items.ts";
import { quickXorHash } from "./quick-xor-hash.ts";
import { CLIENT_ID, CLIENT_SECRET, DOCUMENTS, FINANCE, PEOPLE, REPORTS, TENANT_ID, TICKETS } from "./tenant.ts";
import { itemsOf } from "./tree.ts";

/** The simulator does what the documents say, and nothing that they do not name. */

interface Page {
  value: (DriveItem & ListItem)[];
  "@odata.nextLink"?: string;
  "@odata.deltaLink"?: string;
}

interface Client {
  simulator: Simulator;
  graph: SimulatedGraph;
  token: string;
  /** @param path below `/v1.0/`, or an absolute address */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  page(path: string): Promise<Page>;
  /** Reads the feed to its end, as a client has to: the last occurrence counts. @returns the link for the next round */
  follow(path: string, into: Map<string, DriveItem & ListItem>): Promise<string>;
}

async function connect(options: GraphOptions = {}): Promise<Client> {
  const graph = createGraph(options);
  const simulator = await createSimulator([graph.vendor]);
  onTestFinished(() => simulator.close());
  const login = await logIn(simulator, { client_secret: CLIENT_SECRET });
  const { access_token: token } = (await login.json()) as { access_token: string };
  const get: Client["get"] = (path, headers = {}) => {
    const url = path.startsWith("http") ? path : `${simulator.baseUrl("graph")}/v1.0/${path}`;
    return fetch(url, { headers: { authorization: `Bearer ${token}`, ...headers }, redirect: "manual" });
  };
  const page: Client["page"] = async (path) => (await (await get(path)).json()) as Page;
  return {
    ...{ simulator, graph, token, get, page },
    async follow(path, into) {
      for (let at = path; ; ) {
        const { value, ...links } = await page(at);
        for (const item of value) {
          if (item.deleted == null) into.set(String(item.id), item);
          else into.delete(String(item.id));
        }
        const end = links["@odata.deltaLink"];
        if (end !== undefined) return end;
        at = String(links["@odata.nextLink"]);
      }
    },
  };
}

function logIn(simulator: Simulator, form: Record<string, string>): Promise<Response> {
  const body = new URLSearchParams({
    ...{ grant_type: "client_credentials", client_id: CLIENT_ID, scope: "https://graph.microsoft.com/.default" },
    ...form,
  });
  return fetch(`${simulator.baseUrl("graph")}/${TENANT_ID}/oauth2/v2.0/token`, { method: "POST", body });
}

const DELTA = `drives/${DOCUMENTS.id}/root/delta`;
const NASTY: GraphOptions = { quirks: { movingPages: true, emptyPages: true, duplicates: true, catchesUp: true } };

describe("the simulated Graph", () => {
  it("gives a token for the secret, and says as Entra does why it gives none", async () => {
    const { simulator } = await connect();
    const wrong = async (form: Record<string, string>) => (await (await logIn(simulator, form)).json()) as object;
    expect(await wrong({ client_secret: "no" })).toMatchObject({ error: "invalid_client", error_codes: [7000215] });
    expect(await wrong({ client_id: "no" })).toMatchObject({ error: "unauthorized_client", error_codes: [700016] });
    expect(await wrong({ scope: "files.read" })).toMatchObject({ error: "invalid_scope" });
    const refused = await fetch(`${simulator.baseUrl("graph")}/v1.0/sites/root`);
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ error: { code: "InvalidAuthenticationToken" } });
  });

  it("takes a login that a certificate has signed, once", async () => {
    const certificate = createCertificate("app", "rsa");
    const { simulator } = await connect({ certificate: certificate.certificate });
    const { raw } = new X509Certificate(certificate.certificate);
    const tokenUrl = `https://login.microsoftonline.com/${TENANT_ID}/oauth2/v2.0/token`;
    const seconds = Math.floor(Date.now() / 1_000);
    const made = (claims: object): Record<string, string> => {
      const parts = [
        { alg: "PS256", typ: "JWT", "x5t#S256": createHash("sha256").update(raw).digest("base64url") },
        { aud: tokenUrl, iss: CLIENT_ID, sub: CLIENT_ID, jti: "one", nbf: seconds, exp: seconds + 300, ...claims },
      ];
      const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
      const key = { key: certificate.key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
      return {
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: `${text}.${sign("sha256", Buffer.from(text), key).toString("base64url")}`,
      };
    };
    expect((await logIn(simulator, made({}))).status).toBe(200);
    expect((await logIn(simulator, made({}))).status).toBe(401);
    expect((await logIn(simulator, made({ jti: "two", aud: "https://elsewhere" }))).status).toBe(401);
    expect((await logIn(simulator, made({ jti: "three", exp: seconds - 1 }))).status).toBe(401);
  });

  it("refuses options, properties and addresses that no document names", async () => {
    const { get } = await connect();
    for (const path of [
      `${DELTA}?$filter=name eq 'a'`,
      `${DELTA}?$select=id,nonsense`,
      `${DELTA}?$top=0`,
      `drives/${DOCUMENTS.id}/everything`,
      `sites/${FINANCE.id}/lists/${TICKETS.id}/items?$expand=fields($select=Nonsense)`,
      `sites/${FINANCE.id}/lists/${TICKETS.id}/items?$orderby=id`,
    ])
      expect([path, (await get(path)).status]).toEqual([path, 400]);
    expect((await get(`sites/contoso.sharepoint.com:/sites/finance`)).status).toBe(200);
    expect((await get("sites?search=*")).status).toBe(403);
    expect((await get(`sites/${PEOPLE.id}/drives`)).status).toBe(403);
    expect((await get("sites/contoso.sharepoint.com:/sites/nowhere")).status).toBe(404);
  });

  it.each([
    ["as it comes", {}],
    ["with everything that makes it hard", NASTY],
  ])("tells a drive by its feed, %s: who follows it has what the drive has", async (_, options) => {
    const { simulator, follow } = await connect({ ...options, pageLimit: 23 });
    const seen = new Map<string, DriveItem & ListItem>();
    let link = await follow(DELTA, seen);
    const truth = () => itemsOf(simulator.store, DOCUMENTS).map(({ id, name }) => [graphIdOf(DOCUMENTS, id), name]);
    const told = () => [...seen.values()].filter(({ root }) => root == null).map(({ id, name }) => [id, name]);
    expect(told().sort()).toEqual(truth().sort());
    for (let round = 0; round < 4; round++) {
      const folder = { drive: "Documents", path: "Contracts/2024" };
      if (round === 0) simulator.command("rename", { ...folder, name: "2024 (old)" });
      if (round === 1) simulator.command("move", { drive: "Documents", path: "Contracts/2024 (old)", to: "Archive" });
      if (round === 2) simulator.command("remove", { drive: "Documents", path: "Archive" });
      for (let n = 0; n < 30; n++) simulator.store.disturb("move_row");
      link = await follow(link, seen);
      expect(told().sort()).toEqual(truth().sort());
    }
    for (const item of seen.values()) {
      expect(item).not.toHaveProperty("cTag");
      expect(item.parentReference).not.toHaveProperty("path");
    }
    expect(await follow(link, new Map())).toMatch(/delta\?token=/);
  });

  it("says by 410 that a token is too old, in either way, and where to begin anew", async () => {
    const { simulator, get, follow } = await connect();
    const link = await follow(DELTA, new Map());
    simulator.suffer("expire_cursors");
    const codes = new Set<string>();
    for (let n = 0; n < 3; n++) {
      const refused = await get(link);
      expect(refused.status).toBe(410);
      const { error } = (await refused.json()) as { error: { code: string } };
      codes.add(error.code);
      const anew = new Map<string, DriveItem & ListItem>();
      await follow(String(refused.headers.get("location")), anew);
      expect(anew.size).toBe(itemsOf(simulator.store, DOCUMENTS).length + 1);
    }
    expect([...codes].sort()).toEqual([
      "resyncChangesApplyDifferences",
      "resyncChangesUploadDifferences",
      "resyncRequired",
    ]);
    expect((await (await get(`${DELTA}?token=latest`)).json()) as Page).toMatchObject({ value: [] });
  });

  it("tells a list with the fields that are asked for", async () => {
    const { follow, page } = await connect();
    const items = `sites/${FINANCE.id}/lists/${TICKETS.id}/items`;
    const seen = new Map<string, DriveItem & ListItem>();
    await follow(`${items}/delta?$expand=fields($select=Title,Customer)`, seen);
    expect(seen.size).toBe(200);
    expect(seen.get("7")?.fields).toMatchObject({ Title: 'Ticket 7\t\\"ü', Customer: "Customer 8" });
    const { value } = await page(`${items}?$expand=fields&$top=1`);
    expect(value[0]?.fields).toMatchObject({ CustomerLookupId: "2" });
    expect(value[0]?.fields).not.toHaveProperty("Customer");
    const { value: shown } = await page(`sites/${FINANCE.id}/lists`);
    expect(shown.map(({ name }) => name)).toEqual(["Tickets", "Customers", "Documents", "Reports"]);
  });

  it("gives a file by an address of its own, for a while and without the token", async () => {
    const { simulator, get, token } = await connect();
    const address = async (): Promise<string> =>
      String((await get(`drives/${REPORTS.id}/root:/sales/2026/01.csv:/content`)).headers.get("location"));
    const url = await address();
    expect(new URL(url).port).not.toBe(new URL(simulator.baseUrl("graph")).port);
    const whole = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(whole.toString()).toMatch(/^id,shop,amount,remark\n/);
    const part = await fetch(url, { headers: { range: "bytes=10-19" } });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 10-19/${whole.length}`]);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(whole.subarray(10, 20));
    const etag = String(part.headers.get("etag"));
    expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
    simulator.command("write", { drive: "Reports", path: "sales/2026/01.csv", content: "id\n1\n" });
    expect((await fetch(url, { headers: { range: "bytes=10-", "if-match": etag } })).status).toBe(412);
    simulator.command("expireDownloads");
    expect([401, 403]).toContain((await fetch(url)).status);
    expect(await (await fetch(await address())).text()).toBe("id\n1\n");
    simulator.command("lock", { drive: "Reports", path: "sales/2026/01.csv" });
    expect((await get(`drives/${REPORTS.id}/root:/sales/2026/01.csv:/content`)).status).toBe(423);
  });

  it("counts resource units of the minute, warns, and refuses", async () => {
    const { get, graph } = await connect({ unitsPerMinute: 20 });
    const answers: Response[] = [];
    // The minute may turn within one try.
    while (graph.state.units.refused === 0) answers.push(await get(`drives/${DOCUMENTS.id}/root/children?$top=1`));
    expect(answers.some(({ ok, headers }) => ok && headers.has("ratelimit-remaining"))).toBe(true);
    const last = answers.at(-1);
    expect(last?.status).toBe(429);
    expect(Number(last?.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  it("hashes files as document libraries do", () => {
    expect(quickXorHash(Buffer.alloc(0))).toBe("AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    // One byte: at its own place, and the length in the last eight bytes.
    const expected = Buffer.alloc(20);
    expected[0] = 0x61;
    expected[12] = 1;
    expect(quickXorHash(Buffer.from("a"))).toBe(expected.toString("base64"));
  });
});
