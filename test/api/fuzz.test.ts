import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AppError } from "../../core/errors.ts";
import { operationsOf } from "./fuzz/document.ts";
import { createOracle, type FuzzAnswer } from "./fuzz/oracle.ts";
import { type FuzzRequest, requestsOf } from "./fuzz/requests.ts";
import { storeEveryState } from "./fuzz/states.ts";
import { type Api, createApi, plannedLoad, resolved } from "./harness.ts";

/** `npm run fuzz` sets these two. */
const SECONDS = Number(process.env.SLUICE_FUZZ_SECONDS ?? 15);
const SEED = Number(process.env.SLUICE_FUZZ_SEED ?? 20_261_124);
/** Of each operation, between two times that everything is stored anew. */
const REQUESTS_A_ROUND = 12;
/** However slow the machine: that many reach everything. */
const LEAST_ROUNDS = 8;
const MOST_FINDINGS = 20;

let api: Api;
beforeAll(async () => {
  api = await createApi();
});
afterAll(() => api.close());

/** What a worker may find, and what may keep it from being asked. */
const OUTCOMES = [
  "ok",
  "ok",
  "ok",
  "failed",
  "no entity",
  "no_worker",
  "check_failed",
  "check_timeout",
  "temporal_unavailable",
] as const;
/** A 5xx that was brought about. */
let broughtAbout = false;

function answerChecksBy(next: () => (typeof OUTCOMES)[number]): void {
  const checks = [{ name: "login", ok: false, message: "The password is wrong.", fix: "Give another." }];
  api.control.answerCheck = async ({ entities, plan }) => {
    const outcome = next();
    if (outcome === "failed") return { ok: false, checks, entities: [] };
    const found = outcome === "ok";
    if (found || outcome === "no entity") {
      const planned = found
        ? { load: plannedLoad(), failure: null }
        : { load: null, failure: { reasonCode: "entity_unknown", message: "It is gone." } as const };
      return {
        ...{ ok: true, checks: [], entities: found ? (entities ?? []).map((key) => resolved(key)) : [] },
        ...(plan ? { plan: plan.entities.map((entityKey) => ({ entityKey, ...planned })) } : {}),
      };
    }
    broughtAbout = true;
    throw new AppError(outcome, "It was brought about.");
  };
}

async function send({ operation, url, headers, body }: FuzzRequest): Promise<FuzzAnswer> {
  const began = performance.now();
  const request = new Request(new URL(url, "http://127.0.0.1"), {
    method: operation.method,
    headers,
    ...(body === null || operation.method === "GET" ? {} : { body: body.text }),
  });
  const response = await api.fetch(request);
  return {
    status: response.status,
    headers: response.headers,
    text: await response.text(),
    ms: performance.now() - began,
  };
}

it(`every operation answers as the document says, whatever is sent and stored (seed ${SEED})`, {
  timeout: (SECONDS + 120) * 1000,
}, async () => {
  const document = (await api.send("GET", "/openapi.json", {})).body;
  const oracle = createOracle(document);
  const operations = operationsOf(document);
  const findings = new Map<string, string>();
  const counts = new Map<string, number>();
  const deadline = Date.now() + SECONDS * 1000;
  let round = 0;
  do {
    const seed = SEED + round++;
    const [dice] = fc.sample(fc.infiniteStream(fc.constantFrom(...OUTCOMES)), { seed, numRuns: 1 });
    answerChecksBy(() => "ok");
    const pool = await storeEveryState(api);
    answerChecksBy(() => dice?.next().value ?? "ok");
    const requests = operations.flatMap((operation) =>
      fc.sample(requestsOf(document, pool, operation), { seed, numRuns: REQUESTS_A_ROUND }),
    );
    for (const request of requests) {
      const { operation } = request;
      broughtAbout = false;
      const answer = await send(request);
      const name = `${operation.method} ${operation.path}`;
      counts.set(`${name} ${answer.status}`, (counts.get(`${name} ${answer.status}`) ?? 0) + 1);
      for (const wrong of oracle.judge(request, answer)) {
        if (broughtAbout && /^a 50[34]$/.test(wrong)) continue;
        const what = `${request.url} ${JSON.stringify(request.headers)} ${request.body?.text.slice(0, 600)}`;
        const kind = `${name}: ${wrong.replaceAll(/[0-9a-f-]{36}/g, "<id>")}`;
        if (!findings.has(kind)) findings.set(kind, `${what}\n    -> ${answer.status} ${answer.text.slice(0, 600)}`);
      }
    }
  } while ((Date.now() < deadline || round < LEAST_ROUNDS) && findings.size < MOST_FINDINGS);

  const told = [...findings].map(([kind, example]) => `${kind}\n    ${example}`).join("\n");
  expect(findings.size, `${told}\n${round} rounds from seed ${SEED}`).toBe(0);
  // It reached more than the front door: everything that can be read or made was, at least once.
  for (const { method, path, responses } of operations) {
    const good = Object.keys(responses).filter((status) => status < "300");
    const reached = good.some((status) => counts.has(`${method} ${path} ${status}`));
    expect(reached, `${method} ${path} never worked: ${JSON.stringify([...counts])}`).toBe(true);
  }
});
