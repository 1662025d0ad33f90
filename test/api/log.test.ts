import { expect, test } from "vitest";
import { createLog } from "../../api/log.ts";

test("what is logged whole shows no credential, up to two levels down", () => {
  const lines: string[] = [];
  const log = createLog("info", { write: (line) => lines.push(line) });
  const headers = { authorization: "canary", cookie: "canary", "x-api-key": "canary", accept: "text/html" };
  log.info({ headers, password: "canary" }, "one");
  log.info(
    { request: { headers, body: { accept: "x" } }, body: { secrets: { password: "canary" }, token: "canary" } },
    "two",
  );
  const error = Object.assign(new Error("it failed"), { headers });
  log.info({ err: error }, "three");
  expect(lines).toHaveLength(3);
  expect(lines.join("")).not.toContain("canary");
  expect(JSON.parse(lines[0] ?? "").headers).toEqual({
    authorization: "[Redacted]",
    cookie: "[Redacted]",
    "x-api-key": "[Redacted]",
    accept: "text/html",
  });
});
