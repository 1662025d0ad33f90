/** Canonical names only, as `format_type` prints them. */
const INTEGERS = ["smallint", "integer", "bigint"];
/** Digits before the point that each can have. */
const INTEGER_DIGITS: Record<string, number> = { smallint: 5, integer: 10, bigint: 19 };

interface ParsedType {
  name: string;
  modifiers: number[];
}

/** Integers that a floating-point number holds exactly. */
const EXACT_INTEGERS: Record<string, string[]> = {
  real: ["smallint"],
  "double precision": ["smallint", "integer", "real"],
};
/** Digits of a second that a time without a modifier has. */
const SECOND_DIGITS = 6;
const TIMES = [
  "timestamp without time zone",
  "timestamp with time zone",
  "time without time zone",
  "time with time zone",
];

/** Does every value of `from` fit into `to` unchanged? Knows the common growth of a column; false for all it does not know. */
export function widens(from: string, to: string): boolean {
  if (from === to) return true;
  if (from.endsWith("[]") && to.endsWith("[]")) return widens(from.slice(0, -2), to.slice(0, -2));
  const [a, b] = [parseType(from), parseType(to)];
  if (EXACT_INTEGERS[b.name]?.includes(a.name)) return true;
  if (INTEGERS.includes(a.name)) {
    if (b.name === "numeric") return numericFits([INTEGER_DIGITS[a.name] ?? 0, 0], b.modifiers);
    return INTEGERS.indexOf(b.name) >= INTEGERS.indexOf(a.name);
  }
  if (TIMES.includes(a.name)) return b.name === a.name && secondsFit(a, b);
  if (a.name.startsWith("interval")) return (b.name === a.name || b.name === "interval") && secondsFit(a, b);
  switch (a.name) {
    case "numeric":
      return b.name === "numeric" && numericFits(a.modifiers, b.modifiers);
    // The blanks at the end of a `character` are no part of its value.
    case "character":
      return ["character", "character varying", "text"].includes(b.name) && lengthFits(a, b);
    case "character varying":
    case "text":
      return b.name === "text" || (b.name === "character varying" && lengthFits(a, b));
    case "bit":
    case "bit varying":
      return b.name === "bit varying" && lengthFits(a, b);
    case "cidr":
      return b.name === "inet";
    default:
      return false;
  }
}

/** A widening that Postgres makes in the catalog alone, without writing the table again. */
export function widensInPlace(from: string, to: string): boolean {
  if (!widens(from, to)) return false;
  if (from.endsWith("[]")) return from === to;
  const [a, b] = [parseType(from), parseType(to)];
  if (a.name === "numeric")
    return b.name === "numeric" && (b.modifiers.length === 0 || a.modifiers[1] === b.modifiers[1]);
  if (a.name === "character") return from === to;
  return a.name === b.name || (a.name === "character varying" && b.name === "text");
}

export function isNumber(type: string): boolean {
  const { name } = parseType(type);
  return INTEGERS.includes(name) || ["numeric", "real", "double precision"].includes(name);
}

function parseType(type: string): ParsedType {
  const [, head = type, modifiers = "", tail = ""] = /^([^(]*?)(?:\((.*?)\))?([^)]*)$/.exec(type) ?? [];
  return { name: `${head}${tail}`, modifiers: modifiers === "" ? [] : modifiers.split(",").map(Number) };
}

/** No modifier: no bound. */
function lengthFits(a: ParsedType, b: ParsedType): boolean {
  const [bound] = b.modifiers;
  if (bound === undefined) return true;
  const [length] = a.modifiers;
  return length !== undefined && length <= bound;
}

function secondsFit(a: ParsedType, b: ParsedType): boolean {
  return (a.modifiers[0] ?? SECOND_DIGITS) <= (b.modifiers[0] ?? SECOND_DIGITS);
}

function numericFits([precision, scale = 0]: number[], [toPrecision, toScale = 0]: number[]): boolean {
  if (toPrecision === undefined) return true;
  if (precision === undefined) return false;
  return toScale >= scale && toPrecision - toScale >= precision - scale;
}
