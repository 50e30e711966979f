/** 签收 from anywhere: at once by its button, or after a question when a key asked for it. */
import { ref, shallowRef } from "vue";
import { incidents } from "../api/calls";
import { ApiError } from "../api/client";
import type { Incident, IncidentFile } from "../api/types";
import { problem, t } from "../words";
import { takeIncident } from "./board";
import { take } from "./live";
import { notify } from "./notices";

/** The incident that the person is asked about. */
export const asked = shallowRef<Incident | null>(null);
/** Ids that are being signed. */
export const signing = ref<ReadonlySet<string>>(new Set());

/**
 * Signs. On a conflict somebody else was faster, or the incident changed: it is read anew and shown as it is. The answer is
 * the incident's file after it, or nothing if even that could not be read.
 */
export async function sign(incident: Incident): Promise<IncidentFile | null> {
  const { id, version } = incident;
  if (signing.value.has(id)) return null;
  signing.value = new Set(signing.value).add(id);
  try {
    const file = await incidents.act(id, "ack", { version });
    take((board) => takeIncident(board, file.incident));
    notify("done", t("sign.done", { title: file.incident.title }));
    return file;
  } catch (error) {
    return error instanceof ApiError && error.status === 409 ? await conflict(incident, error) : failed(error);
  } finally {
    signing.value = new Set([...signing.value].filter((other) => other !== id));
  }
}

async function conflict(incident: Incident, error: ApiError): Promise<IncidentFile | null> {
  try {
    const file = await incidents.read(incident.id);
    take((board) => takeIncident(board, file.incident));
    // A figure that grew between the look and the tap is no reason to make somebody tap again.
    if (file.incident.state === "new" && file.incident.version !== incident.version) {
      const signed = await incidents.act(incident.id, "ack", { version: file.incident.version });
      take((board) => takeIncident(board, signed.incident));
      notify("done", t("sign.done", { title: signed.incident.title }));
      return signed;
    }
    const by = file.incident.acked_by;
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
