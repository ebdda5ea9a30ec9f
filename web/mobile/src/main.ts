import { createPinia } from "pinia";
import { createSSRApp } from "vue";

import App from "./App.vue";
import { House, moveIn } from "./house";
import { platformPorts } from "./ports";

export function createApp(): { app: ReturnType<typeof createSSRApp> } {
  moveIn(new House(platformPorts()));
  const app = createSSRApp(App);
  app.use(createPinia());
  return { app };
}
