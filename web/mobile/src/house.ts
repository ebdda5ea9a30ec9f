// The composition root: everything that exists once in the app, built here and nowhere else.
//
// Tests build their own house with a small fake transport and a fake socket; no part of ours is replaced.
import { ApiClient } from "./api/client";
import { opened } from "./api/envelope";
import { Intentions, newId } from "./api/intentions";
import type { Transport } from "./api/transport";
import { Line } from "./live/line";
import { Outbox, type ItemKind, type OutboxItem } from "./outbox/outbox";
import type { PictureBox } from "./outbox/pictureBox";
import { Logins } from "./session/logins";
import type { KeyValue } from "./session/storage";
import { Clock } from "./time/clock";

export interface Ports {
  transport: Transport;
  device: KeyValue;
  tab: KeyValue;
  pictures: PictureBox;
  /** Scheme and host of the server; on H5 the origin of the page. */
  baseUrl: string;
  socketUrl: string;
  websocket?: unknown;
  network?: unknown;
  pause?: (ms: number) => Promise<void>;
  later?: (run: () => void, ms: number) => void;
}

export class House {
  readonly clock = new Clock();
  readonly logins: Logins;
  readonly api: ApiClient;
  readonly line: Line;
  readonly outbox: Outbox;
  readonly device: KeyValue;
  readonly pictures: PictureBox;
  private readonly transport: Transport;
  private readonly baseUrl: string;
  private sandbox: boolean | null = null;

  constructor(ports: Ports) {
    const pause = ports.pause ?? ((ms) => new Promise<void>((resolve) => setTimeout(resolve, ms)));
    const { transport, baseUrl, device, tab } = ports;
    this.device = device;
    this.pictures = ports.pictures;
    this.transport = transport;
    this.baseUrl = baseUrl;
    this.logins = new Logins({ transport, baseUrl, device, tab, pause });
    this.api = new ApiClient({ transport, baseUrl, bearer: this.logins, intentions: new Intentions(newId), pause });
    this.line = new Line({
      url: ports.socketUrl,
      bearer: this.logins,
      websocket: ports.websocket,
      network: ports.network,
      heard: (at) => this.clock.hear(at),
      ended: (sentence) => this.logins.end(sentence),
    });
    this.outbox = new Outbox({
      storage: device,
      send: (item) => this.sendItem(item),
      upload: (picture, kind) => this.uploadPicture(picture, kind),
      drop: (picture) => ports.pictures.drop(picture),
      later: ports.later ?? ((run, ms) => setTimeout(run, ms)),
      now: () => this.clock.now(),
    });
  }

  /** The demo accounts, or null where there is no sandbox. */
  async demoAccounts(): Promise<DemoAccount[] | null> {
    const answer = await this.transport.request({
      method: "GET",
      url: `${this.baseUrl}/sandbox/accounts`,
      headers: {},
      timeoutMs: 5_000,
    });
    const body = answer.body as { code?: string; data?: DemoAccount[] };
    return body?.code === "ok" ? body.data ?? null : null;
  }

  /** Whether this server plays: no money moves, and a payer's tap can be acted. */
  async isSandbox(): Promise<boolean> {
    this.sandbox ??= (await this.demoAccounts()) !== null;
    return this.sandbox;
  }

  /** The payer's tap, acted. Only a sandbox has this door. */
  async actPayer(paymentId: string, result: "approve" | "decline"): Promise<void> {
    const answer = await this.transport.request({
      method: "POST",
      url: `${this.baseUrl}/sandbox/pay`,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ payment_id: paymentId, result }),
      timeoutMs: 5_000,
    });
    opened(answer);
  }

  private sendItem(item: OutboxItem): Promise<unknown> {
    const common = { ...item.body, order_id: item.order_id, msg_id: item.msg_id };
    // The bodies were typed where they were written (stores/outbox.ts); here they come back from storage.
    if (item.kind === "note") {
      return this.api.post("/api/note/append", (item.uploaded.length ? { ...common, file_ids: item.uploaded } : common) as never);
    }
    return this.api.post("/api/chat/send", (item.uploaded.length ? { ...common, file_id: item.uploaded[0] } : common) as never);
  }

  private async uploadPicture(picture: string, kind: ItemKind): Promise<string> {
    const filePath = await this.pictures.open(picture);
    const answer = await this.api.upload("/api/file/upload", { filePath, name: "file" }, { purpose: kind });
    return answer.file_id;
  }
}

export interface DemoAccount {
  user_id: string;
  user_type: "patient" | "caregiver" | "admin";
  name: string;
  phone: string;
  password: string;
}

let built: House | null = null;

export function moveIn(house: House): House {
  built = house;
  return house;
}

/** The house of this app; main.ts builds it before any page exists. */
export function useHouse(): House {
  if (!built) throw new Error("nothing is built yet");
  return built;
}
