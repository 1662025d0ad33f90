/** One thing that a check looked at. */
export interface SourceCheck {
  name: string;
  ok: boolean;
  message: string;
  /** What to do; empty when ok. */
  fix: string;
  /** It is about this entity alone: the others can be read. */
  entityKey?: string;
}
