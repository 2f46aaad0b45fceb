// Draws the charts of a page from the data beside them, in the colours of the present theme.
// Tooltips are drawn on the canvas too: as HTML they would need inline style, which is not allowed.
const drawn = new Map();

function colour(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name}, var(--series-4))`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function options(data) {
  const language = document.documentElement.lang;
  const ink = colour("ink-soft");
  const line = colour("line");
  const format = new Intl.NumberFormat(
    language,
    data.percent ? { style: "percent", maximumFractionDigits: 0 } : {},
  );
  const short = new Intl.NumberFormat(
    language,
    data.percent ? { style: "percent", maximumFractionDigits: 0 } : { notation: "compact" },
  );
  const isNarrow = window.innerWidth < 700;
  const text = { color: ink, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 };
  const names = {
    type: "category",
    data: data.labels,
    axisLabel: { ...text, hideOverlap: true },
    axisLine: { lineStyle: { color: line } },
    axisTick: { show: false },
    inverse: data.lying,
  };
  const values = (isRight) => ({
    type: "value",
    axisLabel: { ...text, formatter: (value) => short.format(Math.abs(value)) },
    splitLine: { show: !isRight, lineStyle: { color: line } },
    minInterval: data.percent ? 0 : 1,
    max: data.percent ? 1 : null,
  });
  const hasRight = data.series.some((one) => one.right);
  const across = hasRight ? [values(false), values(true)] : values(false);
  return {
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    animationDuration: 350,
    textStyle: text,
    grid: { left: 4, right: data.lying ? 24 : 8, top: 12, bottom: data.series.length > 4 ? 52 : 34, containLabel: true },
    legend: {
      type: isNarrow ? "scroll" : "plain", bottom: 0, left: 0, itemWidth: 12, itemHeight: 8, itemGap: 14, icon: "roundRect",
      textStyle: text, pageTextStyle: text, pageIconColor: ink, pageIconInactiveColor: line,
    },
    tooltip: {
      trigger: "axis", renderMode: "richText", confine: true,
      axisPointer: { type: data.series.some((one) => one.kind === "bar") ? "shadow" : "line" },
      backgroundColor: colour("raised"), borderColor: line, textStyle: { ...text, color: colour("ink") },
      valueFormatter: (value) => (value == null ? "–" : format.format(Math.abs(value))),
    },
    xAxis: data.lying ? across : names,
    yAxis: data.lying ? names : across,
    series: data.series.map((one) => ({
      name: one.name,
      data: one.values,
      type: one.kind === "bar" ? "bar" : "line",
      stack: one.stack ?? undefined,
      yAxisIndex: one.right ? 1 : 0,
      color: colour(one.colour),
      barMaxWidth: 34,
      symbol: "none",
      lineStyle: { width: 2 },
      emphasis: { focus: "none" },
    })),
  };
}

function draw() {
  for (const place of document.querySelectorAll("[data-chart]")) {
    const data = JSON.parse(document.getElementById(place.dataset.chart).textContent);
    if (!drawn.has(place)) drawn.set(place, window.echarts.init(place, null, { renderer: "canvas" }));
    drawn.get(place).setOption(options(data), true);
  }
}

draw();
new ResizeObserver(() => drawn.forEach((chart) => chart.resize())).observe(document.body);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
