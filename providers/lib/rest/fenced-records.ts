import { TerminalError, TransientError } from "../../../core/errors.ts";
import { FenceMemoryError } from "../fence/fence.ts";
import { sharedFence } from "../fence/shared-fence.ts";
import { BodyLimitError } from "../http/body-limit.ts";
import type { HttpResponse } from "../http/client.ts";
import { type JsonValue, parseJson } from "../http/json.ts";
import { OtherFormatError } from "../http/ndjson.ts";
import type { Answer } from "./answer.ts";
import type { LargeAnswer, PlainResource, Question, Refusal, RowsPiece, SummedRows, Survey } from "./answer-thread.ts";
import type { Dates, PageRecords, TakenRecords } from "./page-records.ts";
import { recordsIn } from "./records.ts";
import type { ErrorRule } from "./resource.ts";
import type { Resource } from "./resources.ts";
import { createTablePage } from "./table-page.ts";

const MODULE = new URL("./answer-thread.ts", import.meta.url);

type Asked = Question["ask"];
interface Replies {
  survey: Survey;
  digest: string | null;
  dates: Dates;
  rows: SummedRows;
  records: { count: number };
}

/** A large answer: what is in it is found by a thread, as is what a listing has to know of its records. */
export async function surveyAnswer(
  response: HttpResponse,
  resource: Resource,
  rules: readonly ErrorRule[],
): Promise<Answer> {
  const ask = createAsk(response, resource);
  const keyField = resource.paging.keyField ?? null;
  const survey = await ask("survey", { ask: "survey", rules: [...rules], keyField });
  const body = parseJson(survey.frame);
  return {
    body,
    meets: (rule) => survey.met[rules.indexOf(rule)] ?? false,
    digest: () => survey.digest,
    list() {
      const { misplaced, count, items, keys, keysetFault } = survey;
      if (misplaced !== null) throw errorOf(misplaced, response);
      return {
        records: fenceRecords(response, ask, count),
        ...{ items, keys },
        first: count === 0 ? undefined : firstIn(body, resource),
        last: parsedOf(survey.lastRecord),
        lastItem: parsedOf(survey.lastItem),
        whyNoKeyset: () => keysetFault,
      };
    },
  };
}

function firstIn(frame: JsonValue, resource: Resource): JsonValue | undefined {
  return recordsIn(frame, { ...resource, missingRecords: "empty" })[0];
}

function parsedOf(text: string | null): JsonValue | undefined {
  return text === null ? undefined : parseJson(text);
}

type Ask = <A extends Asked>(
  ask: A,
  question: Extract<Question, { ask: A }>,
  onPiece?: (piece: unknown) => void,
) => Promise<Replies[A]>;

/** Questions about one answer, each put to whatever thread is free. */
function createAsk(response: HttpResponse, { paging: _, ...resource }: Resource): Ask {
  const { contentType, format, body, signal, source } = response;
  const answer: LargeAnswer = { body, contentType, format, resource: resource satisfies PlainResource };
  return async <A extends Asked>(_ask: A, question: Question, onPiece?: (piece: unknown) => void) => {
    const job = { module: MODULE, input: { answer, question } };
    const reply = await sharedFence()
      .run(job, { source, signal, ...(onPiece === undefined ? {} : { onPiece }) })
      .catch((cause: unknown) => {
        response.letGo();
        if (!(cause instanceof FenceMemoryError)) throw cause;
        throw response.refuse(new BodyLimitError("takes more memory to parse than one answer may"));
      });
    const { refused, said } = reply as { refused?: Refusal; said: Replies[A] };
    if (refused === undefined) return said;
    response.letGo();
    throw errorOf(refused, response);
  };
}

function fenceRecords(response: HttpResponse, ask: Ask, count: number): PageRecords {
  return {
    count,
    digest: () => ask("digest", { ask: "digest" }),
    datesWithin: (view) => ask("dates", { ask: "dates", view }),
    async rows(view, wanted) {
      const page = createTablePage(wanted);
      const { newest, marks } = await ask("rows", { ask: "rows", view, wanted }, (piece) => {
        const { child, encoded, rejects } = piece as RowsPiece;
        page.add({ child, piece: encoded, rejects, bytes: encoded.bytes.length, count: encoded.rows });
      });
      return page.take(newest, marks);
    },
    async take(view, wanted): Promise<TakenRecords> {
      const records: JsonValue[] = [];
      // All of them are in the view, and how many they are is known.
      const counted = view.dated === null;
      if (counted && wanted.most === 0) return { records, count };
      const { count: found } = await ask("records", { ask: "records", view, ...wanted, counted }, (piece) => {
        const values = parseJson((piece as { text: string }).text);
        if (Array.isArray(values)) for (const value of values) records.push(value);
      });
      return { records, count: counted ? count : found };
    },
    letGo: response.letGo,
  };
}

function errorOf(refusal: Refusal, response: HttpResponse): Error {
  switch (refusal.by) {
    case "limit":
      return response.refuse(new BodyLimitError(refusal.message));
    case "format":
      return response.refuse(
        refusal.other === null ? new SyntaxError(refusal.message) : new OtherFormatError(refusal.other),
      );
    case "encoding":
      return response.refuse(new TypeError(refusal.message));
    case "records": {
      const { what, fix } = refusal;
      return refusal.transient
        ? new TransientError("source_response_invalid", what, { fix })
        : new TerminalError("source_response_invalid", what, { fix });
    }
  }
}
