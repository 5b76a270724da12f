import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const LIMIT = 40 * 1024;

/** A page embeds this file before anything of its own: it stays small, or the build fails. */
function weighed(): Plugin {
  return {
    name: "weighed",
    writeBundle(_options, bundle) {
      for (const output of Object.values(bundle)) {
        if (output.type !== "chunk") continue;
        const size = gzipSync(output.code).length;
        this.info(`${output.fileName}: ${size} bytes gzipped of ${LIMIT}`);
        if (size > LIMIT) this.error(`${output.fileName} is ${size} bytes gzipped, over ${LIMIT}`);
      }
    },
  };
}

/** The transport that a chat never takes (link.ts names those it does) is left out of the file. */
function untaken(): Plugin {
  return {
    name: "untaken",
    enforce: "pre",
    load(id) {
      return /engine\.io-client\/.*\/webtransport\.js/.test(id) ? "export class WT {}" : null;
    },
  };
}

/** A page in another encoding reads the script in that one: ASCII is the same in all. */
function ascii(): Plugin {
  return {
    name: "ascii",
    generateBundle(_options, bundle) {
      for (const output of Object.values(bundle)) {
        if (output.type !== "chunk") continue;
        output.code = output.code.replace(
          /[^\x00-\x7f]/g,
          (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
        );
      }
    },
  };
}

/** Of the design tokens, those that the widget's own sources name, or that one of these is made of. */
function usedTokens(): Plugin {
  const folder = new URL("src/", import.meta.url);
  const sources = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), "utf8")).join("");
  return {
    name: "used-tokens",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("/tokens.css")) return null;
      let kept = code;
      for (let before = ""; before !== kept; ) {
        before = kept;
        kept = before.replace(/(--[\w-]+):[^;}]*;/g, (whole, name: string) =>
          new RegExp(`var\\(${name}\\b(?!-)`).test(sources + before) ? whole : "",
        );
      }
      return { code: kept, map: null };
    },
  };
}

export default defineConfig({
  plugins: [untaken(), usedTokens(), ascii(), weighed()],
  define: { "process.env.NODE_ENV": '"production"' },
  build: {
    target: "es2022",
    outDir: "../../contactcenter/static",
    emptyOutDir: false,
    lib: { entry: "src/main.ts", formats: ["iife"], name: "ContactCenterWidget", fileName: () => "widget.js" },
  },
});
