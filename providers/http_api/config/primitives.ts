import { z } from "zod";
import { isHostPattern } from "../../../egress/addresses.ts";

/** Secrets are never in `config`: it names an entry of the connection's `secrets`. */
export const secretName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]{0,62}$/, "Must be a name: letters, digits and _, at most 63")
  .describe("Name of an entry in the connection's `secrets`; the value goes there.");

export const jsonPath = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[^.[\]]+(\[\*\])?(\.[^.[\]]+(\[\*\])?)*$/, "Must be a path such as data.items[*].order")
  .describe("Path into JSON: names joined by dots, `[*]` for every element of an array; `$` is the whole.");

export const parameterName = z.string().min(1).max(200);

export const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, "Must be the name of an HTTP header");

/** They say who asks, which is for `secrets`, or frame the message, which is the client's own affair. */
const FORBIDDEN_HEADERS = new Set([
  ...["authorization", "proxy-authorization", "cookie", "x-api-key"],
  ...["host", "connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"],
]);

/** Headers that everybody may see. */
export const plainHeaders = z
  .record(
    headerName,
    z
      .string()
      .max(2000)
      .regex(/^[\t\x20-\x7e\x80-\xff]*$/, "Must be one line of Latin-1 text"),
  )
  .superRefine((headers, context) => {
    for (const name of Object.keys(headers)) {
      if (!FORBIDDEN_HEADERS.has(name.toLowerCase())) continue;
      const message = `'${name}' cannot be given here: what says who asks goes in auth and secrets, and the rest is sent as it has to be`;
      context.addIssue({ code: "custom", path: [name], message });
    }
  });

export const allowedHost = z
  .string()
  .min(1)
  .max(255)
  .refine(isHostPattern, "Must be a host name, *.suffix, address or CIDR range");

/** Weeks to seconds: months and years have no fixed length. */
export const duration = z
  .string()
  .regex(
    /^P(?!$)(\d{1,6}W)?(\d{1,6}D)?(T(?=\d)(\d{1,6}H)?(\d{1,6}M)?(\d{1,9}(\.\d{1,3})?S)?)?$/,
    "Must be an ISO 8601 duration without months or years, such as P1D or PT15M",
  )
  .describe("ISO 8601 duration without months or years, such as P1D or PT15M.");

const scalar = z.union([z.string().max(2000), z.number(), z.boolean()]);
export const matchedScalar = z.union([scalar, z.null()]);

export const queryParameters = z
  .record(parameterName, z.union([scalar, z.array(scalar).max(100)]))
  .describe(
    "Query parameters. Placeholders: `{start}` and `{end}` of the window, `{parent.<field>}`. One whose placeholder has no value is left out.",
  );
