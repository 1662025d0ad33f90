/** A query as it is sent, but for its variables. */
export interface GraphqlDocument {
  text: string;
  /** Objects of a page. */
  first: number;
  /** Of each connection within; null where the query has none. */
  inner: number | null;
  /** Of each connection within the elements of those; null where the query has none. */
  nested: number | null;
  /** The search term for the time, and terms that never change. */
  term: string | null;
  terms: string | null;
  permission: string | undefined;
  /** The object that is asked about may be gone meanwhile: then it has nothing. */
  mayBeGone?: true;
  /** Where the connection is, and which, if not on the query root; see `GraphqlResource.within`. */
  within?: { field: string; connection: string };
}
