import { generateKeyPairSync, sign } from "node:crypto";

/** ASN.1 DER, as little of it as a certificate takes. https://www.rfc-editor.org/rfc/rfc5280#section-4.1 */
const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const content = Buffer.concat(parts);
  const length = content.length;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
};
const sequence = (...parts: Buffer[]) => der(0x30, ...parts);
const oid = (hex: string) => der(0x06, Buffer.from(hex, "hex"));
const bitString = (content: Buffer) => der(0x03, Buffer.from([0]), content);
const time = (text: string) => der(0x18, Buffer.from(text));

const COMMON_NAME = "550403";
const SUBJECT_ALTERNATIVE_NAME = "551d11";
const ECDSA_WITH_SHA256 = "2a8648ce3d040302";
const RSA_WITH_SHA256 = "2a864886f70d01010b";
const NULL = der(0x05);

/** A self-signed certificate for a host name, which is its own authority; PEM. */
export function createCertificate(hostName: string, keys: "ec" | "rsa" = "ec"): { certificate: string; key: string } {
  const { publicKey, privateKey } =
    keys === "ec"
      ? generateKeyPairSync("ec", { namedCurve: "prime256v1" })
      : generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const algorithm = keys === "ec" ? sequence(oid(ECDSA_WITH_SHA256)) : sequence(oid(RSA_WITH_SHA256), NULL);
  const name = sequence(der(0x31, sequence(oid(COMMON_NAME), der(0x0c, Buffer.from(hostName)))));
  const alternativeNames = sequence(der(0x82, Buffer.from(hostName)));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    name,
    sequence(time("20200101000000Z"), time("21200101000000Z")),
    name,
    publicKey.export({ format: "der", type: "spki" }),
    der(0xa3, sequence(sequence(oid(SUBJECT_ALTERNATIVE_NAME), der(0x04, alternativeNames)))),
  );
  const signed = sequence(body, algorithm, bitString(sign("sha256", body, privateKey)));
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${signed.toString("base64")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
  };
}
