/** How pages follow each other, as a connector declares it. Paths are those of `selector.ts`. */
export type PaginatorConfig =
  | { type: "single" }
  | ({ type: "json_link"; nextPath: string; emptyPage: EmptyPage } & Common)
  | ({ type: "header_link"; rel: string; emptyPage: EmptyPage } & Common)
  | ({
      type: "cursor";
      /** One of the two says where the token of the next page is. */
      nextPath?: string | undefined;
      nextHeader?: string | undefined;
      emptyPage: EmptyPage;
    } & Parameter &
      Common)
  | ({
      type: "offset";
      limit: number;
      limitParam: string;
      offsetParam: string;
      /** Offset of the first item; 0 when absent. */
      start?: number | undefined;
      in: Place;
    } & Counted &
      Common)
  | ({
      type: "page";
      /** Number of the first page; 1 when absent. */
      start?: number | undefined;
      pageParam: string;
      size?: number | undefined;
      sizeParam?: string | undefined;
      in: Place;
    } & Counted &
      Common)
  | ({ type: "keyset"; field: string } & Parameter & Common);

/** How pages that are asked for by a number end. */
export interface Counted {
  /** Where the body or a header has the number of all records. */
  totalPath?: string | undefined;
  totalHeader?: string | undefined;
  /** Where they have the number of pages; of page numbers only. */
  totalPagesPath?: string | undefined;
  totalPagesHeader?: string | undefined;
  /** True: a short page is the last. False: an empty one is. Absent: evidence decides, see `counted-paging.ts`. */
  stopOnShortPage?: boolean | undefined;
}

type EmptyPage = "stop" | "continue";
/** `body`: the parameter is a path into the JSON body. */
type Place = "query" | "body";

interface Parameter {
  param: string;
  in: Place;
}

interface Common {
  /** The page is the last when its body says so. */
  stopWhen?: { path: string; equals: string | number | boolean | null } | undefined;
}
