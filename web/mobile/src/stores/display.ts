// How this device shows things: elder mode, larger type and targets.
import { defineStore } from "pinia";
import { ref } from "vue";

import { useHouse } from "@/house";

const KEY = "peihu.elder";

export const useDisplay = defineStore("display", () => {
  const house = useHouse();
  const elder = ref(house.device.read<boolean>(KEY) === true);

  function setElder(on: boolean): void {
    elder.value = on;
    house.device.write(KEY, on);
  }

  return { elder, setElder };
});
