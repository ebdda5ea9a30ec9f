// A list that grows by its cursor; what was asked last is what is shown.
import { ref, shallowRef } from "vue";

import type { Page } from "../api/answers";
import type { Query } from "../api/client";
import { type Problem, problemOf } from "../api/problem";
import { api } from "../house";

export function usePages<T>(path: string, query: () => Query) {
  const items = shallowRef<T[]>([]);
  const problem = shallowRef<Problem | null>(null);
  const isLoading = ref(false);
  const cursor = ref<string | null>(null);
  let asked = 0;

  async function load(from: string | null): Promise<void> {
    const turn = ++asked;
    isLoading.value = true;
    try {
      const page = await api.get<Page<T>>(path, { ...query(), cursor: from });
      if (turn !== asked) return;
      items.value = from === null ? page.items : [...items.value, ...page.items];
      cursor.value = page.next_cursor;
      problem.value = null;
    } catch (thrown) {
      if (turn === asked) problem.value = problemOf(thrown);
    } finally {
      if (turn === asked) isLoading.value = false;
    }
  }

  return { items, problem, isLoading, cursor, refresh: () => load(null), more: () => load(cursor.value) };
}
