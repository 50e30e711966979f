/** 交办: which unit leads, which assist, and how that compares with what was proposed. Pure. */
import type { Incident, UnitProposal } from "../api/types";

export interface Assignment {
  unit: string;
  assisting: readonly string[];
  /** By when it must answer, in milliseconds; null by the rule of the clock. */
  due: number | null;
}

export const LONGEST_UNIT = 100;
export const MOST_ASSISTING = 20;

/** What is sent; the id of a unit goes along where it was proposed. */
export function assignBody(wanted: Assignment, proposed: readonly UnitProposal[] | undefined) {
  const unit = wanted.unit.trim();
  const id = proposed?.find(({ name }) => name === unit)?.id;
  return {
    unit,
    ...(id !== undefined && { unit_id: id }),
    ...(wanted.assisting.length > 0 && { assisting: [...wanted.assisting] }),
    ...(wanted.due !== null && { due_at: new Date(wanted.due).toISOString() }),
  };
}

/** The units that assist after what was typed is added: several between commas; none twice, nor the one that leads. */
export function withAssisting(units: readonly string[], typed: string, lead: string): string[] {
  const result = [...units];
  for (const name of typed.split(/[,，、;；\n]/).map((part) => part.trim().slice(0, LONGEST_UNIT))) {
    if (name && name !== lead.trim() && !result.includes(name) && result.length < MOST_ASSISTING) result.push(name);
  }
  return result;
}

/** What became of a proposal: its unit leads, assists, or neither. */
export type Fate = "leads" | "assists" | "open";

/** The proposals with what became of them. */
export function fates(incident: Incident): { proposal: UnitProposal; fate: Fate }[] {
  const { unit, unit_id: id, assisting = [], proposed = [] } = incident;
  return proposed.map((proposal) => {
    const leads = id ? proposal.id === id : unit === proposal.name;
    const assists = assisting.includes(proposal.name) || assisting.includes(proposal.id);
    return { proposal, fate: leads ? "leads" : assists ? "assists" : "open" };
  });
}

/** Whether somebody chose another unit than any that was proposed. */
export const choseOtherwise = (incident: Incident): boolean =>
  Boolean(incident.unit && incident.proposed?.length) && fates(incident).every(({ fate }) => fate !== "leads");

/** Incidents that one may be merged into, by what was typed: in id, title or topic; the graver first come as they came. */
export function mergeTargets(incidents: Iterable<Incident>, self: string, typed: string): Incident[] {
  const words = typed.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return [...incidents].filter(({ id, title, state, topic }) => {
    const text = `${id} ${title} ${topic.name}`.toLowerCase();
    return state !== "closed" && id !== self && words.every((word) => text.includes(word));
  });
}
