/**
 * 签收 from anywhere: at once by its button, or after a question when a key asked for it. A unit's people sign for their unit
 * (单位签收), the desk signs the incident.
 */
import { ref, shallowRef } from "vue";
import { incidents } from "../api/calls";
import { ApiError } from "../api/client";
import type { Incident, IncidentFile } from "../api/types";
import { awaitsSignature } from "../lib/ranking";
import { problem, t } from "../words";
import { takeIncident } from "./board";
import { take } from "./live";
import { notify } from "./notices";
import { mayHandle, ofUnit } from "./session";

/** The incident that the person is asked about. */
export const asked = shallowRef<Incident | null>(null);
/** Ids that are being signed. */
export const signing = ref<ReadonlySet<string>>(new Set());

/** Whether an incident awaits the signature of whoever is logged in. */
export const maySign = (incident: Incident): boolean =>
  (mayHandle.value || ofUnit.value) && awaitsSignature(incident, ofUnit.value);

/**
 * Signs. On a conflict somebody else was faster, or the incident changed: it is read anew and shown as it is. The answer is
 * the incident's file after it, or nothing if even that could not be read. `forUnit` is the desk that signs for a unit that
 * telephoned.
 */
export async function sign(incident: Incident, forUnit = ofUnit.value): Promise<IncidentFile | null> {
  const { id, version } = incident;
  if (signing.value.has(id)) return null;
  signing.value = new Set(signing.value).add(id);
  try {
    return await signed(id, version, forUnit);
  } catch (error) {
    return error instanceof ApiError && error.status === 409 ? await conflict(incident, forUnit, error) : failed(error);
  } finally {
    signing.value = new Set([...signing.value].filter((other) => other !== id));
  }
}

async function signed(id: string, version: number, forUnit: boolean): Promise<IncidentFile> {
  const file = await incidents.act(id, forUnit ? "unit_ack" : "ack", { version });
  take((board) => takeIncident(board, file.incident));
  notify("done", t("sign.done", { title: file.incident.title }));
  return file;
}

async function conflict(incident: Incident, forUnit: boolean, error: ApiError): Promise<IncidentFile | null> {
  try {
    const file = await incidents.read(incident.id);
    take((board) => takeIncident(board, file.incident));
    // A figure that grew between the look and the tap is no reason to make somebody tap again.
    if (awaitsSignature(file.incident, forUnit) && file.incident.version !== incident.version)
      return await signed(incident.id, file.incident.version, forUnit);
    const by = forUnit ? file.incident.unit_acked_by : file.incident.acked_by;
    notify("failed", by ? t("sign.taken", { who: by }) : problem(error));
    return file;
  } catch (again) {
    return failed(again);
  }
}

function failed(error: unknown): null {
  notify("failed", t("sign.failed", { why: problem(error) }));
  return null;
}
