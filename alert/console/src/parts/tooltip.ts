/** The tooltip of every chart over time. */
/** The colours of the theme, by the names of the custom properties. */
export type Palette = (name: string) => string;

/** `lines` says what stands in it for the bar under the pointer. */
export function tooltip(palette: Palette, lines: (index: number) => string[]) {
  return {
    trigger: "axis",
    // Drawn on the canvas, so that no text is ever read as HTML.
    renderMode: "richText",
    confine: true,
    axisPointer: { type: "line", lineStyle: { color: palette("--line-strong"), width: 1 } },
    backgroundColor: palette("--raised"),
    borderColor: palette("--line-strong"),
    padding: [6, 10],
    textStyle: { color: palette("--text"), fontSize: 12, lineHeight: 18 },
    formatter: (items: { dataIndex: number }[]) => lines(items[0]?.dataIndex ?? -1).join("\n"),
  };
}
