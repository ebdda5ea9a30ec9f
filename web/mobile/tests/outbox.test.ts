import { describe, expect, it } from "vitest";

import { offline, Problem } from "@/api/problem";
import { Outbox, type OutboxItem } from "@/outbox/outbox";
import { MemoryStorage, settled } from "./fakes";

interface Sent {
  item: OutboxItem;
  answer: (problem?: Problem) => void;
}

function outbox(storage = new MemoryStorage(), { upload = async (): Promise<string> => "f1" } = {}) {
  const sent: Sent[] = [];
  const dropped: string[] = [];
  const planned: (() => void)[] = [];
  const box = new Outbox({
    storage,
    send: (item) =>
      new Promise((resolve, reject) => {
        sent.push({ item, answer: (problem) => (problem ? reject(problem) : resolve({ offset: 1 })) });
      }),
    upload,
    drop: (picture) => dropped.push(picture),
    later: (run) => planned.push(run),
  });
  return { box, sent, dropped, planned, storage };
}

const said = (text: string) => ({ kind: "text", text });
const refusal = (): Problem => new Problem({ code: "chat_closed", status: 409, sentence: "会话已关闭" });

describe("the outbox", () => {
  it("sends the items of one order one after the other, in the order of writing", async () => {
    const { box, sent } = outbox();
    box.open("u1");
    box.write("o1", "chat", said("一"));
    box.write("o1", "chat", said("二"));
    await settled();
    expect(sent.map((one) => one.item.body.text)).toEqual(["一"]);
    sent[0].answer();
    await settled();
    expect(sent.map((one) => one.item.body.text)).toEqual(["一", "二"]);
  });

  it("does not let one order wait for another", async () => {
    const { box, sent } = outbox();
    box.open("u1");
    box.write("o1", "chat", said("一"));
    box.write("o2", "chat", said("二"));
    await settled();
    expect(sent.map((one) => one.item.order_id)).toEqual(["o1", "o2"]);
  });

  it("sends an item whose answer got lost again under the same msg_id, before later ones", async () => {
    const { box, sent, planned } = outbox();
    box.open("u1");
    box.write("o1", "note", { kind: "measure", text: "一" });
    box.write("o1", "note", { kind: "measure", text: "二" });
    await settled();
    sent[0].answer(offline());
    await settled();
    expect(sent).toHaveLength(1);
    expect(box.of("o1").map((item) => item.state)).toEqual(["waiting", "waiting"]);
    planned[0]();
    await settled();
    expect(sent[1].item.msg_id).toBe(sent[0].item.msg_id);
    sent[1].answer();
    await settled();
    expect(sent[2].item.body.text).toBe("二");
  });

  it("survives the app: what was on its way is sent again, nothing is lost or doubled", async () => {
    const first = outbox();
    first.box.open("u1");
    const written = ["一", "二", "三"].map((text) => first.box.write("o1", "chat", said(text)).msg_id);
    await settled();
    expect(first.sent).toHaveLength(1); // it is killed now, with the first one under way

    const second = outbox(first.storage);
    second.box.open("u1");
    for (let at = 0; at < 3; at += 1) {
      await settled();
      second.sent[at].answer();
    }
    await settled();
    expect(second.sent.map((one) => one.item.msg_id)).toEqual(written);
    expect([second.box.all.length, outbox(first.storage).box.all.length]).toEqual([0, 0]);
  });

  it("keeps each person's items apart", () => {
    const { box, storage } = outbox();
    box.open("u1");
    box.write("o1", "chat", said("一"));
    box.close();
    expect(box.all).toHaveLength(0);
    const other = outbox(storage);
    other.box.open("u2");
    expect(other.box.all).toHaveLength(0);
    other.box.open("u1");
    expect(other.box.all).toHaveLength(1);
  });

  it("takes up what waits when the same person comes back while an item is under way", async () => {
    const { box, sent } = outbox();
    box.open("u1");
    box.write("o1", "chat", said("一"));
    await settled();
    box.close();
    box.open("u1");
    await settled();
    expect(sent).toHaveLength(2);
    expect(sent[1].item.msg_id).toBe(sent[0].item.msg_id);
    sent[0].answer(); // the earlier login's answer comes late and changes nothing
    await settled();
    expect(box.all).toHaveLength(1);
    sent[1].answer();
    await settled();
    expect(box.all).toHaveLength(0);
  });

  it("shows a refusal with its sentence, lets later items pass, and sends or drops it by hand", async () => {
    const { box, sent } = outbox();
    box.open("u1");
    const { msg_id } = box.write("o1", "chat", said("一"));
    box.write("o1", "chat", said("二"));
    await settled();
    sent[0].answer(refusal());
    await settled();
    expect(box.of("o1")[0]).toMatchObject({ state: "refused", sentence: "会话已关闭" });
    sent[1].answer();
    await settled();
    box.again(msg_id);
    await settled();
    sent[2].answer(refusal());
    await settled();
    box.drop(msg_id);
    expect(box.all).toHaveLength(0);
  });

  it("uploads pictures first, each once, and lets go of them afterwards", async () => {
    let tries = 0;
    const names: string[] = [];
    const upload = async (picture: string): Promise<string> => {
      tries += 1;
      if (tries === 2) throw offline();
      names.push(picture);
      return `f-${picture}`;
    };
    const { box, sent, planned, dropped } = outbox(new MemoryStorage(), { upload: upload as never });
    box.open("u1");
    box.write("o1", "note", { kind: "condition" }, ["a", "b"]);
    await settled();
    planned[0]();
    await settled();
    expect(names).toEqual(["a", "b"]);
    expect(sent[0].item.uploaded).toEqual(["f-a", "f-b"]);
    sent[0].answer();
    await settled();
    expect(dropped).toEqual(["a", "b"]);
  });

  it("is bounded", () => {
    const { box } = outbox();
    box.open("u1");
    for (let at = 0; at < 200; at += 1) box.write("o1", "chat", said("x"));
    expect(() => box.write("o1", "chat", said("x"))).toThrow("待发送的内容太多");
  });
});
