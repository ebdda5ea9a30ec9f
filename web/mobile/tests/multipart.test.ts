import { expect, it } from "vitest";

import { multipart, utf8 } from "@/api/multipart";

it("writes what a browser's own form would write", async () => {
  const content = new Uint8Array([0, 255, 13, 10, 45, 45]).buffer;
  const body = multipart({ id_number: "11010519491231002X", certificate_name: "医疗护理员" }, [{ name: "id_card_front", fileName: "a.jpg", type: "image/jpeg", content }], "xYz");
  const read = await new Response(body, { headers: { "Content-Type": "multipart/form-data; boundary=xYz" } }).formData();
  expect([...read.keys()]).toEqual(["id_number", "certificate_name", "id_card_front"]);
  expect(read.get("certificate_name")).toBe("医疗护理员");
  const file = read.get("id_card_front") as File;
  expect([file.name, file.type, [...new Uint8Array(await file.arrayBuffer())]]).toEqual(["a.jpg", "image/jpeg", [0, 255, 13, 10, 45, 45]]);
});

it("encodes as TextEncoder does", () => {
  for (const text of ["", "a%41b", "护理 é 👩‍⚕️"]) expect([...utf8(text)]).toEqual([...new TextEncoder().encode(text)]);
});
