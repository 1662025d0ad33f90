import { expectedTable } from "../expected-table.ts";
import type { DemoSource, ExpectedTable, ProviderDemo } from "../provider-demo.ts";
import { type SimulatorProcess, startSimulator } from "../simulator-process.ts";

/** What the simulated site says of itself: its own names of things, and the items of a drive or list as Graph would give them. */
interface Told {
  tenantId: string;
  clientId: string;
  siteUrl: string;
  driveId: string;
  listId: string;
}

type Item = Record<string, unknown> & { fields?: Record<string, unknown> };

const SALES = { name: "sales", pathGlob: "Reports/sales/**/*.csv", format: { type: "csv" } };

/** Items of a document library and of a list, and the rows of reports in another library, of a simulated site. */
export const sharepointDemo: ProviderDemo = {
  async start({ log }): Promise<DemoSource> {
    const site = await startSimulator("graph", log);
    const told = (await site.command("about")) as Told;
    const [driveItems, listItems] = [`drive_items:${told.driveId}`, `list_items:${told.listId}`];

    async function expected(): Promise<Record<string, ExpectedTable>> {
      const items = (await site.command("tellDrive", { drive: "Documents" })) as Item[];
      const tickets = (await site.command("tellList", { list: "Tickets" })) as Item[];
      const reports = (await site.command("tellFiles", { drive: "Reports" })) as { path: string; text: string }[];
      return {
        [driveItems]: expectedTable(
          ["id", "parent_id", "name", "quick_xor_hash", "etag"],
          items.map((item) => [item.id, item.parentId, item.name, item.quickXorHash, item.eTag]),
        ),
        [listItems]: expectedTable(
          ["id", "title", "status", "customer_lookup_id", "etag"],
          tickets.map(({ id, fields = {}, eTag }) => [id, fields.Title, fields.Status, fields.CustomerLookupId, eTag]),
        ),
        sales: expectedTable(
          ["id", "shop", "amount", "_file_path"],
          reports
            .filter(({ path }) => /^Reports\/sales\/.*\.csv$/.test(path))
            .flatMap(({ path, text }) => salesIn(text).map((cells) => [...cells, path])),
        ),
      };
    }

    return {
      ranAgainst:
        "a simulated Microsoft Graph on this machine (test/simulators/graph, written from Microsoft's documents), which is no real tenant",
      connection: {
        config: {
          ...{ tenantId: told.tenantId, clientId: told.clientId, siteUrl: told.siteUrl },
          ...{ graphUrl: site.apiUrl, loginUrl: site.apiUrl },
        },
        secrets: site.secrets,
      },
      sync: { entities: [driveItems, listItems, "sales"], sourceConfig: { files: [SALES] } },
      change: () => change(site),
      ...{ expected, stop: site.stop },
    };
  },
};

async function change(site: SimulatorProcess): Promise<string[]> {
  const inDrive = (path: string) => ({ drive: "Documents", path });
  await site.command("write", { ...inDrive("Contracts/2026/new contract.txt"), content: "signed" });
  await site.command("rename", { ...inDrive("Contracts/2024"), name: "2024 (closed)" });
  await site.command("remove", inDrive("Contracts/2025"));
  await site.command("putItem", { list: "Tickets", id: 7, fields: { Status: "Closed" } });
  await site.command("putItem", { list: "Tickets", fields: { Title: "A new ticket", Status: "New" } });
  await site.command("removeItem", { list: "Tickets", id: 9 });
  const july = "id,shop,amount,remark\n7001,shop 9,12.50,the only one\n";
  await site.command("write", { drive: "Reports", path: "sales/2026/07.csv", content: july });
  await site.command("write", {
    drive: "Reports",
    path: "sales/2026/02.csv",
    content: july.replaceAll("7001", "2001"),
  });
  await site.command("remove", { drive: "Reports", path: "sales/2026/03.csv" });
  return [
    "a document is new, the folder Contracts/2024 has another name, and Contracts/2025 is gone with all that lay in it",
    "ticket 7 is closed, a ticket is new, and ticket 9 is deleted",
    "a report is new, the one of February was replaced, and the one of March is gone",
  ];
}

/** The first three columns of a report: none of their cells is quoted. A remark may have a line of its own, which begins with `c`. */
function salesIn(text: string): string[][] {
  const lines = text.split("\n").slice(1);
  return lines.filter((line) => /^\d/.test(line)).map((line) => line.split(",").slice(0, 3));
}
