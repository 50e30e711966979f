import { expect, it } from "vitest";
import { singleFlight } from "./flight";

function door() {
  const open: (() => void)[] = [];
  let runs = 0;
  const run = singleFlight(() => {
    runs += 1;
    return new Promise<void>((resolve) => open.push(resolve));
  });
  return { run, open, runs: () => runs };
}

it("makes one more run of everything that was asked while one was going on", async () => {
  const { run, open, runs } = door();
  const first = run();
  void run();
  void run();
  expect(runs()).toBe(1);
  open.shift()!();
  await Promise.resolve().then(() => {});
  expect(runs()).toBe(2);
  open.shift()!();
  await first;
  expect(runs()).toBe(2);
});

it("runs again when it is asked again, also after a failure", async () => {
  let runs = 0;
  const run = singleFlight(async () => {
    runs += 1;
    if (runs === 1) throw new Error("first");
  });
  await expect(run()).rejects.toThrow("first");
  await run();
  expect(runs).toBe(2);
});
