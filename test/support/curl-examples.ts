import { parse } from "shell-quote";

/** Runs the `curl` commands of a document as bash, curl and jq would: so that what people copy from it is what was tried. */

export interface Example {
  /** Text of the command, for messages. */
  command: string;
  method: string;
  path: string;
  status: number;
  /** The operation's name as the heading above it says. */
  operationId: string | null;
}

const STATEMENT = /^(?=curl |\w+=\$\()/m;
const CAPTURE = /^(\w+)=\$\(([\s\S]+) \| jq -r (\S+)\)$/;

/**
 * @param variables of the shell; captures (`id=$(curl ... | jq -r .id)`) are added to it
 * @throws Error for a command that is not understood, or whose answer is not 2xx
 */
export async function runExamples(
  markdown: string,
  send: (request: Request) => Promise<Response>,
  variables: Record<string, string>,
): Promise<Example[]> {
  const examples: Example[] = [];
  for (const { operationId, statement } of statementsIn(markdown)) {
    const [, name, inner, path] = CAPTURE.exec(statement) ?? [];
    const command = inner ?? statement;
    const { method, url, headers, body } = readCurl(command, variables);
    const response = await send(new Request(url, { method, headers, body }));
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}\n${statement}`);
    if (name !== undefined && path !== undefined) variables[name] = pick(JSON.parse(text), path);
    examples.push({
      command: statement,
      method,
      path: new URL(url).pathname,
      status: response.status,
      operationId,
    });
  }
  return examples;
}

/** In order, each with the operation that its heading names: `### Create a sync · createSync`. */
function statementsIn(markdown: string): { operationId: string | null; statement: string }[] {
  return markdown.split(/^(?=#{2,4} )/m).flatMap((section) => {
    const operationId = /^#+ .* · (\w+)$/m.exec(section)?.[1] ?? null;
    const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
    return blocks.flatMap((block) =>
      block
        .replace(/^#.*\n/gm, "")
        .split(STATEMENT)
        .map((statement) => statement.trim())
        .filter((statement) => statement !== "")
        .map((statement) => ({ operationId, statement })),
    );
  });
}

function readCurl(command: string, variables: Record<string, string>) {
  const words = parse(command, variables).map((word) => {
    if (typeof word === "string") return word;
    throw new Error(`not a plain command: ${command}`);
  });
  const headers = new Headers();
  let method: string | null = null;
  let url = "";
  let body: string | null = null;
  for (let i = 1; i < words.length; i++) {
    const word = words[i] ?? "";
    const value = words[i + 1] ?? "";
    if (["-X", "-H", "-d"].includes(word)) i++;
    if (word === "-X") method = value;
    else if (word === "-d") body = value;
    else if (word === "-H") headers.set(value.slice(0, value.indexOf(":")), value.slice(value.indexOf(":") + 1).trim());
    else if (!word.startsWith("-")) url = word;
    else if (!/^-[sN]+$/.test(word)) throw new Error(`unknown option ${word}: ${command}`);
  }
  return { method: method ?? (body === null ? "GET" : "POST"), url, headers, body };
}

/** `.id`, `.runs[0].id` */
function pick(value: unknown, path: string): string {
  const found = path
    .split(/[.[\]]/)
    .filter((part) => part !== "")
    .reduce<unknown>((at, part) => (typeof at === "object" && at !== null ? Reflect.get(at, part) : undefined), value);
  if (typeof found !== "string" && typeof found !== "number") throw new Error(`the answer has no ${path}`);
  return String(found);
}
