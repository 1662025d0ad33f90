declare module "parse-prometheus-text-format" {
  interface Family {
    name: string;
    help: string;
    type: string;
    /** Histograms and summaries have theirs in other members. */
    metrics: { value?: string; labels?: Record<string, string> }[];
  }
  /** @throws on a line that Prometheus would not read */
  // biome-ignore lint/style/noDefaultExport: it has no other
  export default function parse(text: string): Family[];
}
