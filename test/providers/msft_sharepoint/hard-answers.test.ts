import { describe, expect, it } from "vitest";
import { DRIVE_ID, LIST_ID, planOf, readAll, SITE_ID, sendGraphError, serveGraph } from "./scripted-graph.ts";

/** Answers that Graph's documents allow, and that come when nobody is looking. */

const DELTA = `/v1.0/drives/${DRIVE_ID}/root/delta`;
const ITEMS_DELTA = `/v1.0/sites/${SITE_ID}/lists/${LIST_ID}/items/delta`;
const DRIVE = `drive_items:${DRIVE_ID}`;
const LIST = `list_items:${LIST_ID}`;

const file = (id: string, more: object = {}) => ({
  ...{ id, name: `${id}.csv`, size: 6, eTag: `"${id},1"`, file: {}, parentReference: { id: "root" }, ...more },
});
const last = (value: object[], path = DELTA) => ({
  value,
  "@odata.deltaLink": `https://graph.microsoft.com${path}?token=d`,
});

describe("an error in an answer of 200", () => {
  it.each(["serviceNotAvailable", "generalException", "activityLimitReached", "tooManyRequests"])(
    "is one that passes where its code says so: %s",
    async (code) => {
      let refusals = 1;
      const graph = await serveGraph({
        [DELTA]: () => (refusals-- > 0 ? { error: { code, message: "Try again." } } : last([file("a")])),
      });
      const source = await graph.open();
      expect((await readAll(source, await planOf(source, DRIVE))).rows).toMatchObject([{ id: "a" }]);
      expect(graph.received.filter(({ url }) => url.startsWith(DELTA))).toHaveLength(2);
    },
  );

  it("is none of a page that it breaks off, however much came before", async () => {
    const broken = { ...last([file("a", { description: "x".repeat(70_000) })]), error: { code: "generalException" } };
    const graph = await serveGraph({ [DELTA]: broken });
    const source = await graph.open();
    await expect(readAll(source, await planOf(source, DRIVE))).rejects.toMatchObject({
      ...{ name: "TransientError", reasonCode: "source_unavailable", fix: expect.stringContaining("Retry the run") },
    });
  });

  it.each([
    ["accessDenied", {}, "source_permission_denied"],
    ["itemNotFound", {}, "source_resource_not_found"],
    ["invalidRequest", {}, "source_rejected_request"],
    ["resyncRequired", {}, "source_cursor_expired"],
    ["generalException", { innerError: { code: "resyncChangesApplyDifferences" } }, "source_cursor_expired"],
    [undefined, { message: "It has no code." }, "source_rejected_request"],
  ])("is what its code says otherwise: %s %j", async (code, more, reasonCode) => {
    const graph = await serveGraph({ [DELTA]: { error: { code, ...more } } });
    const source = await graph.open();
    await expect(readAll(source, await planOf(source, DRIVE))).rejects.toMatchObject({ reasonCode });
  });

  it("that the token has ended has a new one asked for", async () => {
    let refusals = 1;
    const graph = await serveGraph({
      [DELTA]: () => (refusals-- > 0 ? { error: { code: "InvalidAuthenticationToken" } } : last([file("a")])),
      "/tenant-1/oauth2/v2.0/token": () => ({ access_token: `access-${refusals}`, expires_in: 3600 }),
    });
    const source = await graph.open();
    expect((await readAll(source, await planOf(source, DRIVE))).rows).toHaveLength(1);
    expect(graph.received.filter(({ url }) => url.includes("/token"))).toHaveLength(2);
  });
});

describe("a source that wants to be left alone", () => {
  const TOKEN = "/tenant-1/oauth2/v2.0/token";
  const inFiveMinutes = () => ({ date: new Date().toUTCString(), "retry-after": inSeconds(315) });
  const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString();

  it.each([
    [429, "activityLimitReached", "source_rate_limited"],
    [503, "serviceNotAvailable", "source_rate_limited"],
    [504, "timeout", "source_unavailable"],
    [400, "activityLimitReached", "source_rate_limited"],
  ])("says by a date when it is to be asked again: %i %s", async (status, code, reasonCode) => {
    const graph = await serveGraph({
      [DELTA]: (_, response) => sendGraphError(response, status, code, { headers: inFiveMinutes() }),
    });
    const source = await graph.open();
    const error: unknown = await readAll(source, await planOf(source, DRIVE)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "TransientError", reasonCode });
    expect(Object(error).retryAfterSeconds).toBeGreaterThan(300);
    expect(graph.received.filter(({ url }) => url.startsWith(DELTA))).toHaveLength(1);
  });

  it.each([429, 503])("may be the login: it is left alone too (%i)", async (status) => {
    const graph = await serveGraph({
      [TOKEN]: (_, response) => {
        response.writeHead(status, { "content-type": "application/json", "retry-after": "315" });
        response.end(JSON.stringify({ error: "temporarily_unavailable", error_description: "AADSTS90055: Too many." }));
        return undefined;
      },
    });
    const source = await graph.open();
    const error: unknown = await planOf(source, DRIVE).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "TransientError" });
    expect(Object(error).retryAfterSeconds).toBeGreaterThan(300);
    expect(graph.received.filter(({ url }) => url.startsWith(TOKEN))).toHaveLength(1);
  });

  it.each([429, 503, 504])("for a second is asked again after it: %i", async (status) => {
    const at: number[] = [];
    const graph = await serveGraph({
      [DELTA]: (_, response) => {
        at.push(Date.now());
        if (at.length > 1) return last([file("a")]);
        return sendGraphError(response, status, "serviceNotAvailable", { headers: { "retry-after": "1" } });
      },
    });
    const source = await graph.open();
    expect((await readAll(source, await planOf(source, DRIVE))).rows).toHaveLength(1);
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(950);
  });
});

describe("a feed in the middle of which", () => {
  const next = (token: string, value: object[]) => ({
    value,
    "@odata.nextLink": `https://graph.microsoft.com${DELTA}?token=${token}`,
  });

  it.each(["resyncChangesApplyDifferences", "resyncChangesUploadDifferences", "resyncRequired"])(
    "the next page has expired ends, with the rows that it had, and is planned anew: %s",
    async (code) => {
      const location = { location: `https://graph.microsoft.com${DELTA}?token=fresh` };
      const graph = await serveGraph({
        [DELTA]: next("2", [file("a")]),
        [`${DELTA}?token=2`]: (_, response) => sendGraphError(response, 410, code, { headers: location }),
      });
      const source = await graph.open();
      const { spec, slices } = await planOf(source, DRIVE);
      const window = slices[0]?.window ?? { by: "none" as const };
      const rows: unknown[] = [];
      const reading = async () => {
        const request = { spec, window, checkpoint: null, batchRows: 1000, batchBytes: 2 ** 20 };
        for await (const batch of source.read(request))
          if (batch.kind === "tables") rows.push(...(batch.tables[DRIVE]?.rows ?? []));
      };
      await expect(reading()).rejects.toMatchObject({ reasonCode: "source_cursor_expired" });
      expect(rows).toHaveLength(1);
      // What went between the two readings would be in neither.
      expect(graph.received.some(({ url }) => url.includes("fresh"))).toBe(false);
    },
  );

  it("an item is deleted and another one made under its name, and a parent comes after its child", async () => {
    const graph = await serveGraph({
      [DELTA]: next("2", [file("old", { name: "a.csv", parentReference: { id: "f" } })]),
      [`${DELTA}?token=2`]: next("3", []),
      [`${DELTA}?token=3`]: next("4", [
        { id: "old", deleted: {} },
        { id: "f", name: "f", folder: {} },
      ]),
      [`${DELTA}?token=4`]: last([
        file("new", { name: "a.csv", parentReference: { id: "f" } }),
        file("old2"),
        file("old2", { name: "last" }),
      ]),
    });
    const source = await graph.open();
    const { rows, deletes } = await readAll(source, await planOf(source, DRIVE));
    expect(rows.map(({ id, name }) => [id, name])).toEqual([
      ["f", "f"],
      ["new", "a.csv"],
      ["old2", "last"],
    ]);
    expect(deletes).toEqual([["old"]]);
  });

  it("the token has ended goes on with another one, at the same page", async () => {
    let isGood = false;
    const graph = await serveGraph({
      "/tenant-1/oauth2/v2.0/token": () => ({ access_token: `access-${Math.random()}`, expires_in: 3600 }),
      [DELTA]: next("2", [file("a")]),
      [`${DELTA}?token=2`]: (_, response) => {
        if (isGood) return last([file("b")]);
        isGood = true;
        return sendGraphError(response, 401, "InvalidAuthenticationToken");
      },
    });
    const source = await graph.open();
    const { rows } = await readAll(source, await planOf(source, DRIVE));
    expect(rows.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(graph.received.filter(({ url }) => url === DELTA || url.startsWith(`${DELTA}?$top`))).toHaveLength(1);
  });
});

describe("a value that does not fit its column", () => {
  it("is kept in _unmapped, and its item is a row: an instant without a zone, a size that is none, a name that is an object", async () => {
    const local = "2024-01-01T00:00:00";
    const graph = await serveGraph({
      [DELTA]: last([
        file("a", { createdDateTime: local, fileSystemInfo: { createdDateTime: local }, size: "many" }),
        file("b", { createdDateTime: "2024-01-01T00:00:00Z", name: { en: "b" } }),
      ]),
      [`/v1.0/sites/${SITE_ID}/drives`]: {
        value: [{ id: DRIVE_ID, name: "Documents", createdDateTime: local, quota: { total: -1.5 } }],
      },
    });
    const source = await graph.open();
    const { rows, rejects } = await readAll(source, await planOf(source, DRIVE));
    expect(rejects).toEqual([]);
    expect(rows).toMatchObject([
      { id: "a", created_at: null, file_created_at: null, size_bytes: null },
      { id: "b", created_at: "2024-01-01T00:00:00Z" },
    ]);
    expect(JSON.parse(rows[0]?._unmapped ?? "null")).toMatchObject({
      ...{ createdDateTime: local, "fileSystemInfo.createdDateTime": local, size: "many" },
    });
    const drives = await readAll(source, await planOf(source, "drives"));
    expect(drives).toMatchObject({ rejects: [], rows: [{ id: DRIVE_ID, created_at: null, quota_total_bytes: null }] });
  });

  it("is an instant with more digits than Postgres has in a list's own column too: it is cut", async () => {
    const graph = await serveGraph({
      [`/v1.0/sites/${SITE_ID}/lists/${LIST_ID}/columns`]: { value: [{ name: "Opened", dateTime: {} }] },
      [ITEMS_DELTA]: last(
        [
          { id: "1", fields: { Opened: "2024-01-01T00:00:00.1234567Z" } },
          { id: "2", fields: { Opened: "2024-01-01T00:00:00" } },
        ],
        ITEMS_DELTA,
      ),
    });
    const source = await graph.open();
    const { rows, rejects } = await readAll(source, await planOf(source, LIST));
    expect(rejects).toEqual([]);
    expect(rows).toMatchObject([{ opened: "2024-01-01T00:00:00.123456Z" }, { id: "2", opened: null }]);
    expect(rows[1]?._unmapped).toContain("2024-01-01T00:00:00");
  });

  it("is no key: without one there is no row", async () => {
    const graph = await serveGraph({ [DELTA]: last([file("a"), { ...file("b"), id: null }]) });
    const source = await graph.open();
    const { rows, rejects } = await readAll(source, await planOf(source, DRIVE));
    expect([rows.length, rejects.length]).toEqual([1, 1]);
  });
});
