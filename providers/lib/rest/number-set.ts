/** Numbers, each once, in 8 to 24 bytes each: a `Set` of such large ones takes 60, and has the collector go over every one of them. */
export interface NumberSet extends Iterable<number> {
  readonly size: number;
  /** @param number whole, 0 or more, and evenly spread, as a hash is. @returns whether it had been there */
  has(number: number): boolean;
  add(number: number): void;
}

const EMPTY = -1;

export function createNumberSet(): NumberSet {
  let slots = new Float64Array(1024).fill(EMPTY);
  let size = 0;

  /** Where it is, or where it would be. */
  function placeOf(number: number): number {
    let at = number % slots.length;
    while (slots[at] !== EMPTY && slots[at] !== number) at = (at + 1) % slots.length;
    return at;
  }

  function grow(): void {
    const before = slots;
    slots = new Float64Array(before.length * 2).fill(EMPTY);
    for (const number of before) if (number !== EMPTY) slots[placeOf(number)] = number;
  }

  return {
    get size() {
      return size;
    },
    has: (number) => slots[placeOf(number)] === number,
    add(number) {
      const at = placeOf(number);
      if (slots[at] === number) return;
      slots[at] = number;
      size += 1;
      if (size * 3 > slots.length * 2) grow();
    },
    *[Symbol.iterator]() {
      for (const number of slots) if (number !== EMPTY) yield number;
    },
  };
}
