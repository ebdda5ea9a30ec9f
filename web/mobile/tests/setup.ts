// uni's network events: composables listen to them; here nothing ever happens on the network.
(globalThis as Record<string, unknown>).uni = {
  onNetworkStatusChange: () => {},
  offNetworkStatusChange: () => {},
  getNetworkType: () => {},
};
