// One thing that is read, with its problem; the newest question wins.
import { ref, shallowRef } from "vue";

import { type Problem, problemOf } from "../api/problem";

export function useRead<T, A extends unknown[]>(read: (...asked: A) => Promise<T>) {
  const data = shallowRef<T | null>(null);
  const problem = shallowRef<Problem | null>(null);
  const isLoading = ref(false);
  let turn = 0;

  async function load(...asked: A): Promise<void> {
    const mine = ++turn;
    isLoading.value = true;
    try {
      const found = await read(...asked);
      if (mine !== turn) return;
      data.value = found;
      problem.value = null;
    } catch (thrown) {
      if (mine === turn) problem.value = problemOf(thrown);
    } finally {
      if (mine === turn) isLoading.value = false;
    }
  }

  function clear(): void {
    turn += 1;
    data.value = null;
    problem.value = null;
  }

  return { data, problem, isLoading, load, clear };
}
