// How bytes leave: the port that the client is written against.
//
// A transport resolves with whatever the server answered, whatever its status, and rejects with Problem `offline`
// or `timeout` only.

export interface Ask {
  method: "GET" | "POST";
  url: string;
  headers: Record<string, string>;
  body?: string;
  timeoutMs: number;
}

export interface UploadAsk {
  url: string;
  headers: Record<string, string>;
  filePath: string;
  /** The name of the file's field. */
  name: string;
  fields: Record<string, string>;
  timeoutMs: number;
}

export interface ManyAsk {
  url: string;
  headers: Record<string, string>;
  /** Each with the name of its field. */
  files: { name: string; filePath: string }[];
  fields: Record<string, string>;
  timeoutMs: number;
}

export interface Reply {
  status: number;
  headers: Record<string, string>;
  /** Parsed JSON, or text when it was none. */
  body: unknown;
}

export interface Transport {
  request(ask: Ask): Promise<Reply>;
  upload(ask: UploadAsk): Promise<Reply>;
  /** Several files in one request: all arrive or none. */
  uploadMany(ask: ManyAsk): Promise<Reply>;
  /** A file behind a login, as a path that an `<image>` can show. */
  download(ask: { url: string; headers: Record<string, string>; timeoutMs: number }): Promise<{ status: number; path: string }>;
}
