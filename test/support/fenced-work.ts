/** What tests let a thread of the fence do. */
export function run({ what, to = 0 }: { what: string; to?: number }, post: (piece: unknown) => void): unknown {
  switch (what) {
    case "count":
      for (let i = 1; i <= to; i += 1) post(i);
      return "done";
    case "throw":
      throw new Error("thrown in the thread");
    case "hoard": {
      const kept: object[] = [];
      for (;;) kept.push({ kept: kept.length });
    }
    case "spin":
      post("begun");
      for (;;);
    case "variables":
      return Object.keys(process.env);
    default:
      throw new Error(`nobody knows how to ${what}`);
  }
}
