import { type ProviderError, TerminalError, TransientError } from "../../core/errors.ts";
import type { Batch } from "../batch.ts";
import type { EntitySchema, ReadRequest, Source } from "../provider.ts";
import type { HttpClient } from "./http/client.ts";
import { toldFix } from "./writers-fixes.ts";

/**
 * The source of a connector that declares its resources: what its errors say is to be done are things that its users can do. They name the latest
 * answer, by which the vendor finds what it has answered.
 * @param latestAnswer the vendor's id of it; null where it gives none
 */
export function tellUsers(source: Source, latestAnswer: () => string | null): Source {
  function fixOf(fix: string): string {
    const told = toldFix(fix);
    if (told === null) return fix;
    const id = latestAnswer();
    return id === null || !/\breport\b/.test(told) ? told : `${told} The source's latest request id is ${id}.`;
  }

  function tell<T>(error: T): T | ProviderError {
    if (!(error instanceof TerminalError || error instanceof TransientError)) return error;
    const fix = fixOf(error.fix);
    if (fix === error.fix) return error;
    const { reasonCode, what } = error;
    if (error instanceof TerminalError) return new TerminalError(reasonCode, what, { fix, cause: error });
    const { retryAfterSeconds, ofEntity } = error;
    return new TransientError(reasonCode, what, {
      ...{ fix, cause: error, ofEntity },
      ...(retryAfterSeconds === null ? {} : { retryAfterSeconds }),
    });
  }

  function tellEntity(entity: EntitySchema): EntitySchema {
    const { failure, unprovable, description } = entity;
    const told = failure && (tell(failure) as ProviderError);
    return {
      ...entity,
      ...(failure === undefined || told === undefined
        ? {}
        : { failure: told, description: description.replace(failure.message, () => told.message) }),
      ...(unprovable === undefined ? {} : { unprovable: { ...unprovable, fix: fixOf(unprovable.fix) } }),
    };
  }

  async function telling<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw tell(error);
    }
  }

  async function* read(request: ReadRequest): AsyncGenerator<Batch, void, undefined> {
    try {
      yield* source.read(request);
    } catch (error) {
      throw tell(error);
    }
  }

  return {
    ...source,
    check: async () => (await telling(() => source.check())).map((each) => ({ ...each, fix: fixOf(each.fix) })),
    discover: async (...asked) => (await telling(() => source.discover(...asked))).map(tellEntity),
    plan: (request) => telling(() => source.plan(request)),
    read,
  };
}

const REQUEST_IDS = ["x-request-id", "request-id"];
const MOST_CHARACTERS = 100;

/** @returns the same client, and the vendor's id of the latest answer */
export function noteRequestIds(client: HttpClient): { client: HttpClient; latestAnswer: () => string | null } {
  let latest: string | null = null;
  return {
    client: {
      ...client,
      send: (request) =>
        client.send({
          ...request,
          classify(response) {
            const [id] = REQUEST_IDS.flatMap((name) => response.headers.get(name) ?? []);
            latest = id === undefined || !/^[\w.:-]+$/.test(id) ? null : id.slice(0, MOST_CHARACTERS);
            return request.classify?.(response) ?? null;
          },
        }),
    },
    latestAnswer: () => latest,
  };
}
