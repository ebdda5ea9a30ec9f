// What is written without a network: kept, and sent in order when it returns.
//
// An item has its own msg_id, which the server takes for the same item however often it comes. So an item whose answer
// was lost is simply sent again. Items of one order go one after the other; orders do not wait for each other.
import { newId } from "@/api/intentions";
import { problemOf, type Problem } from "@/api/problem";
import type { KeyValue } from "@/session/storage";

export type ItemKind = "chat" | "note";

export interface OutboxItem {
  msg_id: string;
  order_id: string;
  kind: ItemKind;
  /** The body of chat/send or note/append, without msg_id and order_id. */
  body: Record<string, unknown>;
  /** Pictures that are uploaded first, as the picture box keeps them. */
  pictures: string[];
  /** file_ids of those that are uploaded already. */
  uploaded: string[];
  state: "waiting" | "sending" | "refused";
  /** Why it was refused. */
  sentence: string;
  written_at: number;
}

export interface OutboxParts {
  storage: KeyValue;
  /** Send one item; resolves with the answer, rejects with Problem. */
  send: (item: OutboxItem) => Promise<unknown>;
  /** Upload one kept picture; its file_id. */
  upload: (picture: string, kind: ItemKind) => Promise<string>;
  /** The kept picture is not needed any more. */
  drop: (picture: string) => void;
  later: (run: () => void, ms: number) => void;
  now?: () => number;
}

const RETRY_MS = [2_000, 5_000, 15_000, 30_000];
const MOST_ITEMS = 200;

export class OutboxFull extends Error {}

export class Outbox {
  /** Told whenever an item appeared, changed or left. */
  onChange: () => void = () => {};
  /** Told with the server's answer to an item, right before it leaves. */
  onSent: (item: OutboxItem, answer: unknown) => void = () => {};
  private items: OutboxItem[] = [];
  private userId: string | null = null;
  /** Counts logins, so that what an earlier one began cannot touch the items of a later one. */
  private opened = 0;
  private readonly running = new Set<string>();
  private failures = 0;
  private retryPlanned = false;

  constructor(private readonly parts: OutboxParts) {}

  /** Take up what this person left, also before the app was killed. */
  open(userId: string): void {
    this.userId = userId;
    this.opened += 1;
    const kept = this.parts.storage.read<OutboxItem[]>(this.place()) ?? [];
    this.items = kept.map((item) => ({ ...item, state: item.state === "sending" ? "waiting" : item.state }));
    this.onChange();
    this.flush();
  }

  /** Nobody is logged in: nothing is sent, what is written stays on the device. */
  close(): void {
    this.userId = null;
    this.opened += 1;
    this.items = [];
    this.onChange();
  }

  /** Oldest first. */
  of(orderId: string): OutboxItem[] {
    return this.items.filter((item) => item.order_id === orderId);
  }

  get all(): readonly OutboxItem[] {
    return this.items;
  }

  /** Put something in; it is kept before this returns. Raises OutboxFull. */
  write(orderId: string, kind: ItemKind, body: Record<string, unknown>, pictures: string[] = []): OutboxItem {
    if (this.items.length >= MOST_ITEMS) throw new OutboxFull("待发送的内容太多，请先连上网络");
    const item: OutboxItem = {
      msg_id: newId(),
      order_id: orderId,
      kind,
      body,
      pictures,
      uploaded: [],
      state: "waiting",
      sentence: "",
      written_at: (this.parts.now ?? Date.now)(),
    };
    this.items.push(item);
    this.keep();
    this.flush();
    return item;
  }

  /** Send a refused item again. */
  again(msgId: string): void {
    this.change(msgId, { state: "waiting", sentence: "" });
    this.flush();
  }

  /** Throw an item away; what is on its way cannot be held back. */
  drop(msgId: string): void {
    const item = this.items.find((one) => one.msg_id === msgId && one.state !== "sending");
    if (item) this.remove(item);
  }

  /** Send what waits: the network is back, or an item was written. */
  flush(): void {
    if (this.userId === null) return;
    for (const orderId of new Set(this.items.map((item) => item.order_id))) void this.drain(orderId);
  }

  private async drain(orderId: string): Promise<void> {
    const { opened } = this;
    const name = `${opened} ${orderId}`;
    if (this.running.has(name)) return;
    this.running.add(name);
    try {
      for (;;) {
        const item = this.items.find((one) => one.order_id === orderId && one.state === "waiting");
        if (!item || this.opened !== opened) return;
        if (!(await this.deliver(item, opened))) return;
      }
    } finally {
      this.running.delete(name);
    }
  }

  /** False: the line is bad, later ones must wait, too. */
  private async deliver(item: OutboxItem, opened: number): Promise<boolean> {
    this.change(item.msg_id, { state: "sending" });
    try {
      await this.uploadPictures(item);
      const answer = await this.parts.send(this.find(item.msg_id) ?? item);
      if (this.opened !== opened) return false;
      this.failures = 0;
      this.onSent(item, answer);
      this.remove(item);
      return true;
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (this.opened !== opened) return false;
      if (mayPass(problem)) {
        this.change(item.msg_id, { state: "waiting" });
        this.planRetry(problem.retryAfterS);
        return false;
      }
      this.change(item.msg_id, { state: "refused", sentence: problem.sentence });
      return true;
    }
  }

  private async uploadPictures(item: OutboxItem): Promise<void> {
    for (const picture of item.pictures.slice(item.uploaded.length)) {
      const fileId = await this.parts.upload(picture, item.kind);
      const held = this.find(item.msg_id);
      if (held) this.change(item.msg_id, { uploaded: [...held.uploaded, fileId] });
    }
  }

  private planRetry(retryAfterS: number): void {
    if (this.retryPlanned) return;
    this.retryPlanned = true;
    const ms = Math.max(RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)], retryAfterS * 1000);
    this.failures += 1;
    this.parts.later(() => {
      this.retryPlanned = false;
      this.flush();
    }, ms);
  }

  private find(msgId: string): OutboxItem | undefined {
    return this.items.find((one) => one.msg_id === msgId);
  }

  private change(msgId: string, changes: Partial<OutboxItem>): void {
    this.items = this.items.map((one) => (one.msg_id === msgId ? { ...one, ...changes } : one));
    this.keep();
  }

  private remove(item: OutboxItem): void {
    this.items = this.items.filter((one) => one.msg_id !== item.msg_id);
    this.keep();
    for (const picture of item.pictures) this.parts.drop(picture);
  }

  private keep(): void {
    if (this.userId !== null) this.parts.storage.write(this.place(), this.items);
    this.onChange();
  }

  private place(): string {
    return `peihu.outbox.${this.userId}`;
  }
}

/** Worth another try as it is: no network, a busy server, a login that is being renewed. */
function mayPass(problem: Problem): boolean {
  return problem.isUnsettled || problem.status === 429 || problem.status === 401;
}
