// Calls of the administrator's API: login, keys and repetition are its business.
import { Problem } from "./problem";
import type { Session } from "./session";

const WITHIN_MS = 15_000;
const PAUSES_MS = [500, 1_500];

export type Query = Record<string, string | number | boolean | null | undefined>;

interface Envelope {
  code: string;
  message: string;
  data: unknown;
  errors?: { field: string; code: string; message: string }[];
}

export class Client {
  /** What was tapped and has no answer yet keeps its key, so that a second tap is the same intention. */
  private readonly open = new Map<string, string>();

  constructor(
    private readonly session: () => Session,
    private readonly fetchIt: typeof fetch = (...asked) => fetch(...asked),
    private readonly pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms)),
  ) {}

  get<T>(path: string, query: Query = {}): Promise<T> {
    return this.repeated(() => this.authorized((token) => this.send<T>("GET", path + queryText(query), token)));
  }

  async post<T>(path: string, body: object): Promise<T> {
    const text = JSON.stringify(body);
    const intention = `${path} ${text}`;
    const key = this.open.get(intention) ?? crypto.randomUUID();
    this.open.set(intention, key);
    try {
      const data = await this.repeated(() => this.authorized((token) => this.send<T>("POST", path, token, text, key)));
      this.open.delete(intention);
      return data;
    } catch (thrown) {
      if (thrown instanceof Problem && !thrown.isUnsettled) this.open.delete(intention);
      throw thrown;
    }
  }

  /** Without a login, and never repeated: accounts' own calls take no key. */
  ask<T>(path: string, body: object): Promise<T> {
    return this.send<T>("POST", path, null, JSON.stringify(body));
  }

  /** What the sandbox offers; null where there is none. */
  async lookUp<T>(path: string): Promise<T | null> {
    try {
      return await this.send<T>("GET", path, null);
    } catch {
      return null;
    }
  }

  private async authorized<T>(attempt: (token: string | null) => Promise<T>): Promise<T> {
    const token = this.session().login?.token ?? null;
    try {
      return await attempt(token);
    } catch (thrown) {
      if (!(thrown instanceof Problem) || thrown.status !== 401 || token === null) throw thrown;
      if (thrown.code !== "token_expired") {
        this.session().end();
        throw thrown;
      }
      return attempt(await this.session().renewed(token));
    }
  }

  private async repeated<T>(run: () => Promise<T>): Promise<T> {
    for (const pauseMs of PAUSES_MS) {
      try {
        return await run();
      } catch (thrown) {
        if (!(thrown instanceof Problem) || !thrown.isUnsettled || thrown.code === "internal") throw thrown;
        await this.pause(pauseMs);
      }
    }
    return run();
  }

  private async send<T>(method: string, path: string, token: string | null, body?: string, key?: string): Promise<T> {
    const headers: Record<string, string> = {};
    if (token) headers["Authorization"] = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    const init: RequestInit = { method, headers, signal: AbortSignal.timeout(WITHIN_MS) };
    const answer = await this.reached(path, body === undefined ? init : { ...init, body });
    const told = (await answer.json().catch(() => null)) as Envelope | null;
    if (told === null) throw new Problem("unreadable", "服务暂时不可用，请稍后再试", answer.status || 502);
    if (!answer.ok) throw new Problem(told.code, told.message, answer.status, told.data, told.errors);
    return told.data as T;
  }

  private async reached(path: string, init: RequestInit): Promise<Response> {
    try {
      return await this.fetchIt(path, init);
    } catch {
      throw new Problem("offline", "没有连上服务器，请检查网络后重试");
    }
  }
}

/** `?a=1`; what is empty is left out. */
export function queryText(query: Query): string {
  const pairs = Object.entries(query)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`);
  return pairs.length ? `?${pairs.join("&")}` : "";
}
