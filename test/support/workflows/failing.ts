import { ApplicationFailure } from "@temporalio/common";

export async function syncRun(): Promise<never> {
  throw ApplicationFailure.nonRetryable("this execution ends without a result");
}
