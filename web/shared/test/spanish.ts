/** What a test does not say otherwise happens in a Spanish browser, whatever this machine's language is. */
Object.defineProperty(globalThis, "navigator", { value: { language: "es-ES", languages: ["es-ES"] }, configurable: true });
