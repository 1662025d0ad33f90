import { type Reading, readingsOf } from "./encoded-text.ts";

/**
 * Blacks secrets out of texts that come from outside, whatever they are disguised as: escaped as JSON, HTML and URLs do, one within the
 * other, in base64 or hex, in other case.
 */
export interface Redactor {
  /** From now on `secret` is blacked out; so are the lines of a key and what a JSON document or a URL of it keeps secret. */
  hide(secret: string): void;
  redact(text: string): string;
  /** For texts of any length: `pause` is waited for after every few milliseconds of work. */
  redactInTurns(text: string, pause: () => Promise<void>): Promise<string>;
  /** Blacks out what the error, its causes and its parts say, in place: whoever holds it, logs it or stores it. */
  redactError(error: unknown): void;
}

/** Shorter ones would black out half of every message. */
const SHORTEST_SECRET = 4;
/** From here on a secret is one in other case as well. */
const SHORTEST_IN_ANY_CASE = 8;
/** Of a secret of several lines, each that is no frame. */
const SHORTEST_LINE = 16;

/** Of closed lists: programs read them, and a password that is part of a word must not change it. */
const WORDS_FOR_PROGRAMS = new Set(["name", "reasonCode"]);
/** An SQLSTATE, or what the system and Node call an error. Servers may send anything as one. */
const CODE = /^(?:[0-9A-Z]{5}|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)$/;

const BLACK = "***";

/** What is looked for of one secret. */
interface Traces {
  /** To be found in any reading of a text. */
  inAnyCase: Set<string>;
  exact: Set<string>;
}

export function createRedactor(secrets: readonly string[] = []): Redactor {
  const traces: Traces = { inAnyCase: new Set(), exact: new Set() };

  function hide(secret: string): void {
    for (const each of [secret, ...partsOf(secret)]) if (each.length >= SHORTEST_SECRET) addTraces(traces, each);
  }

  function redact(text: string): string {
    if (traces.exact.size === 0) return text;
    return blackOut(
      text,
      windowsOf(text).flatMap((window) => findWithin(window, traces)),
    );
  }

  async function redactInTurns(text: string, pause: () => Promise<void>): Promise<string> {
    const spans: Span[] = [];
    for (const window of windowsOf(text)) {
      if (window.from > 0) await pause();
      spans.push(...findWithin(window, traces));
    }
    return blackOut(text, spans);
  }

  function redactError(error: unknown, seen = new Set<unknown>()): void {
    // An error may be its own cause, by way of others.
    if (!(error instanceof Error) || seen.has(error)) return;
    seen.add(error);
    for (const name of Object.getOwnPropertyNames(error)) {
      if (WORDS_FOR_PROGRAMS.has(name)) continue;
      const said: unknown = Reflect.get(error, name);
      if (name === "code" && CODE.test(String(said))) continue;
      if (typeof said === "string" && redact(said) !== said) Reflect.set(error, name, redact(said));
    }
    redactError(error.cause, seen);
    if (error instanceof AggregateError) for (const part of error.errors) redactError(part, seen);
  }

  secrets.forEach(hide);
  return { hide, redact, redactInTurns, redactError: (error) => redactError(error) };
}

function blackOut(text: string, spans: Span[]): string {
  let redacted = "";
  let copied = 0;
  for (const [from, to] of spans.sort(([a], [b]) => a - b)) {
    if (from >= copied) redacted += text.slice(copied, from) + BLACK;
    copied = Math.max(copied, to);
  }
  return redacted + text.slice(copied);
}

/** A long text is looked at in parts, of which two neighbours share more than a secret takes, whatever it is written as. */
const WINDOW = { length: 16 * 1024, shared: 4 * 1024 };

interface TextWindow {
  from: number;
  text: string;
}

function windowsOf(text: string): TextWindow[] {
  const step = WINDOW.length - WINDOW.shared;
  const count = Math.max(1, Math.ceil((text.length - WINDOW.shared) / step));
  return Array.from({ length: count }, (_, index) => {
    const from = index * step;
    return { from, text: text.slice(from, from + WINDOW.length) };
  });
}

function findWithin({ from, text }: TextWindow, traces: Traces): Span[] {
  return findSecrets(text, traces).map(([start, end]): Span => [start + from, end + from]);
}

/** Of a key in several lines, each line; of a URL, its password; of a JSON document such as a service account's, the values named as secrets are. */
function partsOf(secret: string): string[] {
  const lines = secret.includes("\n") ? secret.split(/\r?\n/) : [];
  const password = URL.canParse(secret) ? new URL(secret).password : "";
  const longLines = lines.filter((line) => line.length >= SHORTEST_LINE && !line.startsWith("-----"));
  return [...longLines, password, ...secretsInJson(secret)];
}

const NAMES_OF_SECRETS = /key|secret|token|passw|passphrase|credential/i;

function secretsInJson(secret: string): string[] {
  if (!secret.trimStart().startsWith("{")) return [];
  try {
    const members: [string, unknown][] = Object.entries(JSON.parse(secret));
    return members.flatMap(([name, value]) =>
      typeof value === "string" && NAMES_OF_SECRETS.test(name) ? [value, ...partsOf(value)] : [],
    );
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** A secret may itself read as if something in it were escaped; a text is compared with it layer by layer. */
function addTraces(traces: Traces, secret: string): void {
  const bytes = new TextEncoder().encode(secret);
  const readings = readingsOf(secret).map(({ text }) => text);
  for (const text of readings.flatMap((reading) => [reading, reading.replaceAll(" ", "+")])) {
    if (text.length >= SHORTEST_SECRET) traces.exact.add(text);
    if (text.length >= SHORTEST_IN_ANY_CASE) traces.inAnyCase.add(text.toLowerCase());
  }
  traces.inAnyCase.add([...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  for (const before of [0, 1, 2]) {
    const inBase64 = base64Of(bytes, before);
    traces.exact.add(inBase64).add(inBase64.replaceAll("+", "-").replaceAll("/", "_"));
  }
}

/** As it stands in the base64 of a longer text, with so many bytes (modulo 3) before it: without the digits that its neighbours share. */
function base64Of(bytes: Uint8Array, before: number): string {
  const binary = "\0".repeat(before) + Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const digits = btoa(binary).replace(/=+$/, "");
  return digits.slice(Math.ceil((before * 4) / 3), binary.length % 3 === 0 ? undefined : -1);
}

type Span = [from: number, to: number];

/** What stands in base64 may hold base64; so deep. */
const MOST_LAYERS = 3;

function findSecrets(text: string, traces: Traces, layer = 0): Span[] {
  return readingsOf(text).flatMap((reading) => {
    const lower = reading.text.toLowerCase();
    // Some characters change their number with their case.
    const inOneCase = lower.length === reading.text.length ? lower : reading.text;
    return [
      ...[...traces.exact].flatMap((trace) => findTrace(reading, reading.text, trace)),
      ...[...traces.inAnyCase].flatMap((trace) => findTrace(reading, inOneCase, trace)),
      ...(layer < MOST_LAYERS ? findPacked(reading, traces, layer) : []),
    ];
  });
}

function findTrace({ placeOf }: Reading, text: string, trace: string): Span[] {
  const spans: Span[] = [];
  for (let at = text.indexOf(trace); at !== -1; at = text.indexOf(trace, at + 1)) {
    spans.push([placeOf(at)[0], placeOf(at + trace.length - 1)[1]]);
  }
  return spans;
}

/** Base64, whose lines may be broken; hex is a part of it. */
const BASE64 = /[A-Za-z0-9+/_-](?:[A-Za-z0-9+/_-]|\r?\n){15,}/g;
const HEX = /^(?:[\da-f]{2})+$/i;
/** Bytes one by one, as dumps of memory and a buffer's JSON have them. */
const HEX_BYTES = /(?<![\da-z])(?:0x)?[\da-f]{2}(?:[\s:,+-]{1,3}(?:0x)?[\da-f]{2}){3,}(?![\da-z])/gi;
const DECIMAL_BYTES = /(?<![\d.])\d{1,3}(?:,\s*\d{1,3}){3,}(?![\d.])/g;

/** A secret that was escaped before it became base64 or hex, or whose base64 is broken into lines, or that is told byte by byte. */
function findPacked({ text, placeOf }: Reading, traces: Traces, layer: number): Span[] {
  const find = (runs: RegExp, unpackRun: (run: string) => string[]): Span[] =>
    [...text.matchAll(runs)].flatMap(({ 0: run, index }): Span[] => {
      const isSecret = unpackRun(run).some((unpacked) => findSecrets(unpacked, traces, layer + 1).length > 0);
      return isSecret ? [[placeOf(index)[0], placeOf(index + run.length - 1)[1]]] : [];
    });
  return [
    ...find(BASE64, unpack),
    ...find(HEX_BYTES, (run) => readBytes(run.replaceAll(/0x/gi, ""), 16)),
    ...find(DECIMAL_BYTES, (run) => readBytes(run, 10)),
  ];
}

/** @returns nothing where a number is no byte */
function readBytes(run: string, radix: number): string[] {
  const bytes = (run.match(/[\da-f]+/gi) ?? []).map((byte) => Number.parseInt(byte, radix));
  return bytes.some((byte) => byte > 255) ? [] : [decode(Uint8Array.from(bytes))];
}

/** @returns what is text: nothing for most long words */
function unpack(run: string): string[] {
  const digits = run.replace(/[\r\n]/g, "");
  const base64 = digits.replaceAll("-", "+").replaceAll("_", "/");
  // A digit more than whole bytes need says nothing.
  const unpacked = [atob(base64.length % 4 === 1 ? base64.slice(0, -1) : base64)];
  if (HEX.test(digits)) unpacked.push(digits.replace(/../g, (byte) => String.fromCharCode(Number.parseInt(byte, 16))));
  return unpacked.filter(beginsAsText).map((binary) => decode(bytesOf(binary)));
}

/** In UTF-8 or, as programs of Windows write it, in UTF-16. */
function beginsAsText(binary: string): boolean {
  const isUtf8 = /^(?:[\t\n\r -~]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}){6}/.test(
    binary,
  );
  return isUtf8 || /^(?:[\t\n\r -~]\0){4}/.test(binary);
}

function decode(bytes: Uint8Array): string {
  const isUtf16 = bytes.length > 3 && bytes[0] !== 0 && bytes[1] === 0 && bytes[3] === 0;
  return new TextDecoder(isUtf16 ? "utf-16le" : "utf-8").decode(bytes);
}

function bytesOf(binary: string): Uint8Array {
  return Uint8Array.from(binary, (byte) => byte.charCodeAt(0));
}
