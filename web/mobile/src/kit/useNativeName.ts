// On H5, uni-app puts its own element around the native input and leaves the name outside.
import { getCurrentInstance, onMounted } from "vue";

/** Names the native `<input>` or `<textarea>` inside this component, for screen readers and password keepers. */
export function useNativeName(label: () => string, autocomplete?: () => string): void {
  // #ifdef H5
  const instance = getCurrentInstance();
  onMounted(() => {
    const root = instance?.proxy?.$el as HTMLElement | undefined;
    const native = root?.querySelector("input, textarea");
    native?.setAttribute("aria-label", label());
    if (autocomplete) native?.setAttribute("autocomplete", autocomplete());
  });
  // #endif
}
