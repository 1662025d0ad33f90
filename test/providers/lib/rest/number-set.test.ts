import fc from "fast-check";
import { expect, it } from "vitest";
import { createNumberSet } from "../../../../providers/lib/rest/number-set.ts";

it("a set of numbers holds what a Set would, also where many begin at one place", () => {
  const number = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(20),
    fc.nat(5000).map((i) => i * 1024),
  );
  fc.assert(
    fc.property(fc.array(number, { maxLength: 2000 }), (numbers) => {
      const set = createNumberSet();
      for (const each of numbers) set.add(each);
      const wanted = new Set(numbers);
      expect(set.size).toBe(wanted.size);
      expect(new Set(set)).toEqual(wanted);
      const asked = numbers.flatMap((each) => [each, each + 1]);
      expect(asked.map((each) => set.has(each))).toEqual(asked.map((each) => wanted.has(each)));
    }),
  );
});
