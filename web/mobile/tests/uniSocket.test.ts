import { expect, it } from "vitest";

import { UniSocket } from "@/live/uniSocket";

type Callback = (value: never) => void;

function connected() {
  const callbacks: Record<string, Callback> = {};
  const sent: unknown[] = [];
  let options: { complete?: unknown; fail?: () => void; url?: string } = {};
  const task = {
    ...Object.fromEntries(["onOpen", "onMessage", "onError", "onClose"].map((name) => [name, (run: Callback) => (callbacks[name] = run)])),
    send: ({ data }: { data: unknown }) => sent.push(data),
    close: (how: unknown) => sent.push(how),
  };
  (uni as unknown as Record<string, unknown>).connectSocket = (given: typeof options) => {
    options = given;
    return task;
  };
  const socket = new UniSocket("ws://server/x");
  const closes: unknown[] = [];
  socket.onclose = (event) => closes.push(event);
  return { socket, callbacks, sent, closes, options: () => options };
}

it("asks for a task, not for a promise", () => {
  expect(typeof connected().options().complete).toBe("function");
});

it("hands on what opens, arrives and is sent", () => {
  const { socket, callbacks, sent } = connected();
  const heard: unknown[] = [];
  socket.onopen = () => heard.push("open");
  socket.onmessage = ({ data }) => heard.push(data);
  callbacks.onOpen(undefined as never);
  callbacks.onMessage({ data: "{}" } as never);
  socket.send("hello");
  expect([heard, sent]).toEqual([["open", "{}"], ["hello"]]);
});

it("tells of one end once, however WeChat tells it", () => {
  const { callbacks, closes } = connected();
  callbacks.onError({} as never);
  callbacks.onClose({ code: 1006, reason: "abnormal closure" } as never);
  expect(closes).toEqual([{ code: 1006, reason: "error" }]);
});

it("keeps the server's code and reason, and fills in what is missing", () => {
  const one = connected();
  one.callbacks.onClose({ code: 3503, reason: "force disconnect" } as never);
  expect(one.closes).toEqual([{ code: 3503, reason: "force disconnect" }]);
  const other = connected();
  other.callbacks.onClose({} as never);
  expect(other.closes).toEqual([{ code: 1006, reason: "" }]);
});

it("closes once", () => {
  const { socket, sent, closes } = connected();
  socket.close();
  socket.close();
  expect([sent.length, closes.length]).toEqual([1, 1]);
});
