// Whether the window is as narrow as a phone; what is in columns then stands in one.
import { onUnmounted, ref } from "vue";

const NARROW = "(max-width: 600px)";

export function useNarrow() {
  const query = window.matchMedia(NARROW);
  const isNarrow = ref(query.matches);
  const tell = (event: MediaQueryListEvent): void => void (isNarrow.value = event.matches);
  query.addEventListener("change", tell);
  onUnmounted(() => query.removeEventListener("change", tell));
  return isNarrow;
}
