import { describe, expect, it } from "vitest";
import { createCertificate } from "../../../support/certificate.ts";
import { GET, openClient, sendJson, serve } from "./local-http.ts";

const certificate = createCertificate("api.example");
const listening = () => serve((_, response) => sendJson(response, ["secure"]), certificate);
const resolve = async () => ["127.0.0.1"];

describe("a source behind TLS", () => {
  it("is trusted by the certificate that the connection names", async () => {
    const { port } = await listening();
    const client = openClient({
      baseUrl: `https://api.example:${port}/`,
      tlsRootCert: certificate.certificate,
      resolve,
    });
    expect((await client.send(GET)).json()).toEqual(["secure"]);
  });

  it.each<[string, string, string | undefined, RegExp]>([
    ["whose certificate nobody vouches for", "api.example", undefined, /DEPTH_ZERO_SELF_SIGNED_CERT/],
    ["whose certificate is for another host", "other.example", certificate.certificate, /ERR_TLS_CERT_ALTNAME_INVALID/],
  ])("%s is not connected to, and not asked again", async (_, host, tlsRootCert, said) => {
    const local = await listening();
    const baseUrl = `https://${host}:${local.port}/`;
    const sent = openClient({ baseUrl, resolve, ...(tlsRootCert === undefined ? {} : { tlsRootCert }) }).send(GET);
    await expect(sent).rejects.toMatchObject({ name: "TerminalError", reasonCode: "connection_unusable" });
    await expect(sent).rejects.toThrow(said);
    expect(local.received).toEqual([]);
  });

  it("that speaks no TLS is not usable", async () => {
    const { port } = await serve((_, response) => sendJson(response, []));
    const client = openClient({ baseUrl: `https://api.example:${port}/`, resolve });
    await expect(client.send(GET)).rejects.toMatchObject({ name: "TerminalError", reasonCode: "connection_unusable" });
  });
});
