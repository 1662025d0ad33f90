import { type DestinationStream, type Logger, pino } from "pino";

const HIDDEN = ["password", "secret", "secrets", "token", "tokens", "authorization", "cookie", "x-api-key"];

/** No line is meant to hold a credential; should something be logged whole that does, it is blotted out. */
export function createLog(level: string, destination?: DestinationStream): Logger {
  const places = ["", "*", "*.*"];
  const paths = places.flatMap((place) => HIDDEN.map((name) => `${place}["${name}"]`));
  return pino({ name: "api", level, redact: paths }, destination);
}
