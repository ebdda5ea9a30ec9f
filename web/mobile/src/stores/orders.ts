// Orders that were seen: the newest version of each, kept true by events.
import { defineStore } from "pinia";
import { ref } from "vue";

import type { Order } from "@/api/answers";
import type { EventData } from "@/live/events";
import { useHouse } from "@/house";

export const useOrders = defineStore("orders", () => {
  const house = useHouse();
  const byId = ref<Record<string, Order>>({});
  /** Rises with every change of any order that the live line told of; lists watch it and fetch again. */
  const changes = ref(0);

  house.line.onUserEvent("order.status", ({ data }) => hear(data));
  house.line.onGap(() => {
    changes.value += 1;
  });

  /** What REST answered; an older version than the one known changes nothing. */
  function put(order: Order): Order {
    const known = byId.value[order.order_id];
    if (known && known.version > order.version) return known;
    byId.value = { ...byId.value, [order.order_id]: order };
    return order;
  }

  /** An event says status and version only; the rest is fetched when somebody looks. */
  function hear(news: EventData["order.status"]): void {
    const known = byId.value[news.order_id];
    if (known && known.version >= news.version) return;
    if (known) {
      const { status, status_text, version, finished_at } = news;
      byId.value = { ...byId.value, [news.order_id]: { ...known, status, status_text, version, finished_at } };
    }
    changes.value += 1;
  }

  async function fetch(orderId: string): Promise<Order> {
    return put(await house.api.get("/api/order/detail", { order_id: orderId }));
  }

  async function list(status?: Order["status"], cursor?: string): Promise<{ items: Order[]; next_cursor: string | null }> {
    const page = await house.api.get("/api/order/list", { limit: 20, status, cursor });
    return { items: page.items.map(put), next_cursor: page.next_cursor };
  }

  function $reset(): void {
    byId.value = {};
    changes.value = 0;
  }

  return { byId, changes, put, hear, fetch, list, $reset };
});
