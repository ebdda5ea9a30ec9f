// Notices: the newest of them and how many are unread.
import { defineStore } from "pinia";
import { ref } from "vue";

import type { Notice } from "@/api/answers";
import { problemOf, type Problem } from "@/api/problem";
import { useHouse } from "@/house";

export const useNotices = defineStore("notices", () => {
  const house = useHouse();
  const items = ref<Notice[]>([]);
  const unread = ref(0);
  const cursor = ref<string | null>(null);
  const isLoaded = ref(false);
  const problem = ref<Problem | null>(null);

  house.line.onUserEvent("notice", ({ data }) => {
    if (items.value.some((item) => item.message_id === data.message_id)) return;
    items.value = [data, ...items.value];
    unread.value += 1;
  });
  house.line.onGap(() => void refresh());

  async function refresh(): Promise<void> {
    try {
      const page = await house.api.get("/api/message/list", { limit: 20 });
      items.value = page.items;
      unread.value = page.unread_count;
      cursor.value = page.next_cursor;
      isLoaded.value = true;
      problem.value = null;
    } catch (thrown) {
      problem.value = problemOf(thrown);
    }
  }

  async function more(): Promise<void> {
    if (!cursor.value) return;
    const page = await house.api.get("/api/message/list", { limit: 20, cursor: cursor.value });
    const known = new Set(items.value.map((item) => item.message_id));
    items.value = [...items.value, ...page.items.filter((item) => !known.has(item.message_id))];
    cursor.value = page.next_cursor;
  }

  async function read(messageIds: string[] | "all"): Promise<void> {
    const body = messageIds === "all" ? { all: true as const } : { message_ids: messageIds };
    const answer = await house.api.post("/api/message/read", body);
    unread.value = answer.unread_count;
    const now = new Date(house.clock.now()).toISOString();
    items.value = items.value.map((item) =>
      item.read_at || (messageIds !== "all" && !messageIds.includes(item.message_id)) ? item : { ...item, read_at: now },
    );
  }

  function $reset(): void {
    items.value = [];
    unread.value = 0;
    cursor.value = null;
    isLoaded.value = false;
    problem.value = null;
  }

  return { items, unread, cursor, isLoaded, problem, refresh, more, read, $reset };
});
