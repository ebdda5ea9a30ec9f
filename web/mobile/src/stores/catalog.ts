// The catalogue: services, districts, hospitals; and the clock that comes with it.
import { defineStore } from "pinia";
import { ref } from "vue";

import type { Catalog, ServiceType } from "@/api/answers";
import { useHouse } from "@/house";

export const useCatalog = defineStore("catalog", () => {
  const house = useHouse();
  const catalog = ref<Catalog | null>(null);
  let asking: Promise<Catalog> | null = null;

  /** Fetched once; a failure is tried again by the next who asks. */
  function load(): Promise<Catalog> {
    if (catalog.value) return Promise.resolve(catalog.value);
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  }

  async function ask(): Promise<Catalog> {
    const askedAt = Date.now();
    const answer = await house.api.get("/api/catalog");
    house.clock.set(answer.now, askedAt);
    catalog.value = answer;
    return answer;
  }

  function service(code: string): ServiceType | undefined {
    return catalog.value?.service_types.find((one) => one.code === code);
  }

  return { catalog, load, service };
});
