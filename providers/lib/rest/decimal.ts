/** Exponents beyond it are no `numeric` of Postgres. */
const MAX_EXPONENT = 16_000;

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,6}))?$/;

/** How a decimal number is made up, zeros that say nothing left out: 0012.30 has two whole digits and one of fraction. */
interface Digits {
  whole: number;
  fraction: number;
  /** Where there is no fraction. Takes memory for as many digits as the number has: ask for `whole` first. */
  integer(): bigint;
}

/** @returns null where the text is no number that Postgres's `numeric` holds */
export function digitsOf(text: string): Digits | null {
  const match = NUMBER.exec(text);
  if (match === null) return null;
  const [, sign = "", before = "", after = "", shift = "0"] = match;
  const exponent = Number(shift);
  if (Math.abs(exponent) > MAX_EXPONENT) return null;
  const digits = before + after;
  const first = digits.search(/[1-9]/);
  if (first === -1) return { whole: 0, fraction: 0, integer: () => 0n };
  let last = digits.length;
  while (digits[last - 1] === "0") last -= 1;
  // Places are counted from the first digit; the point stands before `point`.
  const point = before.length + exponent;
  const significant = digits.slice(first, last);
  return {
    whole: Math.max(0, point - first),
    fraction: Math.max(0, last - point),
    integer: () => BigInt(`${sign}${significant}`) * 10n ** BigInt(point - last),
  };
}
