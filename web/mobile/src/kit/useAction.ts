// What a tap starts: once at a time, with its problem in words.
import { reactive } from "vue";

import { problemOf, type Problem } from "@/api/problem";

export interface Action<A extends unknown[]> {
  isBusy: boolean;
  problem: Problem | null;
  /** Runs unless it runs already; true when it went well. */
  run: (...given: A) => Promise<boolean>;
}

export function useAction<A extends unknown[]>(work: (...given: A) => Promise<unknown>): Action<A> {
  const action = reactive({
    isBusy: false,
    problem: null as Problem | null,
    async run(...given: A): Promise<boolean> {
      if (action.isBusy) return false; // a double tap is one tap
      action.isBusy = true;
      action.problem = null;
      try {
        await work(...given);
        return true;
      } catch (thrown) {
        action.problem = problemOf(thrown);
        return false;
      } finally {
        action.isBusy = false;
      }
    },
  });
  return action as Action<A>;
}
