/**
 * Pages and the way to them. Whoever is not logged in is led to the log-in page, and back afterwards; a unit's
 * people find their incidents, and no other page. The pages are no
 * chunks of their own: a console stays open for weeks, and must reach its pages also while the line is down.
 */
import { createRouter, createWebHistory } from "vue-router";
import { whenUnauthenticated } from "./api/client";
import { safeNext } from "./lib/link";
import Board from "./pages/Board.vue";
import Coverage from "./pages/Coverage.vue";
import Hot from "./pages/Hot.vue";
import IncidentList from "./pages/IncidentList.vue";
import IncidentPage from "./pages/IncidentPage.vue";
import Login from "./pages/Login.vue";
import Missing from "./pages/Missing.vue";
import Quiet from "./pages/Quiet.vue";
import Roster from "./pages/Roster.vue";
import Search from "./pages/Search.vue";
import ThreadPage from "./pages/ThreadPage.vue";
import TopicPage from "./pages/TopicPage.vue";
import Watch from "./pages/Watch.vue";
import { leave, ofUnit, resume, session } from "./state/session";

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: "/login", name: "login", component: Login, meta: { open: true } },
    { path: "/", name: "board", component: Board },
    { path: "/hot", name: "hot", component: Hot },
    { path: "/topics/:id", name: "topic", component: TopicPage, props: true },
    { path: "/incidents", name: "incidents", component: IncidentList, meta: { unit: true } },
    { path: "/incidents/:id", name: "incident", component: IncidentPage, props: true, meta: { unit: true } },
    { path: "/coverage", name: "coverage", component: Coverage },
    { path: "/search", name: "search", component: Search },
    { path: "/thread", name: "thread", component: ThreadPage },
    { path: "/watch", name: "watch", component: Watch },
    { path: "/roster", name: "roster", component: Roster },
    { path: "/quiet", name: "quiet", component: Quiet },
    { path: "/:rest(.*)*", name: "missing", component: Missing, meta: { unit: true } },
  ],
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
});

router.beforeEach(async (to) => {
  try {
    await resume();
  } catch {
    // The gateway can't be reached: the log-in page says so when it is asked to do something.
  }
  if (to.meta.open) return session.value && to.name === "login" ? safeNext(to.query.next) : true;
  // Every other page asks for what a unit's people may not have.
  if (ofUnit.value && !to.meta.unit) return { name: "incidents" };
  return session.value ? true : { name: "login", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
});

whenUnauthenticated(() => {
  leave();
  const here = router.currentRoute.value;
  if (here.name !== "login")
    void router.replace({ name: "login", query: here.fullPath === "/" ? {} : { next: here.fullPath } });
});
