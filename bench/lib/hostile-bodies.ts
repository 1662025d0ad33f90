/** Bodies of tens of megabytes that are allowed to come and take a hundred times as much where they are parsed as a whole. */

export interface HostileBody {
  /** Of an answer; each is made when it is asked for. */
  make(bytes: number): string;
  contentType?: string;
  /** Such a page is read; the others are refused. */
  isRead?: true;
}

function listOf(element: string): HostileBody["make"] {
  return (bytes) => `[${`${element},`.repeat(Math.floor(bytes / (element.length + 1)))}${element}]`;
}

function numbered(bytes: number, [before, after]: [string, string], elementOf: (i: number) => string): string {
  const parts: string[] = [];
  for (let i = 0, size = 0; size < bytes; i += 1) {
    const element = elementOf(i);
    parts.push(element);
    size += element.length + 1;
  }
  return `${before}${parts.join(",")}${after}`;
}

export const HOSTILE_BODIES: Record<string, HostileBody> = {
  "empty objects": { make: listOf("{}") },
  "empty lists": { make: listOf("[]") },
  numbers: { make: listOf("1") },
  "exact numbers": { make: listOf("1.0") },
  nulls: { make: listOf("null") },
  "empty texts": { make: listOf('""') },
  "empty objects where records usually are": { make: (bytes) => `{"data":${listOf("{}")(bytes)},"next":null}` },
  "lists in lists": { make: (bytes) => "[".repeat(bytes / 2) + "]".repeat(bytes / 2) },
  "lists in lists that never end": { make: (bytes) => "[".repeat(bytes) },
  "objects in objects": { make: (bytes) => '{"a":'.repeat(bytes / 6) + "1" + "}".repeat(bytes / 6) },
  "a record that is nested to the end": {
    make: (bytes) => `[{"id":1,"a":${"[".repeat(bytes / 2)}${"]".repeat(bytes / 2)}}]`,
  },
  "one wide object": { make: (bytes) => numbered(bytes, ['[{"id":1,', "}]"], (i) => `"k${i}":1`) },
  "objects of a megabyte": {
    make: (bytes) => numbered(bytes, ["[", "]"], (n) => numbered(1024 * 1024, ["{", "}"], (i) => `"n${n}k${i}":1`)),
    isRead: true,
  },
  "objects that are all different": {
    make: (bytes) => numbered(bytes, ["[", "]"], (i) => `{"id":${i},"k${i}":1}`),
    isRead: true,
  },
  "records of one number": { make: (bytes) => numbered(bytes, ["[", "]"], (i) => `{"id":${i}}`), isRead: true },
  "many lists": { make: (bytes) => numbered(bytes, ['{"data":[{"id":1}],', "}"], (i) => `"k${i}":[1]`) },
  "one long text": { make: (bytes) => `[{"id":1,"text":"${"x".repeat(bytes)}"}]`, isRead: true },
  "one long text of two bytes a character": {
    make: (bytes) => `[{"id":1,"text":"${"й".repeat(bytes / 2)}"}]`,
    isRead: true,
  },
  "quotes and backslashes": { make: (bytes) => `[{"id":1,"text":"${'\\"'.repeat(bytes / 2)}"}]`, isRead: true },
  "a long text without an end": { make: (bytes) => `[{"id":1,"text":"${"x".repeat(bytes)}` },
  blanks: { make: (bytes) => `[${" ".repeat(bytes)}{"id":1}]`, isRead: true },
  commas: { make: (bytes) => `[1${",".repeat(bytes)}]` },
  "one long number": { make: (bytes) => `[{"id":1,"n":${"9".repeat(bytes)}}]` },
  "lines of nothing": { make: (bytes) => "{}\n".repeat(bytes / 3), contentType: "application/x-ndjson" },
  "a line without an end": {
    make: (bytes) => `{"id":1,"a":[${"[],".repeat(bytes / 3)}`,
    contentType: "application/x-ndjson",
  },
};
