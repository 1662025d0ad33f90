import { expect, it } from "vitest";
import { type PageSize, smallerPage } from "../../../../providers/lib/graphql/page-size.ts";

function* shrunk(size: PageSize, times: number): Generator<PageSize> {
  for (let now: PageSize | null = size; now !== null; now = smallerPage(now, times)) yield now;
}

it("asks for fewer of the innermost lists before it asks for fewer objects", () => {
  const sizes = [...shrunk({ first: 50, inner: 10, nested: 5 }, 2)].map(({ first, inner, nested }) => [
    first,
    inner,
    nested,
  ]);
  expect(sizes).toEqual([
    ...[
      [50, 10, 5],
      [50, 10, 3],
    ],
    ...[
      [50, 5, 3],
      [50, 3, 3],
    ],
    ...[
      [25, 3, 3],
      [12, 3, 3],
      [10, 3, 3],
    ],
    ...[
      [10, 3, 1],
      [10, 1, 1],
    ],
    ...[
      [5, 1, 1],
      [2, 1, 1],
      [1, 1, 1],
    ],
  ]);
});

it("goes at once to what a cost says that is many times what is allowed, and ends at one of each", () => {
  expect([...shrunk({ first: 100, inner: 50 }, 40)]).toEqual([
    { first: 100, inner: 50 },
    { first: 100, inner: 3 },
    { first: 10, inner: 3 },
    { first: 10, inner: 1 },
    { first: 1, inner: 1 },
  ]);
});
