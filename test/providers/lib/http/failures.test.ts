import { expect, it } from "vitest";
import { createRedactor } from "../../../../core/redact.ts";
import { createFailures } from "../../../../providers/lib/http/failures.ts";
import { quoteBody } from "../../../../providers/lib/http/response.ts";

it.each([16_372, 16_364, 16_350])(
  "shows no part of a secret that a long body was cut in, after %i spaces",
  (spaces) => {
    const secret = "Tok3n-canary-of-many-letters-and-digits";
    const quoted = quoteBody(Buffer.from(`refused:${" ".repeat(spaces)}${secret} ${"x".repeat(1000)}`));
    const toError = createFailures("http_api", createRedactor([secret]));
    const { message } = toError("page 1", { reasonCode: "source_rejected_request", said: "answered 400", quoted });
    expect(message).toContain("refused:");
    expect(message).not.toContain("Tok3n");
  },
);
