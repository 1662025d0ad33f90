import type { Redactor } from "../core/redact.ts";
import type { Batch } from "../providers/batch.ts";
import type { Source } from "../providers/provider.ts";

/**
 * The source, but nothing that it reports or throws holds a secret of its connection: a server can quote what it was sent, and
 * what a source says ends in run rows, logs and workflow history.
 */
export function redactSource(source: Source, { redact, redactError }: Redactor): Source {
  const redacted = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      redactError(error);
      throw error;
    }
  };

  async function* read(request: Parameters<Source["read"]>[0]): AsyncGenerator<Batch, void, undefined> {
    try {
      for await (const batch of source.read(request)) {
        // First of all who listen, so that the others hear what is left.
        if (batch.kind === "copy") batch.stream.prependListener("error", redactError);
        yield batch;
      }
    } catch (error) {
      redactError(error);
      throw error;
    }
  }

  const { comparison, cancelJob } = source;
  return {
    check: async () => {
      const checks = await redacted(source.check());
      return checks.map((check) => ({ ...check, message: redact(check.message), fix: redact(check.fix) }));
    },
    discover: async (...request) => {
      const found = await redacted(source.discover(...request));
      for (const { failure } of found) redactError(failure);
      return found;
    },
    ...(source.plansAtOnce === undefined ? {} : { plansAtOnce: source.plansAtOnce }),
    plan: (request) => redacted(source.plan(request)),
    read,
    probe: () => redacted(source.probe()),
    close: () => redacted(source.close()),
    ...(cancelJob && { cancelJob: (job) => redacted(cancelJob(job)) }),
    ...(comparison && {
      comparison: {
        plan: (request, destination) => redacted(comparison.plan(request, destination)),
        digest: (request) => redacted(comparison.digest(request)),
      },
    }),
  };
}
