// The ports of a house that lives in memory: storage, a transport that answers from a table, a socket server.
import type { Ask, ManyAsk, Reply, Transport, UploadAsk } from "@/api/transport";
import { House } from "@/house";
import type { KeyValue } from "@/session/storage";
import type { PictureBox } from "@/outbox/pictureBox";

export class MemoryStorage implements KeyValue {
  readonly texts = new Map<string, string>();
  read<T>(key: string): T | null {
    const text = this.texts.get(key);
    return text === undefined ? null : (JSON.parse(text) as T);
  }
  write(key: string, value: unknown): void {
    this.texts.set(key, JSON.stringify(value));
  }
  remove(key: string): void {
    this.texts.delete(key);
  }
}

export function ok(data: unknown, status = 200): Reply {
  return { status, headers: {}, body: { code: "ok", message: "成功", data } };
}

export function refused(status: number, code: string, more: Record<string, unknown> = {}, headers = {}): Reply {
  return { status, headers, body: { code, message: `${code} 的说明`, data: null, ...more } };
}

type Answer = Reply | Error | ((ask: Ask) => Reply | Error | Promise<Reply>);

/** Answers each path from its queue; the last answer of a queue stays. */
export class TableTransport implements Transport {
  readonly asked: Ask[] = [];
  readonly uploads: UploadAsk[] = [];
  private readonly table = new Map<string, Answer[]>();

  on(path: string, ...answers: Answer[]): this {
    this.table.set(path, answers);
    return this;
  }

  to(path: string): Ask[] {
    return this.asked.filter((ask) => new URL(ask.url).pathname === path);
  }

  async request(ask: Ask): Promise<Reply> {
    this.asked.push(ask);
    const { pathname } = new URL(ask.url);
    const queue = this.table.get(pathname);
    if (!queue) throw new Error(`nobody answers ${pathname}`);
    const answer = queue.length > 1 ? (queue.shift() as Answer) : queue[0];
    const given = typeof answer === "function" ? await answer(ask) : answer;
    if (given instanceof Error) throw given;
    return given;
  }

  async uploadMany(ask: ManyAsk): Promise<Reply> {
    return this.request({ method: "POST", url: ask.url, headers: ask.headers, timeoutMs: ask.timeoutMs });
  }

  async upload(ask: UploadAsk): Promise<Reply> {
    this.uploads.push(ask);
    return this.request({ method: "POST", url: ask.url, headers: ask.headers, timeoutMs: ask.timeoutMs });
  }

  async download(): Promise<{ status: number; path: string }> {
    return { status: 200, path: "file" };
  }
}

export const pictures: PictureBox = { keep: async (path) => `kept ${path}`, open: async (name) => name, drop: () => {} };

export const USER = { user_id: "u1", username: "张敏", user_type: "patient", user_type_text: "患者家属", phone_masked: "199****0101" } as const;

export function loginAnswer(token = "t1"): { user: typeof USER; token: string; refresh_token: string; expires_in: number } {
  return { user: USER, token, refresh_token: `r-${token}`, expires_in: 900 };
}

interface Furnished {
  transport?: TableTransport;
  device?: MemoryStorage;
  tab?: MemoryStorage;
  websocket?: unknown;
  later?: (run: () => void, ms: number) => void;
}

export function furnished(parts: Furnished = {}): House & { transportForTests: TableTransport } {
  const transport = parts.transport ?? new TableTransport();
  const house = new House({
    transport,
    device: parts.device ?? new MemoryStorage(),
    tab: parts.tab ?? new MemoryStorage(),
    pictures,
    baseUrl: "http://server",
    socketUrl: "ws://server/connection/websocket",
    websocket: parts.websocket,
    network: new EventTarget(),
    pause: async () => {},
    later: parts.later ?? (() => {}),
  });
  return Object.assign(house, { transportForTests: transport });
}

/** Let everything that is ready to run do so. */
export async function settled(): Promise<void> {
  for (let at = 0; at < 20; at += 1) await new Promise((resolve) => setImmediate(resolve));
}
