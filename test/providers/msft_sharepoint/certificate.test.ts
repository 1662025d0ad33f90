import { X509Certificate } from "node:crypto";
import { expect, it, onTestFinished } from "vitest";
import { createRedactor } from "../../../core/redact.ts";
import { createCertificate } from "../../support/certificate.ts";
import { createSharedConnection, LOOPBACK_EGRESS } from "../../support/shared-connection.ts";
import * as sites from "./sites.ts";

it.each([
  ["SHA-256", "fingerprint256"],
  ["SHA-1", "fingerprint"],
] as const)(
  "logs in with a certificate whose thumbprint is a %s one: Entra's checks take its signature",
  async (_, member) => {
    const { certificate, key } = createCertificate("app", "rsa");
    const { simulator, config } = await sites.createSites({ certificate });
    onTestFinished(() => simulator.close());
    const thumbprint = new X509Certificate(certificate)[member];
    const secrets = { privateKey: key };
    const source = await sites.provider.connect({
      config: sites.provider.connectionSchema.parse({ ...config, auth: { type: "certificate", thumbprint } }),
      sourceConfig: sites.provider.sourceConfigSchema.parse({}),
      ...{ secrets, redactor: createRedactor(Object.values(secrets)), shared: createSharedConnection(secrets) },
      ...{ signal: new AbortController().signal, egress: LOOPBACK_EGRESS },
    });
    onTestFinished(() => source.close());
    expect((await source.check()).filter(({ ok }) => !ok)).toEqual([]);
  },
);
