// How many messages of an order wait to be read.
import { reactive } from "vue";

import { useHouse } from "@/house";
import { onGap, type OrderChannelUse } from "@/live/useLive";
import { useSession } from "@/stores/session";

const LOOKED_AT = 50;

export interface UnreadUse {
  count: number;
  refresh: () => Promise<void>;
}

export function useUnread(orderId: string, channel: OrderChannelUse | null): UnreadUse {
  const { api } = useHouse();
  const session = useSession();
  const me = session.user?.user_id ?? "";
  const use: UnreadUse = reactive({
    count: 0,
    async refresh(): Promise<void> {
      const page = await api.get("/api/chat/history", { order_id: orderId, limit: LOOKED_AT }).catch(() => null);
      if (!page) return; // the number comes with the next event
      const read = page.reads.find((one) => one.user_id === me)?.offset ?? 0;
      use.count = page.items.filter((message) => message.sender_id !== me && message.offset > read).length;
    },
  });
  channel?.on("chat.message", ({ data }) => {
    if (data.sender_id !== me) use.count += 1;
  });
  channel?.on("chat.read", ({ data }) => {
    if (data.user_id === me) void use.refresh();
  });
  onGap(() => void use.refresh());
  void use.refresh();
  return use;
}
