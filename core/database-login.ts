/** What it takes to log in at a database, in parts: nothing is pasted into a text that something else takes apart again. */
export interface DatabaseLogin {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  sslMode: SslMode;
  /** PEM text; null: the well-known authorities. */
  sslRootCert: string | null;
}

export const SSL_MODES = ["disable", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** What the driver takes as `ssl`. `sslMode` means what it means to libpq. */
export function tlsOptionsOf({ sslMode, sslRootCert }: Pick<DatabaseLogin, "sslMode" | "sslRootCert">) {
  const ca = sslRootCert === null ? {} : { ca: sslRootCert };
  switch (sslMode) {
    case "disable":
      return false;
    case "require":
      return { rejectUnauthorized: false };
    case "verify-ca":
      return { rejectUnauthorized: true, checkServerIdentity: () => undefined, ...ca };
    case "verify-full":
      return { rejectUnauthorized: true, ...ca };
  }
}
