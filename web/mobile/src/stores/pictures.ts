// Private pictures that were fetched: each once, however many places show it.
import { defineStore } from "pinia";

import { useHouse } from "@/house";

const KEPT_COUNT = 120;

export const usePictures = defineStore("pictures", () => {
  const { api } = useHouse();
  const paths = new Map<string, Promise<string>>();

  /** A path that an `<image>` can show. A failure is tried again by the next who asks. */
  function open(fileId: string): Promise<string> {
    const held = paths.get(fileId);
    if (held) return held;
    const path = api.fileOf(fileId);
    paths.set(fileId, path);
    path.catch(() => paths.delete(fileId));
    if (paths.size > KEPT_COUNT) paths.delete(paths.keys().next().value as string);
    return path;
  }

  /** Somebody else is logged in: what was fetched is not theirs. */
  function $reset(): void {
    paths.clear();
  }

  return { open, $reset };
});
