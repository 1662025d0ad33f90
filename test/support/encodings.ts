/** Ways in which servers and programs write a text that was given to them. */
export const ENCODINGS: Record<string, (text: string) => string> = {
  plain: (text) => text,
  JSON: (text) => JSON.stringify(text).slice(1, -1),
  "JSON of PHP": (text) => JSON.stringify(text).slice(1, -1).replaceAll("/", "\\/"),
  "JSON in ASCII": (text) =>
    JSON.stringify(text)
      .slice(1, -1)
      .replace(/[^\w\\" ]/g, escapeUnit),
  "JSON of .NET": (text) => text.replace(/[^\w ]/g, (unit) => escapeUnit(unit).toUpperCase().replace("\\U", "\\u")),
  "JSON within JSON": (text) => JSON.stringify(JSON.stringify({ text })),
  "URL component": (text) => encodeURIComponent(text),
  "URL component, lower case": (text) => encodeURIComponent(text).replace(/%../g, (each) => each.toLowerCase()),
  "URL component, twice": (text) => encodeURIComponent(encodeURIComponent(text)),
  "each byte as in a URL": (text) => [...Buffer.from(text)].map((byte) => `%${hexOf(byte)}`).join(""),
  "form field": (text) => new URLSearchParams({ text }).toString().slice("text=".length),
  "HTML of Python": (text) =>
    text.replace(/[&<>"']/g, (mark) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[mark] ?? "&#x27;"),
  "HTML, decimal": (text) => text.replace(/[^\w ]/g, (unit) => `&#${unit.charCodeAt(0)};`),
  "HTML, hexadecimal": (text) => text.replace(/[^\w ]/g, (unit) => `&#x${hexOf(unit.charCodeAt(0))};`),
  "HTML, by name": (text) => text.replace(/[/+%&="]/g, (mark) => `&${ENTITY_NAMES[mark]};`),
  "string of C": (text) => text.replace(/[\\/+%&="]/g, (mark) => `\\x${hexOf(mark.charCodeAt(0))}`),
  base64: (text) => Buffer.from(text).toString("base64"),
  "base64 of basic credentials": (text) => Buffer.from(`user:${text}`).toString("base64"),
  base64url: (text) => Buffer.from(JSON.stringify({ k: text })).toString("base64url"),
  "base64 in lines": (text) =>
    (
      Buffer.from(`some words before ${text}`)
        .toString("base64")
        .match(/.{1,20}/g) ?? []
    ).join("\r\n"),
  "JSON in base64": (text) => Buffer.from(JSON.stringify({ token: text }).replaceAll("/", "\\/")).toString("base64"),
  hex: (text) => Buffer.from(text).toString("hex"),
  "string of Python": (text) =>
    text.replace(/[^\w ]/gu, (mark) => `\\U${mark.codePointAt(0)?.toString(16).padStart(8, "0")}`),
  "bytea of Postgres": (text) =>
    text.replace(/[\\/+%&="']/g, (mark) => `\\${mark.charCodeAt(0).toString(8).padStart(3, "0")}`),
  "literal of SQL": (text) => text.replaceAll("'", "''"),
  "field of CSV": (text) => text.replaceAll('"', '""'),
  "word of a shell": (text) => text.replace(/[^\w\s]/gu, "\\$&"),
  "quoted-printable, in lines": (text) => text.replaceAll("=", "=3D").replace(/.{6}/gu, "$&=\r\n"),
  "bytes of a dump": (text) => [...Buffer.from(text)].map(hexOf).join(" "),
  "bytes with colons": (text) => [...Buffer.from(text)].map((byte) => hexOf(byte).toUpperCase()).join(":"),
  "bytes in JSON": (text) => JSON.stringify([...Buffer.from(text)]),
  "base64 of UTF-16": (text) => Buffer.from(`user:${text}`, "utf16le").toString("base64"),
  "upper case": (text) => text.toUpperCase(),
};

const ENTITY_NAMES: Record<string, string> = {
  "/": "sol",
  "+": "plus",
  "%": "percnt",
  "&": "amp",
  "=": "equals",
  '"': "quot",
};

function hexOf(code: number): string {
  return code.toString(16).padStart(2, "0");
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
