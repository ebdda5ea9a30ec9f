// Composables over the live line: what pages use.
import { computed, onMounted, onUnmounted, ref, shallowRef, type ComputedRef, type Ref } from "vue";

import { useHouse } from "@/house";
import type { EventType, LiveEvent } from "./events";
import type { LineState } from "./line";
import type { ChannelState } from "./orderChannel";

const QUIET_MS = 1_500; // shorter breaks are nobody's business

/** `bar` is what the quiet bar says; "" while all is well. */
export function useLive(): { state: Ref<LineState>; bar: Ref<string> } {
  const { line, logins } = useHouse();
  const state = ref<LineState>(line.state);
  const bar = ref("");
  const hasNetwork = ref(true);
  let timer: ReturnType<typeof setTimeout> | undefined;

  function show(): void {
    clearTimeout(timer);
    if (!hasNetwork.value) {
      bar.value = "网络已断开，恢复后会自动连上";
    } else if (state.value === "on" || logins.user === null) {
      bar.value = "";
    } else {
      timer = setTimeout(() => {
        bar.value = "正在重新连接…";
      }, QUIET_MS);
    }
  }
  const networkChanged = ({ isConnected }: { isConnected: boolean }): void => {
    hasNetwork.value = isConnected;
    show();
  };
  const stop = line.onState((next) => {
    state.value = next;
    show();
  });
  onMounted(() => {
    uni.onNetworkStatusChange(networkChanged);
    uni.getNetworkType({ success: ({ networkType }) => networkChanged({ isConnected: networkType !== "none" }) });
  });
  onUnmounted(() => {
    clearTimeout(timer);
    stop();
    uni.offNetworkStatusChange(networkChanged);
  });
  return { state, bar };
}

/** Hear an event of the own channel while the component lives. */
export function onUserEvent<T extends EventType>(type: T, handler: (event: LiveEvent<T>) => void): void {
  onUnmounted(useHouse().line.onUserEvent(type, handler));
}

/** Fetch again when events may have been missed, while the component lives. */
export function onGap(handler: () => void): void {
  onUnmounted(useHouse().line.onGap(handler));
}

export interface OrderChannelUse {
  state: Ref<ChannelState>;
  /** Users who have this order open now. */
  presentUsers: Ref<string[]>;
  /** Others who are typing now. */
  typingUsers: Ref<string[]>;
  isSomebodyTyping: ComputedRef<boolean>;
  on: <T extends EventType>(type: T, handler: (event: LiveEvent<T>) => void) => void;
  /** Say that one is typing; call it on every key. */
  typing: () => void;
}

const TYPING_SHOWN_MS = 5_000;

/** Follow an order while the component lives; `refetch` runs at the first subscription and after a gap. */
export function useOrderChannel(orderId: string, refetch: () => void): OrderChannelUse {
  const { line, logins } = useHouse();
  const channel = line.order(orderId);
  const state = ref<ChannelState>(channel.state);
  const presentUsers = shallowRef<string[]>([]);
  const typingUsers = shallowRef<string[]>([]);
  const timers = new Map<string, ReturnType<typeof setTimeout>>();

  function quiet(userId: string): void {
    clearTimeout(timers.get(userId));
    typingUsers.value = typingUsers.value.filter((one) => one !== userId);
  }
  const stops = [
    channel.onGap(refetch),
    channel.onChange(() => {
      state.value = channel.state;
      presentUsers.value = channel.presentUsers;
    }),
    channel.on("chat.typing", ({ data }) => {
      if (data.user_id === logins.user?.user_id) return;
      quiet(data.user_id);
      typingUsers.value = [...typingUsers.value, data.user_id];
      timers.set(data.user_id, setTimeout(() => quiet(data.user_id), TYPING_SHOWN_MS));
    }),
    channel.on("chat.message", ({ data }) => quiet(data.sender_id)),
  ];
  channel.join();
  onUnmounted(() => {
    for (const stop of stops) stop();
    for (const timer of timers.values()) clearTimeout(timer);
    channel.leave();
  });
  return {
    state,
    presentUsers,
    typingUsers,
    isSomebodyTyping: computed(() => typingUsers.value.length > 0),
    on: (type, handler) => {
      stops.push(channel.on(type, handler));
    },
    typing: () => channel.typing(),
  };
}
