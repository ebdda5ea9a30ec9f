// A WebSocket as centrifuge wants it, over uni.connectSocket.
//
// A callback must be given or uni answers with a Promise in place of the task. WeChat may report one end twice, as an
// error and as a close; centrifuge hears of one.

interface CloseNews {
  code?: number;
  reason?: string;
}

export class UniSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  binaryType = "arraybuffer";
  private readonly task: UniApp.SocketTask;
  private isOver = false;

  constructor(url: string, protocols?: string | string[]) {
    const named = typeof protocols === "string" ? [protocols] : protocols;
    this.task = uni.connectSocket({
      url,
      ...(named?.length ? { protocols: named } : {}),
      multiple: true,
      complete: () => {},
      fail: () => this.over({ code: 1006, reason: "no connection" }),
    } as UniApp.ConnectSocketOption) as unknown as UniApp.SocketTask;
    this.task.onOpen(() => this.onopen?.());
    this.task.onMessage(({ data }) => this.onmessage?.({ data }));
    this.task.onError((error) => {
      this.onerror?.(error);
      this.over({ code: 1006, reason: "error" });
    });
    this.task.onClose((news) => this.over(news as CloseNews));
  }

  send(data: string): void {
    this.task.send({ data });
  }

  close(code = 1000, reason = ""): void {
    if (this.isOver) return;
    this.task.close({ code, reason });
    this.over({ code, reason });
  }

  private over({ code = 1006, reason = "" }: CloseNews): void {
    if (this.isOver) return;
    this.isOver = true;
    this.onclose?.({ code, reason });
  }
}
