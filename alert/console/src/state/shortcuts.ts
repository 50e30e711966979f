/** Shortcuts: one listener; pages say what they do with a command while they are shown. */
import { onBeforeUnmount } from "vue";
import { interpret, type Command } from "../lib/keys";

type Handlers = Partial<Record<Command, () => void>>;

/** `g` is forgotten after this long. */
const PATIENCE_MS = 1_500;

const stack: Handlers[] = [];
let pending = "";
let pressed = 0;

/** Handles commands for as long as the component lives; the youngest handler comes first. */
export function useShortcuts(handlers: Handlers): void {
  stack.push(handlers);
  onBeforeUnmount(() => stack.splice(stack.indexOf(handlers), 1));
}

/** Starts listening. */
export function startShortcuts(): void {
  window.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (taken(event)) return;
    const result = interpret(event.timeStamp - pressed < PATIENCE_MS ? pending : "", event.key);
    pending = result.pending;
    pressed = event.timeStamp;
    const command = result.command;
    const handler = command && stack.findLast((handlers) => handlers[command])?.[command];
    if (!handler) return;
    event.preventDefault();
    handler();
  });
}

/** Whether the key belongs to what has the focus: a field, a button or link on Enter, an open dialog. */
function taken(event: KeyboardEvent): boolean {
  const target = event.target instanceof Element ? event.target : document.body;
  // For a moment after a dialog has closed its button still has the focus, unseen.
  if (target.closest("dialog:not([open])")) return false;
  if (target.closest("input, textarea, select, [contenteditable], dialog[open]")) return true;
  if (document.querySelector("dialog[open]")) return true;
  return event.key === "Enter" && target.closest("a, button, summary") !== null;
}
