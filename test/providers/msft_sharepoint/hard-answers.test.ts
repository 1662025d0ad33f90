import { describe, expect, it } from "vitest";
import { DRIVE_ID, LIST_ID, planOf, readAll, SITE_ID, serveGraph } from "./scripted-graph.ts";

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
