/** What every chart on a canvas does alike. */
import type { EChartsCoreOption } from "echarts/core";
import { onBeforeUnmount, onMounted, shallowRef, watch, type Ref, type WatchSource } from "vue";
import { zone } from "../state/clock";
import { language, theme } from "../state/prefs";
import { init, type ECharts } from "./echarts";
import type { Palette } from "./tooltip";

/**
 * Draws a chart into an element, and again when its size, the theme, the language, the timezone or one of `sources` changes.
 */
export function useCanvas(
  element: Ref<HTMLElement | null>,
  sources: WatchSource[],
  option: (width: number, palette: Palette) => EChartsCoreOption,
): void {
  const chart = shallowRef<ECharts | null>(null);
  let observer: ResizeObserver | null = null;

  function draw(): void {
    const root = element.value;
    if (!root || !chart.value) return;
    const style = getComputedStyle(document.documentElement);
    const palette = (name: string) => style.getPropertyValue(name).trim();
    chart.value.setOption(option(root.clientWidth, palette), { notMerge: true });
  }

  onMounted(() => {
    const root = element.value!;
    chart.value = init(root, null, { renderer: "canvas" });
    observer = new ResizeObserver(() => {
      chart.value?.resize();
      draw();
    });
    observer.observe(root);
  });

  // After the theme's attribute has reached the document, hence `post`.
  watch([...sources, theme, language, zone], draw, { flush: "post" });

  onBeforeUnmount(() => {
    observer?.disconnect();
    chart.value?.dispose();
  });
}
