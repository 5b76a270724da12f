import { defineConfig } from "vite";

// The reducer as files that Node runs by itself: see the head of src/apply.ts.
export default defineConfig({
  build: {
    outDir: "dist",
    target: "node20",
    minify: false,
    lib: {
      entry: { apply: "src/apply.ts", "apply-cli": "src/apply-cli.ts" },
      formats: ["es"],
      fileName: (_format, name) => `${name}.js`,
    },
    rollupOptions: { external: [/^node:/] },
  },
});
