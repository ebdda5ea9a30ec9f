// The price of what is in the form: asked for whenever the form changes, and again before it runs out.
import { onUnmounted, reactive, watch, type ComputedRef } from "vue";

import type { Quote } from "@/api/answers";
import { problemOf, type Problem } from "@/api/problem";
import { useHouse } from "@/house";
import type { Wish } from "./wish";

const PAUSE_MS = 350; // taps come in threes
const BEFORE_END_MS = 20_000;

export interface QuoteUse {
  quote: Quote | null;
  isAsking: boolean;
  problem: Problem | null;
  again: () => void;
}

export function useQuote(wish: ComputedRef<Wish | null>): QuoteUse {
  const { api, clock } = useHouse();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;

  async function ask(): Promise<void> {
    const body = wish.value;
    asked += 1;
    const mine = asked;
    if (!body) return;
    try {
      const quote = await api.post("/api/order/quote", body);
      if (mine !== asked) return;
      use.quote = quote;
      clearTimeout(timer);
      timer = setTimeout(use.again, Math.max(5_000, Date.parse(quote.valid_until) - clock.now() - BEFORE_END_MS));
    } catch (thrown) {
      if (mine === asked) use.problem = problemOf(thrown);
    } finally {
      if (mine === asked) use.isAsking = false;
    }
  }

  const use: QuoteUse = reactive({
    quote: null,
    isAsking: false,
    problem: null,
    again(): void {
      clearTimeout(timer);
      asked += 1;
      use.quote = null;
      use.problem = null;
      use.isAsking = wish.value !== null;
      timer = setTimeout(() => void ask(), PAUSE_MS);
    },
  });
  watch(() => JSON.stringify(wish.value), use.again, { immediate: true });
  onUnmounted(() => clearTimeout(timer));
  return use;
}
