import { randomBytes, randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Db } from "../../db/client.ts";
import { deleteConnection, insertConnection, updateConnection } from "../../db/connections.ts";
import { storeCredentials } from "../../db/renewals.ts";
import { countByKey, rotateKeys } from "../../db/rotate-keys.ts";
import { beginRotation, finishRotation } from "../../db/rotations.ts";
import { createKeyring, type Keyring, sealSecrets, sealTokens } from "../../db/secrets.ts";
import { getConnection } from "../support/connections.ts";
import { useControlDatabase } from "../support/postgres.ts";

const [k0, k1, k2] = ["k0", "k1", "k2"].map((id) => `${id}:${randomBytes(32).toString("base64")}`);
const old = createKeyring(`${k1}`);
const both = createKeyring(`${k2},${k1}`);
const young = createKeyring(`${k2}`);

let db: Db;
useControlDatabase((opened) => {
  db = opened;
});

async function insert(keyring: Keyring): Promise<string> {
  const id = randomUUID();
  await insertConnection(db, {
    id,
    name: "api",
    provider: "http_api",
    config: "{}",
    secrets: JSON.stringify(sealSecrets(keyring, id, { password: "p1", other: "o1" })),
    tokens: JSON.stringify(sealTokens(keyring, id, { accessToken: "a1" })),
    taskQueue: "sluice",
    status: "ok",
    checks: "[]",
    createdBy: "user:a",
    updatedBy: "user:a",
  });
  return id;
}

const read = (id: string, keyring: Keyring) => getConnection({ db, keyring }, id);

describe("re-encryption", () => {
  it("puts secrets, tokens and secrets being tried under the first key, and changes nothing else", async () => {
    const ids = [];
    for (let each = 0; each < 130; each++) ids.push(await insert(old));
    const [id = "", deleted = ""] = ids;
    await deleteConnection(db, deleted, "user:b");
    const rotation = { connectionId: id, rotationId: randomUUID() };
    await beginRotation(db, rotation, sealSecrets(old, id, { password: "p2" }));
    const before = await read(id, old);
    expect(await countByKey(db)).toEqual(new Map([["k1", 129 * 3 + 1]]));

    expect(await rotateKeys(db, both)).toEqual({ resealed: 129, unreadable: [] });
    expect(await countByKey(db)).toEqual(new Map([["k2", 129 * 3 + 1]]));
    expect(await read(id, young)).toEqual(before);
    expect(await rotateKeys(db, both)).toEqual({ resealed: 0, unreadable: [] });

    const settingsVersion = before.settingsVersion;
    await finishRotation(db, { ...rotation, settingsVersion }, { checks: [], actor: "user:b" });
    expect((await read(id, young)).secrets).toEqual({ password: "p2", other: "o1" });
  });

  it("names the connections that no key opens, leaves them whole, and goes on with the others", async () => {
    const [lost, fine] = [await insert(createKeyring(`${k0}`)), await insert(old)];
    expect(await rotateKeys(db, both)).toEqual({ resealed: 1, unreadable: [lost] });
    expect((await read(fine, young)).secrets.password).toBe("p1");
    expect((await read(lost, createKeyring(`${k0}`))).secrets.password).toBe("p1");
    await deleteConnection(db, lost, "user:b");
  });

  it("loses nothing that is edited or renewed at the same time, under whichever key", async () => {
    const ids = [];
    for (let each = 0; each < 20; each++) ids.push(await insert(old));
    const rotating = (async () => {
      for (let turn = 0; turn < 5; turn++) await rotateKeys(db, both);
    })();
    const editing = ids.map(async (id, index) => {
      const secrets = sealSecrets(index % 2 ? old : both, id, { password: `p-${id}`, other: "o1" });
      await updateConnection(db, id, { secrets: JSON.stringify(secrets) });
      const tokens = sealTokens(old, id, { accessToken: `a-${id}` });
      await storeCredentials(db, id, { secrets, tokens, nextSecrets: null });
    });
    await Promise.all([rotating, ...editing]);
    await rotateKeys(db, both);
    for (const id of ids) {
      expect(await read(id, young)).toMatchObject({
        secrets: { password: `p-${id}`, other: "o1" },
        tokens: { accessToken: `a-${id}` },
      });
    }
  });
});
