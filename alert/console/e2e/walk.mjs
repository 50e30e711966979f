/** What the walks against the mock gateway share: it is started, steps are taken in order, and the first that goes wrong ends it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { launch } from "./browser.mjs";

export const DESK = { width: 1440, height: 900 };

export function check(truth, what) {
  if (!truth) throw new Error(what);
}

/**
 * Starts the mock and Chromium. `walk(steps)` takes the steps, each a function of the page that the one before has left, says how it went, and
 * ends the program with 0, or with 1 when a step failed or the browser had complaints.
 */
export async function start() {
  // The water main broke a minute ago, so the incident opens at once.
  const program = join(import.meta.dirname, "../mock/server.mjs");
  const mock = spawn(process.execPath, [program, "--port", "0", "--delay", "-60000"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(mock.stdout.setEncoding("utf8"), "data");
  const browser = await launch();
  const complaints = [];

  async function walk(steps) {
    let failed = false;
    let page;
    for (const [name, step] of Object.entries(steps)) {
      try {
        page = (await step(page)) ?? page;
        console.log(`ok    ${name}`);
      } catch (error) {
        console.error(`FAIL  ${name}\n      ${error.message}`);
        const shown = browser.contexts().flatMap((context) => context.pages());
        for (const page of shown) console.error(`      at ${page.url()}`);
        failed = true;
        break;
      }
    }
    await browser.close();
    mock.kill();
    // Refusals and cut lines are what these programs provoke; Chromium writes them down as failed loads.
    const unexpected = complaints.filter((complaint) => !complaint.includes("Failed to load resource"));
    for (const complaint of unexpected) console.error(complaint);
    process.exit(failed || unexpected.length > 0 ? 1 : 0);
  }

  return { base: line.trim(), browser, complaints, walk };
}
