import { ApplicationFailure, DefaultPayloadConverter, type Payload, type PayloadConverter } from "@temporalio/common";
import { MAX_PAYLOAD_BYTES } from "../core/workflow-contract.ts";

/**
 * JSON as usual, but nothing over 64 KiB: history holds ids and counts. The failure must be an ApplicationFailure; a plain
 * Error would fail the workflow task again and again instead of the run.
 */
class GuardedPayloadConverter implements PayloadConverter {
  private readonly inner = new DefaultPayloadConverter();

  toPayload<T>(value: T): Payload {
    const payload = this.inner.toPayload(value);
    const sizeBytes = payload.data?.length ?? 0;
    if (sizeBytes > MAX_PAYLOAD_BYTES) {
      throw ApplicationFailure.nonRetryable(
        `A workflow payload has ${sizeBytes} bytes, more than ${MAX_PAYLOAD_BYTES}.`,
        "payload_too_large",
      );
    }
    return payload;
  }

  fromPayload<T>(payload: Payload): T {
    return this.inner.fromPayload(payload);
  }
}

export const payloadConverter = new GuardedPayloadConverter();
