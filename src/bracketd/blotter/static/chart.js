// The chart: Apache ECharts with the prices of one instrument, and the lines of the chosen bracket.

import { echarts } from "./echarts/index.js";
import { timeOfDay } from "./element.js";
import { shown } from "./money.js";

const POINTS_MAX = 1_500;
const DRAW_MS = 200;
const SPAN_MS = 10_000;
const KINDS = { entry: "--accent", target: "--good", stop: "--bad" };

export class Chart {
  #element;
  #drawn;
  #points = new Map();
  #token = 0;
  #name = "";
  #lines = [];
  #timer = 0;

  constructor(element) {
    this.#element = element;
    this.#drawn = echarts.init(element, null, { renderer: "canvas" });
    new ResizeObserver(() => this.#drawn.resize()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** Keep a quote of any instrument; `quote.last` is paise. */
  add(quote) {
    const points = this.#points.get(quote.token) ?? [];
    points.push([Date.now(), quote.last / 100]);
    if (points.length > POINTS_MAX) points.splice(0, points.length - POINTS_MAX);
    this.#points.set(quote.token, points);
    if (quote.token === this.#token) this.#soon();
  }

  /** Show an instrument, with lines of [{name, kind, paise}]. */
  look(token, name, lines) {
    this.#token = token;
    this.#name = name;
    this.#lines = lines.filter((line) => line.paise > 0);
    this.#soon();
  }

  clear() {
    this.#points.clear();
    this.look(0, "", []);
  }

  #soon() {
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      this.#draw();
    }, DRAW_MS);
  }

  #draw() {
    const style = getComputedStyle(this.#element);
    const colour = (name) => style.getPropertyValue(name).trim();
    const points = this.#points.get(this.#token) ?? [];
    const prices = [...points.map((point) => point[1]), ...this.#lines.map((line) => line.paise / 100)];
    const lowest = prices.length ? Math.min(...prices) : 0;
    const highest = prices.length ? Math.max(...prices) : 1;
    const room = Math.max((highest - lowest) * 0.12, 0.1);
    const ink = colour("--quiet");
    const edge = colour("--edge");
    this.#element.setAttribute("aria-label", this.#inWords(points));
    this.#drawn.setOption(
      {
        animation: false,
        grid: { left: 12, right: 118, top: 14, bottom: 8, containLabel: true },
        xAxis: {
          type: "time",
          min: Math.min(points[0]?.[0] ?? Infinity, Date.now() - SPAN_MS),
          max: Date.now(),
          axisLabel: { color: ink, hideOverlap: true, formatter: (ms) => timeOfDay(ms / 1000) },
          axisLine: { lineStyle: { color: edge } },
        },
        yAxis: {
          type: "value",
          min: Number((lowest - room).toFixed(2)),
          max: Number((highest + room).toFixed(2)),
          axisLabel: { color: ink, showMinLabel: false, showMaxLabel: false },
          splitLine: { lineStyle: { color: edge } },
        },
        series: [
          {
            type: "line",
            data: points,
            showSymbol: points.length < 2,
            silent: true,
            lineStyle: { color: colour("--ink"), width: 1.6 },
            itemStyle: { color: colour("--ink") },
            markLine: {
              symbol: "none",
              silent: true,
              animation: false,
              data: this.#lines.map((line) => ({
                yAxis: line.paise / 100,
                lineStyle: { color: colour(KINDS[line.kind]), type: line.kind === "entry" ? "solid" : "dashed", width: 1.6 },
                label: {
                  formatter: `${line.name} ${shown(line.paise)}`,
                  position: "end",
                  color: colour(KINDS[line.kind]),
                  fontWeight: 600,
                },
              })),
            },
          },
        ],
      },
      true,
    );
  }

  /** What the picture shows, for those who cannot see it. */
  #inWords(points) {
    const last = points.at(-1);
    const lines = this.#lines.map((line) => `${line.name} ${shown(line.paise)}`).join(", ");
    return `${this.#name || "No instrument"}: ${last ? `last ${shown(Math.round(last[1] * 100))}` : "no price yet"}${lines ? `; ${lines}` : ""}`;
  }
}
