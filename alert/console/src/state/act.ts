/**
 * What a person does beside what is shown: one thing at a time, told when it is done, and said in place when it is refused. What was
 * refused stays as it was written.
 */
import { ref, type Ref } from "vue";
import { problem } from "../words";
import { notify } from "./notices";

export interface Acting {
  /** Something is on its way: its buttons rest. */
  busy: Ref<boolean>;
  /** Why the last one came to nothing, in words; empty where it did not. */
  failure: Ref<string>;
  /** Does it, and tells `done`, which may be made of the answer. Nothing happens while another is on its way. */
  act: <Answer>(
    work: () => Promise<Answer>,
    done: string | ((answer: Answer) => string),
    then?: (answer: Answer) => void,
  ) => Promise<void>;
  /** The key of what waits for a second press, such as an entry that is to be withdrawn. */
  armed: Ref<string>;
  /** Whether this was the second press on the same; the first arms it. */
  pressed: (key: string) => boolean;
}

/** For a form or a list of entries; each has its own. */
export function useActing(): Acting {
  const busy = ref(false);
  const failure = ref("");
  const armed = ref("");

  const act: Acting["act"] = async (work, done, then) => {
    if (busy.value) return;
    busy.value = true;
    failure.value = "";
    try {
      const answer = await work();
      notify("done", typeof done === "string" ? done : done(answer));
      then?.(answer);
    } catch (error) {
      failure.value = problem(error);
    } finally {
      busy.value = false;
    }
  };

  function pressed(key: string): boolean {
    const again = armed.value === key;
    armed.value = again ? "" : key;
    return again;
  }

  return { busy, failure, act, armed, pressed };
}
