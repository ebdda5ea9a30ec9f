// The notes of an order: all of them by REST, then each as it comes.
import { reactive } from "vue";

import type { ServiceNote } from "@/api/answers";
import { useHouse } from "@/house";
import { useLoad, type Load } from "@/kit/useLoad";
import { withNote, type Note } from "./timeline";

const AT_ONCE = 100;

export interface NotesUse {
  load: Load<Note[]>;
  /** From the event `note.added`. */
  take: (note: Note) => void;
}

export function useNotes(orderId: string): NotesUse {
  const { api } = useHouse();
  const load: Load<Note[]> = useLoad<Note[]>(async () => {
    const found: ServiceNote[] = [];
    let cursor: string | null = null;
    do {
      const page: { items: ServiceNote[]; next_cursor: string | null } = await api.get("/api/note/list", { order_id: orderId, limit: AT_ONCE, cursor: cursor === null ? undefined : Number(cursor) });
      found.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== null);
    // What came live while this was on its way may be newer than the answer.
    return (load.data ?? []).reduce(withNote, found as Note[]);
  });
  return reactive({
    load,
    take(note: Note): void {
      load.data = withNote(load.data ?? [], note);
    },
  }) as NotesUse;
}
