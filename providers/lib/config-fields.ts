import { z } from "zod";

/** Fields that many connections have. */

export const httpUrl = z
  .url({ protocol: /^https?$/ })
  .max(2000)
  .refine(holdsNoPassword, "Must hold no user and no password: they go in auth and secrets");

export function holdsNoPassword(url: string): boolean {
  const { username, password } = URL.parse(url) ?? { username: "", password: "" };
  return username === "" && password === "";
}

export const instant = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .describe("RFC 3339 instant, or a date for its midnight in UTC.");
