/** What a defect in a deployed workflow looks like: its task fails, again and again. */
export async function syncRun(): Promise<never> {
  throw new Error("this workflow cannot be executed");
}
