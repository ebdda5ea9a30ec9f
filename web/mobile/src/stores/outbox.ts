// What waits to be sent, for pages: the outbox as reactive state.
import { defineStore } from "pinia";
import { ref } from "vue";

import type { Vitals } from "@/api/answers";
import { useHouse } from "@/house";
import type { OutboxItem } from "@/outbox/outbox";

export interface NoteDraft {
  kind: "measure" | "condition" | "vital" | "milestone";
  text?: string;
  vitals?: Vitals;
  corrects?: string;
}

export const useOutbox = defineStore("outbox", () => {
  const house = useHouse();
  const items = ref<OutboxItem[]>([...house.outbox.all]);
  house.outbox.onChange = () => {
    items.value = [...house.outbox.all];
  };

  function of(orderId: string): OutboxItem[] {
    return items.value.filter((item) => item.order_id === orderId);
  }

  function say(orderId: string, text: string): OutboxItem {
    return house.outbox.write(orderId, "chat", { kind: "text", text });
  }

  async function showPicture(orderId: string, path: string): Promise<OutboxItem> {
    const kept = await house.pictures.keep(path);
    return house.outbox.write(orderId, "chat", { kind: "image" }, [kept]);
  }

  /** The note keeps the instant at which it was written, however late it arrives. */
  async function note(orderId: string, draft: NoteDraft, picturePaths: string[] = []): Promise<OutboxItem> {
    const recorded_at = new Date(house.clock.now()).toISOString();
    const kept = await Promise.all(picturePaths.map((path) => house.pictures.keep(path)));
    return house.outbox.write(orderId, "note", { ...draft, recorded_at }, kept);
  }

  return {
    items,
    of,
    say,
    showPicture,
    note,
    again: (msgId: string) => house.outbox.again(msgId),
    drop: (msgId: string) => house.outbox.drop(msgId),
  };
});
