/**
 * A reading that is asked for more often than it can be done: one runs at a time, and whatever is asked meanwhile is one
 * more run afterwards. Aborting and beginning anew would never finish while things change faster than the answer comes.
 */
export function singleFlight(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let again = false;
  async function loop(): Promise<void> {
    try {
      do {
        again = false;
        await run();
      } while (again);
    } finally {
      running = null;
    }
  }
  return () => {
    if (running) again = true;
    else running = loop();
    return running!;
  };
}
