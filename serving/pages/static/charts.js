// Charts of numbers that also stand in tables.
"use strict";

(() => {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const base = {
    animation: false,
    color: [colour("--accent"), colour("--alarm"), "#8a6100", "#17633a", "#5a3a6b"],
    textStyle: { fontFamily: "inherit", color: colour("--ink") },
    grid: { left: 8, right: 16, top: 32, bottom: 8, containLabel: true },
    // As rich text: names from outside never become HTML.
    tooltip: { trigger: "axis", renderMode: "richText" },
    aria: { enabled: true },
  };
  for (const element of document.querySelectorAll("[data-chart]")) {
    const given = JSON.parse(document.getElementById(element.dataset.chart).textContent);
    const chart = echarts.init(element, null, { renderer: "canvas" });
    const names = { type: "category", data: given.names, inverse: Boolean(given.across), axisLabel: { hideOverlap: true } };
    const numbers = { type: "value", minInterval: 1 };
    chart.setOption({
      ...base,
      legend: { show: given.series.length > 1, type: "scroll", top: 0 },
      xAxis: given.across ? numbers : names,
      yAxis: given.across ? names : numbers,
      series: given.series.map((each) => ({
        name: each.name,
        type: given.kind,
        stack: given.stacked ? "all" : undefined,
        data: each.data,
        barMaxWidth: 28,
        showSymbol: given.names.length < 40,
      })),
    });
    addEventListener("resize", () => chart.resize());
  }
})();
