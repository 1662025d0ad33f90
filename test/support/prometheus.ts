import parse from "parse-prometheus-text-format";
import { expect } from "vitest";
import { METRICS, type MetricName } from "../../core/metrics.ts";

export interface Scraped {
  text: string;
  /** Names of all families. */
  names: string[];
  /** What the series shows; null where it is absent. */
  value(name: MetricName, labels?: Record<string, string>): number | null;
}

/** As Prometheus does, with a parser of its format. What is ours has to be as it is declared. */
export async function scrape(url: string, headers: Record<string, string> = {}): Promise<Scraped> {
  const response = await fetch(`${url}/metrics`, { headers });
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  const text = await response.text();
  const families = parse(text);
  const names = families.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, type, help, metrics } of families.filter((family) => family.name.startsWith("sluice_"))) {
    const declared = METRICS[name as MetricName];
    expect({ name, type: type.toLowerCase(), help }).toEqual({ name, type: declared.type, help: declared.help });
    for (const { labels = {} } of metrics) {
      expect(Object.keys(labels).sort(), name).toEqual([...declared.labels].sort());
    }
  }
  return {
    text,
    names,
    value(name, labels = {}) {
      const family = families.find((each) => each.name === name);
      const found = family?.metrics.find((each) =>
        Object.entries(labels).every(([label, value]) => each.labels?.[label] === value),
      );
      return found?.value === undefined ? null : Number(found.value);
    },
  };
}
