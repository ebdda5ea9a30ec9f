// The ports of this platform: addresses, sockets and storage of H5 or WeChat.
import { uniTransport } from "./api/uniTransport";
import type { Ports } from "./house";
// #ifdef MP-WEIXIN
import { NetworkEvents } from "./live/network";
import { UniSocket } from "./live/uniSocket";
import { wechatPictures } from "./outbox/pictureBox";
// #endif
// #ifndef MP-WEIXIN
import { browserPictures } from "./outbox/pictureBox";
// #endif
import { deviceStorage, tabStorage } from "./session/storage";

export function platformPorts(): Ports {
  const shared = { transport: uniTransport, device: deviceStorage, tab: tabStorage() };
  const server = serverAddress();
  const addresses = { baseUrl: server, socketUrl: `${server.replace(/^http/, "ws")}/connection/websocket` };
  // #ifdef MP-WEIXIN
  return { ...shared, ...addresses, pictures: wechatPictures, websocket: UniSocket, network: new NetworkEvents() };
  // #endif
  // #ifndef MP-WEIXIN
  return { ...shared, ...addresses, pictures: browserPictures };
  // #endif
}

function serverAddress(): string {
  // #ifdef MP-WEIXIN
  // WeChat has no origin of its own: VITE_PEIHU_SERVER names the server at build time.
  return import.meta.env.VITE_PEIHU_SERVER || "http://127.0.0.1:8000";
  // #endif
  // #ifndef MP-WEIXIN
  // The origin is written out: uni-app takes an address that begins with `/` for one below the page's folder.
  return location.origin;
  // #endif
}
