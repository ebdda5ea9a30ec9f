// The network's state as events, for a runtime without window.

type Listener = () => void;

/** What centrifuge listens to: `online` and `offline`, from uni.onNetworkStatusChange. */
export class NetworkEvents {
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor() {
    uni.onNetworkStatusChange(({ isConnected }) => this.emit(isConnected ? "online" : "offline"));
  }

  addEventListener(name: string, listener: Listener): void {
    const held = this.listeners.get(name) ?? new Set<Listener>();
    held.add(listener);
    this.listeners.set(name, held);
  }

  removeEventListener(name: string, listener: Listener): void {
    this.listeners.get(name)?.delete(listener);
  }

  private emit(name: string): void {
    for (const listener of this.listeners.get(name) ?? []) listener();
  }
}
