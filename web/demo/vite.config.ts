import { defineConfig } from "vite";

export default defineConfig({
  base: "/static/demo/",
  build: { outDir: "../../contactcenter/static/demo", emptyOutDir: true, target: "es2022", modulePreload: false },
});
