// What a page shows: loading, there, or a problem with a way out.
import { reactive, ref, type Ref } from "vue";

import { problemOf, type Problem } from "@/api/problem";

export interface Load<T> {
  /** The newest that came; kept while it is fetched again. */
  data: T | null;
  /** Nothing is there yet and something is on its way. */
  isLoading: boolean;
  /** Set only while there is nothing to show. */
  problem: Problem | null;
  /** Fetch; of several at once the last one asked for counts. */
  refresh: () => Promise<void>;
}

export function useLoad<T>(fetch: () => Promise<T>): Load<T> {
  const asked: Ref<number> = ref(0);
  const load = reactive({
    data: null as T | null,
    isLoading: true,
    problem: null as Problem | null,
    async refresh(): Promise<void> {
      asked.value += 1;
      const mine = asked.value;
      load.isLoading = load.data === null;
      load.problem = null;
      try {
        const data = await fetch();
        if (mine === asked.value) load.data = data as typeof load.data;
      } catch (thrown) {
        // Old news are better than none: a failed refresh keeps what is shown.
        if (mine === asked.value && load.data === null) load.problem = problemOf(thrown);
      } finally {
        if (mine === asked.value) load.isLoading = false;
      }
    },
  });
  return load as Load<T>;
}
