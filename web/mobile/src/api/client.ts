// The API for pages: typed calls with login, keys, deadlines and repetition.
//
// A GET and a keyed POST are repeated by themselves when their answer got lost. Posts below /api/user/ carry no key, so
// a person decides about those.
import { opened } from "./envelope";
import type { Intentions } from "./intentions";
import { Problem, problemOf } from "./problem";
import type { Reply, Transport } from "./transport";
import type { AnswerOf, BodyOf, GetPath, PostPath, QueryOf } from "./types";

const CALL_MS = 10_000;
const UPLOAD_MS = 60_000;
const PAUSES_MS = [400, 1_500];
const LONGEST_RETRY_AFTER_S = 2;

/** Who is logged in, as the client needs it. */
export interface Bearer {
  access(): string | null;
  /** A newer token than `stale`, one refresh at a time. Rejects when the login has ended. */
  renew(stale: string): Promise<string>;
}

export interface ClientParts {
  transport: Transport;
  baseUrl: string;
  bearer: Bearer;
  intentions: Intentions;
  pause: (ms: number) => Promise<void>;
}

// What the server answers without a login; every other question would only be refused.
const OPEN = ["/api/user/", "/api/catalog"];

type Attempt = (headers: Record<string, string>) => Promise<Reply>;

export class ApiClient {
  constructor(private readonly parts: ClientParts) {}

  async get<P extends GetPath>(path: P, ...[query]: undefined extends QueryOf<P> ? [QueryOf<P>?] : [QueryOf<P>]): Promise<AnswerOf<"GET", P>> {
    this.requireLogin(path);
    const url = this.url(path) + queryText(query as Record<string, unknown> | undefined);
    const attempt: Attempt = (headers) => this.parts.transport.request({ method: "GET", url, headers, timeoutMs: CALL_MS });
    return (await this.repeated(() => this.authorized(attempt))) as AnswerOf<"GET", P>;
  }

  async post<P extends PostPath>(path: P, body: BodyOf<P>): Promise<AnswerOf<"POST", P>> {
    this.requireLogin(path);
    const text = JSON.stringify(body);
    const send = (key: string | null): Promise<unknown> =>
      this.authorized((login) => {
        const headers: Record<string, string> = { ...login, "Content-Type": "application/json" };
        if (key) headers["Idempotency-Key"] = key;
        return this.parts.transport.request({ method: "POST", url: this.url(path), headers, body: text, timeoutMs: CALL_MS });
      });
    if (path.startsWith("/api/user/")) return (await send(null)) as AnswerOf<"POST", P>;

    const { intentions } = this.parts;
    const key = intentions.keyFor(path, text);
    try {
      const data = await this.repeated(() => send(key));
      intentions.settle(path, text);
      return data as AnswerOf<"POST", P>;
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem.isUnsettled) intentions.leaveOpen(path, text, key);
      else intentions.settle(path, text);
      throw problem;
    }
  }

  /** A picture or recording; a second try stores a second file, so nothing is repeated by itself. */
  async upload<P extends PostPath>(path: P, file: { filePath: string; name: string }, fields: Record<string, string>): Promise<AnswerOf<"POST", P>> {
    const attempt: Attempt = (headers) =>
      this.parts.transport.upload({ url: this.url(path), headers, ...file, fields, timeoutMs: UPLOAD_MS });
    return (await this.authorized(attempt)) as AnswerOf<"POST", P>;
  }

  /** Several files that belong together, in one request. */
  async uploadMany<P extends PostPath>(path: P, files: { name: string; filePath: string }[], fields: Record<string, string>): Promise<AnswerOf<"POST", P>> {
    const attempt: Attempt = (headers) => this.parts.transport.uploadMany({ url: this.url(path), headers, files, fields, timeoutMs: UPLOAD_MS });
    return (await this.authorized(attempt)) as AnswerOf<"POST", P>;
  }

  /** The path of a private file (`/api/file/<id>`), to be shown by an `<image>`. */
  async fileOf(fileId: string): Promise<string> {
    const url = this.url(`/api/file/${fileId}`);
    let path = "";
    await this.authorized(async (headers) => {
      const answer = await this.parts.transport.download({ url, headers, timeoutMs: UPLOAD_MS });
      path = answer.path;
      const code = answer.status === 200 ? "ok" : answer.status === 401 ? "token_expired" : "not_found";
      return { status: answer.status, headers: {}, body: { code, message: "", data: null } };
    });
    return path;
  }

  /** An address from an answer (`photo_url`) as a whole one. */
  url(path: string): string {
    return this.parts.baseUrl + path;
  }

  private requireLogin(path: string): void {
    if (this.parts.bearer.access() !== null || OPEN.some((open) => path.startsWith(open))) return;
    throw new Problem({ code: "unauthorized", sentence: "请先登录", status: 401 });
  }

  private async authorized(attempt: Attempt): Promise<unknown> {
    const token = this.parts.bearer.access();
    try {
      return opened(await attempt(bearerHeader(token)));
    } catch (thrown) {
      const expired = thrown instanceof Problem && thrown.status === 401 && thrown.code === "token_expired";
      if (!expired || token === null) throw thrown;
      return opened(await attempt(bearerHeader(await this.parts.bearer.renew(token))));
    }
  }

  private async repeated(run: () => Promise<unknown>): Promise<unknown> {
    for (const pauseMs of PAUSES_MS) {
      try {
        return await run();
      } catch (thrown) {
        const problem = problemOf(thrown);
        const tooLong = problem.retryAfterS > LONGEST_RETRY_AFTER_S;
        if (!problem.isUnsettled || problem.code === "internal" || tooLong) throw problem;
        await this.parts.pause(Math.max(pauseMs, problem.retryAfterS * 1000));
      }
    }
    return run();
  }
}

function bearerHeader(token: string | null): Record<string, string> {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/** `?a=1&b=2`; lists repeat their name, what is undefined or null is left out. */
export function queryText(query: Record<string, unknown> | undefined): string {
  const pairs: string[] = [];
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null) pairs.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(one))}`);
    }
  }
  return pairs.length ? `?${pairs.join("&")}` : "";
}
