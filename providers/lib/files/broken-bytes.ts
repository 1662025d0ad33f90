/** The bytes of the file are not what its format says. The message continues "the file". */
export class BrokenBytesError extends Error {
  override readonly name = "BrokenBytesError";
}
