/** Canonical names only, as `format_type` prints them. */
const INTEGERS = ["smallint", "integer", "bigint"];
/** Digits before the point that each can have. */
const INTEGER_DIGITS: Record<string, number> = { smallint: 5, integer: 10, bigint: 19 };

interface ParsedType {
  name: string;
  modifiers: number[];
}

/** Does every value of `from` fit into `to` unchanged? Knows the common growth of a column; false for all it does not know. */
export function widens(from: string, to: string): boolean {
  if (from === to) return true;
  const [a, b] = [parseType(from), parseType(to)];
  if (INTEGERS.includes(a.name)) {
    if (b.name === "numeric") return numericFits([INTEGER_DIGITS[a.name] ?? 0, 0], b.modifiers);
    return INTEGERS.indexOf(b.name) >= INTEGERS.indexOf(a.name);
  }
  switch (a.name) {
    case "real":
      return b.name === "double precision";
    case "numeric":
      return b.name === "numeric" && numericFits(a.modifiers, b.modifiers);
    case "character varying":
    case "text":
      return b.name === "text" || (b.name === "character varying" && lengthFits(a, b));
    case "bit varying":
    case "timestamp without time zone":
    case "timestamp with time zone":
    case "time without time zone":
    case "time with time zone":
      return b.name === a.name && lengthFits(a, b);
    default:
      return false;
  }
}

/** A widening that Postgres makes in the catalog alone, without writing the table again. */
export function widensInPlace(from: string, to: string): boolean {
  const [a, b] = [parseType(from), parseType(to)];
  if (!widens(from, to)) return false;
  if (a.name === "numeric")
    return b.name === "numeric" && (b.modifiers.length === 0 || a.modifiers[1] === b.modifiers[1]);
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

function numericFits([precision, scale = 0]: number[], [toPrecision, toScale = 0]: number[]): boolean {
  if (toPrecision === undefined) return true;
  if (precision === undefined) return false;
  return toScale >= scale && toPrecision - toScale >= precision - scale;
}
