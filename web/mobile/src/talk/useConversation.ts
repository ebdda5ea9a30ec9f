// The messages of an order: history by REST, then live; who wrote them, and how far everybody has read.
import { reactive } from "vue";

import type { ChatMessage, Speaker } from "@/api/answers";
import { problemOf, type Problem } from "@/api/problem";
import { useHouse } from "@/house";
import type { OrderChannelUse } from "@/live/useLive";
import { useSession } from "@/stores/session";
import { merged, rejoined } from "./conversation";

const PAGE_SIZE = 30;

export interface ConversationUse {
  messages: ChatMessage[];
  isLoading: boolean;
  problem: Problem | null;
  hasOlder: boolean;
  isFetchingOlder: boolean;
  /** The furthest that anybody else has read. */
  readUpTo: number;
  /** Who wrote, by account. */
  people: Record<string, Speaker>;
  refresh: () => Promise<void>;
  older: () => Promise<void>;
  /** Everything that is there was seen by this person. */
  markRead: () => void;
}

export function useConversation(orderId: string): ConversationUse & { follow: (channel: OrderChannelUse) => void } {
  const { api } = useHouse();
  const me = useSession().user?.user_id ?? "";
  const reads = new Map<string, number>();

  function takeReads(more: { user_id: string; offset: number }[]): void {
    for (const { user_id, offset } of more) reads.set(user_id, Math.max(offset, reads.get(user_id) ?? 0));
    use.readUpTo = Math.max(0, ...[...reads].filter(([user]) => user !== me).map(([, offset]) => offset));
  }

  function takePeople(more: Speaker[]): void {
    for (const one of more) use.people[one.user_id] = one;
  }

  const use = reactive({
    messages: [] as ChatMessage[],
    isLoading: true,
    problem: null as Problem | null,
    hasOlder: false,
    isFetchingOlder: false,
    readUpTo: 0,
    people: {} as Record<string, Speaker>,

    async refresh(): Promise<void> {
      use.problem = null;
      try {
        const page = await api.get("/api/chat/history", { order_id: orderId, limit: PAGE_SIZE });
        const first = use.messages[0]?.offset;
        use.messages = rejoined(use.messages, page.items, page.next_cursor !== null);
        if (use.messages[0]?.offset !== first || first === undefined) use.hasOlder = page.next_cursor !== null;
        takeReads(page.reads);
        takePeople(page.people);
      } catch (thrown) {
        if (!use.messages.length) use.problem = problemOf(thrown);
      } finally {
        use.isLoading = false;
      }
    },

    async older(): Promise<void> {
      const first = use.messages[0];
      if (!first || !use.hasOlder || use.isFetchingOlder) return;
      use.isFetchingOlder = true;
      try {
        const page = await api.get("/api/chat/history", { order_id: orderId, limit: PAGE_SIZE, before: first.offset });
        use.messages = merged(use.messages, page.items);
        use.hasOlder = page.next_cursor !== null;
        takeReads(page.reads);
        takePeople(page.people);
      } catch {
        // The next pull tries again; what is shown stays.
      } finally {
        use.isFetchingOlder = false;
      }
    },

    markRead(): void {
      const last = [...use.messages].reverse().find((message) => message.sender_id !== me);
      if (!last || last.offset <= (reads.get(me) ?? 0)) return;
      reads.set(me, last.offset);
      // Lost without harm: the next message or the next look marks it again.
      api.post("/api/chat/read", { order_id: orderId, offset: last.offset }).catch(() => reads.delete(me));
    },

    follow(channel: OrderChannelUse): void {
      channel.on("chat.message", ({ data, offset }) => {
        use.messages = merged(use.messages, [{ ...data, offset }]);
        // Events name nobody: what one may read of a name depends on who asks.
        if (data.sender_id !== me && !use.people[data.sender_id]) void use.refresh();
      });
      channel.on("chat.read", ({ data }) => takeReads([data]));
    },
  });
  return use;
}
