/** The drills of late with their results. A result stands in the history of its drill, which is read once for each of its versions. */
import { ref, watch } from "vue";
import { incidents } from "../api/calls";
import { isAbort } from "../api/client";
import type { HistoryEvent, Incident } from "../api/types";
import { drillsOf, resultOf } from "../lib/drill";
import { lastRecord } from "./live";
import { useReading, type Reading } from "./reading";

/** What happens to a drill comes as an event; this is for what was missed. */
const PACE_MS = 60_000;
/** Among so many of the youngest incidents drills are looked for. */
const AMONG = 500;
const MOST = 10;

export interface Drill {
  incident: Incident;
  result: HistoryEvent | null;
  /** Its history could not be read. */
  unread: boolean;
}

/** For as long as the component lives. */
export function useDrills(): Reading<Drill[]> {
  const known = new Map<string, { version: number; result: HistoryEvent | null }>();

  async function whole(incident: Incident, signal: AbortSignal): Promise<Drill> {
    const { id, version, state } = incident;
    if (state === "new") return { incident, result: null, unread: false };
    const before = known.get(id);
    if (before?.version === version) return { incident, result: before.result, unread: false };
    try {
      const result = resultOf((await incidents.read(id, signal)).history);
      known.set(id, { version, result });
      return { incident, result, unread: false };
    } catch (error) {
      if (isAbort(error)) throw error;
      return { incident, result: null, unread: true };
    }
  }

  const reading = useReading(
    ref("drills"),
    async (_, signal) => {
      const found = drillsOf(await incidents.list("all", AMONG, signal), MOST);
      return Promise.all(found.map((incident) => whole(incident, signal)));
    },
    () => PACE_MS,
  );
  watch(lastRecord, (record) => {
    if (record?.incident.drill) void reading.again();
  });
  return reading;
}
