/** Short names for the shapes of the contract; `schema.d.ts` is generated from schemas/openapi.json (`npm run types`). */
import type { components, paths } from "./schema";

type Schemas = components["schemas"];

export type Incident = Schemas["Incident"];
export type IncidentFile = Schemas["IncidentFile"];
export type IncidentRecord = Schemas["IncidentRecord"];
export type HistoryEvent = Schemas["Event"];
export type Delivery = Schemas["Delivery"];
export type Level = Schemas["Level"];
export type State = Schemas["State"];
export type Kind = Schemas["Kind"];
export type Label = Schemas["Label"];
export type Phase = Schemas["Phase"];
export type Role = Schemas["Role"];
export type Pulse = Schemas["Pulse"];
export type Window = Schemas["Window"];
export type Sample = Schemas["Sample"];
export type TopicRef = Schemas["TopicRef"];
export type TopicState = Schemas["TopicState"];
export type TopicCurve = Schemas["TopicCurve"];
export type CurveStep = TopicCurve["series"][number];
export type TopicKind = Schemas["TopicKind"];
export type Spike = Schemas["Spike"];
export type Heat = Schemas["Heat"];
export type HeatPart = Heat["parts"][number];
export type WhyQuiet = Schemas["WhyQuiet"];
export type WindowSeen = WhyQuiet["windows"][number];
export type TriggerSeen = WhyQuiet["triggers"][number];
export type SourceState = Schemas["SourceState"];
export type CoverageSeconds = Schemas["CoverageSeconds"];
export type CoverageDetail = Schemas["CoverageDetail"];
export type Finding = Schemas["Finding"];
export type LagPercentiles = Schemas["LagPercentiles"];
export type SourceAlert = Schemas["SourceAlert"];
export type Session = Schemas["Session"];
export type NewPin = Schemas["NewPin"];
export type Hit = Schemas["Hit"];
export type SearchPage = Schemas["SearchPage"];
export type FacetValue = Schemas["FacetValue"];
export type Histogram = Schemas["Histogram"];
export type Thread = Schemas["Thread"];
export type SavedSearch = Schemas["SavedSearch"];
export type SearchToSave = Schemas["SearchToSave"];
export type Correction = Schemas["CorrectionRequest"];
export type StandingCorrection = Schemas["StandingCorrection"];
export type CorrectionChoices = Schemas["CorrectionChoices"];
export type WatchTopic = Schemas["WatchTopic"];
export type WatchRequest = Schemas["WatchRequest"];
export type UserWord = Schemas["UserWord"];
export type Roster = Schemas["Roster"];
export type RosterTurn = Schemas["RosterTurn"];
export type RosterFinding = Schemas["RosterFinding"];
export type RosterChange = Schemas["RosterChange"];
export type RosterChangeWanted = Schemas["RosterChangeWanted"];
export type RosterHandover = Schemas["RosterHandover"];
export type RosterPending = Schemas["RosterPending"];
export type RosterBoard = paths["/api/roster"]["get"]["responses"][200]["content"]["application/json"];
export type Silence = Schemas["Silence"];
/** `red` may be left out: it is false then. */
export type SilenceWanted = Omit<Schemas["SilenceWanted"], "red"> & { red?: boolean };
export type DrillWanted = Schemas["DrillWanted"];
export type WhyPaged = Schemas["WhyPaged"];
export type WhyReason = Schemas["WhyReason"];
/** Who is asked about: a channel, a person, or anybody. */
export type PagedQuery = NonNullable<paths["/api/topics/{id}/paged"]["get"]["parameters"]["query"]>;
export type CalendarFeed = Schemas["CalendarFeed"];
export type BriefQuery = NonNullable<paths["/api/briefs"]["get"]["parameters"]["query"]>;
export type Act = Schemas["Act"];
export type Join = Schemas["Join"];
export type Clock = Schemas["Clock"];
export type UnitProposal = Schemas["UnitProposal"];
type HotList = paths["/api/topics/hot"]["get"];
export type HotTopic = HotList["responses"][200]["content"]["application/json"]["topics"][number];
/** The time that a hot list is of. */
export type HotWindow = NonNullable<NonNullable<HotList["parameters"]["query"]>["window"]>;
export type SearchQuery = NonNullable<paths["/api/search"]["get"]["parameters"]["query"]>;
/** The length of a bar of a histogram; `auto` is for the archive to choose. */
export type Scale = NonNullable<SearchQuery["histogram"]>;

/** The acts of a person on an incident, as the last part of their address. */
export type ActName =
  | "ack"
  | "assign"
  | "unit_ack"
  | "answer"
  | "respond"
  | "note"
  | "return"
  | "close"
  | "false_alarm"
  | "reopen"
  | "pause"
  | "resume";
/** What makes another incident of it; the answer is that other one. */
export type JoinName = "merge" | "split";
