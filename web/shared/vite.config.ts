import { defineConfig } from "vite";

// The desk's reducer and the widget's, each as one file that Node runs by itself: see the head of src/apply.ts.
export default defineConfig({
  build: {
    outDir: "dist",
    target: "node20",
    minify: false,
    lib: {
      entry: { apply: "src/apply.ts", visitor: "../widget/src/model.ts" },
      formats: ["es"],
      fileName: (_, name) => `${name}.js`,
    },
  },
});
