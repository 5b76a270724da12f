/** Keys that work anywhere on the desk. Those of the offer and of wrap-up live beside them. */
import { useEffect } from "react";

/** Whether a key press belongs to somebody who is typing. */
export function inField(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return target?.isContentEditable === true || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target?.tagName ?? "");
}

export const dialogOpen = (): boolean => document.querySelector("dialog[open]") !== null;

export function useShortcuts({ onHelp }: { onHelp: () => void }): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        if (!dialogOpen()) document.getElementById("search")?.focus();
      } else if (event.key === "?" && !inField(event) && !dialogOpen()) {
        event.preventDefault();
        onHelp();
      } else if (event.altKey && !event.ctrlKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        const rows = [...document.querySelectorAll<HTMLElement>(".list .it")];
        const at = rows.findIndex((row) => row.classList.contains("on"));
        const next = rows[event.key === "ArrowDown" ? at + 1 : Math.max(0, at - 1)];
        if (next) {
          event.preventDefault();
          next.click();
        }
      } else if (event.altKey && !event.ctrlKey && event.key.toLowerCase() === "r") {
        const box = document.getElementById("composer");
        if (box) {
          event.preventDefault();
          box.focus();
        }
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [onHelp]);
}

/** Alt and a letter; those without a command are left to the browser. */
export function useAltKeys(commands: Readonly<Record<string, (() => void) | undefined>>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.repeat || dialogOpen()) return;
      const command = commands[event.code.replace(/^Key/, "").toLowerCase()];
      if (!command) return;
      event.preventDefault();
      command();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
}
