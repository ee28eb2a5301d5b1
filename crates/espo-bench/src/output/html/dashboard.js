"use strict";
(() => {
  const steps = [];
  const by = (id) => document.getElementById(id);
  const text = (id, value) => { by(id).textContent = value; };
  const count = (n) => Math.round(n).toLocaleString("en");
  const rate = (v) => (v >= 10 || v === 0 ? count(v) : v.toFixed(1)) + "/s";
  const time = (us) => {
    if (us === null || us === undefined) return "–";
    if (us < 1e3) return us.toFixed(0) + " µs";
    if (us < 1e4) return (us / 1e3).toFixed(2) + " ms";
    if (us < 1e5) return (us / 1e3).toFixed(1) + " ms";
    if (us < 1e6) return (us / 1e3).toFixed(0) + " ms";
    return (us / 1e6).toFixed(2) + " s";
  };
  const seconds = (s) => (s < 120 ? s.toFixed(0) + " s" : Math.floor(s / 60) + " min " + (s % 60).toFixed(0) + " s");
  const states = {
    preparing: "preparing", running: "running", cleaning_up: "deleting the records of the run",
    ended: "ended", failed: "ended without a report: see the terminal",
  };

  // Charts: SVG in a fixed coordinate system, redrawn with each message.
  const NS = "http://www.w3.org/2000/svg";
  const node = (name, attributes, content) => {
    const made = document.createElementNS(NS, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (content !== undefined) made.textContent = content;
    return made;
  };
  const charts = {
    latency: { log: true, show: time, lines: [["p50", 0, (s) => s.p50], ["p95", 4, (s) => s.p95], ["p99", 1, (s) => s.p99]] },
    rate: { show: rate, lines: [["responses", 0, (s) => s.rate], ["target", 3, (s) => s.target]] },
    flight: { show: (v) => (v >= 10 ? count(v) : String(Math.round(v * 10) / 10)), lines: [["in flight", 5, (s) => s.in_flight], ["failed per second", 2, (s) => s.failed]] },
  };
  const niceSteps = (low, high, log) => {
    const out = [];
    if (log) {
      const wide = Math.log10(high / low) > 2.5;
      for (let d = Math.floor(Math.log10(low)); d <= Math.ceil(Math.log10(high)); d++)
        for (const m of wide ? [1] : [1, 2, 5]) {
          const v = m * 10 ** d;
          if (v >= low && v <= high) out.push(v);
        }
      return out;
    }
    const raw = (high - low) / 4 || 1;
    const decade = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * decade).find((s) => s >= raw);
    for (let v = Math.ceil(low / step) * step; v <= high * 1.0001; v += step) out.push(v);
    return out;
  };
  // At most this many points are drawn; the largest value of each group is kept, so that peaks stay visible.
  const MAX_POINTS = 600;
  const thin = (points) => {
    const size = Math.ceil(points.length / MAX_POINTS);
    if (size <= 1) return points;
    const out = [];
    for (let i = 0; i < points.length; i += size)
      out.push(points.slice(i, i + size).reduce((a, b) => (b[1] > a[1] ? b : a)));
    return out;
  };
  const draw = (id) => {
    const chart = charts[id];
    const figure = by(id);
    const plot = figure.querySelector(".plot");
    const width = Math.max(280, plot.clientWidth), height = 220, left = 62, right = 10, top = 8, bottom = 24;
    const lines = chart.lines.map(([name, colour, value]) => ({
      name, colour, points: thin(steps.map((s) => [s.at, value(s)]).filter((p) => p[1] !== null && p[1] !== undefined)),
    })).filter((line) => line.points.length);
    const legend = figure.querySelector(".legend");
    legend.replaceChildren(...lines.map((line) => {
      const entry = document.createElement("span"), swatch = document.createElement("i");
      swatch.className = "swatch c" + line.colour;
      entry.append(swatch, line.name);
      return entry;
    }));
    const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": lines.map((l) => l.name).join(", ") });
    if (!lines.length) {
      svg.append(node("text", { x: left, y: height / 2 }, "no response yet"));
      plot.replaceChildren(svg);
      return;
    }
    const values = lines.flatMap((l) => l.points.map((p) => p[1]));
    let low = chart.log ? Math.max(1, Math.min(...values)) * 0.8 : 0;
    let high = Math.max(...values, chart.log ? low * 2 : 1e-9) * (chart.log ? 1.25 : 1.08);
    const last = Math.max(1, steps[steps.length - 1].at);
    const x = (v) => left + (v / last) * (width - left - right);
    const scale = chart.log ? Math.log10 : (v) => v;
    const y = (v) => height - bottom - ((scale(Math.max(v, low)) - scale(low || (chart.log ? 1 : 0))) / ((scale(high) - scale(low || (chart.log ? 1 : 0))) || 1)) * (height - top - bottom);
    for (const tick of niceSteps(low, high, chart.log)) {
      svg.append(node("line", { class: "rule", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
      svg.append(node("text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, chart.show(tick)));
    }
    for (const tick of niceSteps(0, last, false))
      svg.append(node("text", { x: x(tick), y: height - 6, "text-anchor": tick === 0 ? "start" : "middle" }, tick + " s"));
    for (const line of lines) {
      if (line.points.length === 1)
        svg.append(node("circle", { cx: x(line.points[0][0]), cy: y(line.points[0][1]), r: 3, style: `fill:var(--c${line.colour})` }));
      else
        svg.append(node("polyline", { class: "line", style: `stroke:var(--c${line.colour})`, points: line.points.map((p) => x(p[0]).toFixed(1) + "," + y(p[1]).toFixed(1)).join(" ") }));
    }
    const cursor = node("line", { class: "cursor", y1: top, y2: height - bottom, visibility: "hidden" });
    const title = node("title", {});
    svg.append(cursor, title);
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const at = ((event.clientX - box.left) * (width / box.width) - left) / (width - left - right) * last;
      const step = steps.reduce((a, b) => (Math.abs(b.at - at) < Math.abs(a.at - at) ? b : a));
      cursor.setAttribute("x1", x(step.at)); cursor.setAttribute("x2", x(step.at)); cursor.setAttribute("visibility", "visible");
      title.textContent = step.at + " s\n" + chart.lines.map(([name, , value]) => name + ": " + (value(step) === null ? "–" : chart.show(value(step)))).join("\n");
    });
    svg.addEventListener("pointerleave", () => cursor.setAttribute("visibility", "hidden"));
    plot.replaceChildren(svg);
  };

  const row = (cells) => {
    const tr = document.createElement("tr");
    for (const [value, className] of cells) {
      const td = document.createElement("td");
      const isBadge = className && className.startsWith("badge");
      const holder = isBadge ? td.appendChild(document.createElement("span")) : td;
      holder.textContent = value;
      if (className) holder.className = className;
      tr.append(td);
    }
    return tr;
  };
  const fill = (id, rows) => {
    by(id).hidden = !rows.length;
    by(id).querySelector("tbody").replaceChildren(...rows);
  };
  const show = (now) => {
    text("stage", now.stage + ", " + seconds(now.elapsed) + (now.total ? " of " + seconds(now.total) : ""));
    by("progress").hidden = !now.total;
    if (now.total) by("progress").value = Math.min(1, now.elapsed / now.total);
    text("requests", count(now.requests));
    text("failed", count(now.failed) + " (" + ((now.failed * 100) / Math.max(1, now.requests)).toFixed(2) + " %)");
    text("in-flight", count(now.in_flight));
    for (const key of ["p50", "p95", "p99", "max"]) text(key, now.times ? time(now.times[key]) : "–");
    fill("slos", now.slos.map((slo) => row([[slo.expression], [slo.measured || "nothing measured", "n"], [!slo.measured ? "no data yet" : slo.held ? "met" : "missed", !slo.measured ? "badge" : slo.held ? "badge good" : "badge bad"]])));
    fill("errors", now.errors.map((e) => row([[count(e.count), "n"], [e.operation], [e.kind], [e.sample]])));
    by("operations").querySelector("tbody").replaceChildren(...now.operations.map((o) => {
      const times = o.times || {};
      return row([[o.name + (o.is_chain ? " (chain)" : "")], [count(o.count), "n"], [count(o.failed), o.failed ? "n wrong" : "n"], ...["p50", "p95", "p99", "max"].map((k) => [time(times[k]), "n"])]);
    }));
    const more = now.operation_count - now.operations.length;
    text("shown", more > 0 ? `The ${now.operations.length} operations with the most requests; ${count(more)} more are in the report.` : "");
  };
  const badge = (word, isBad) => {
    const badge = by("state");
    if (!badge) return;
    badge.textContent = word;
    badge.className = "badge " + (isBad ? "bad" : "good");
  };

  let source, frame;
  const receive = (event) => {
    const message = JSON.parse(event.data);
    if (message.report !== null) {
      source.close();
      by("live").innerHTML = message.report;
      document.body.dataset.state = "ended";
      return;
    }
    steps.push(...message.steps);
    document.body.dataset.state = message.state;
    badge(states[message.state], message.state === "failed");
    if (message.state === "failed") source.close();
    if (message.now) show(message.now);
    if (steps.length) text("rate-now", rate(steps[steps.length - 1].rate));
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => Object.keys(charts).forEach(draw));
  };
  const connect = () => {
    steps.length = 0;
    source = new EventSource("events");
    source.onmessage = receive;
    source.onerror = () => {
      source.close();
      badge("connection lost", true);
      document.body.dataset.state = "lost";
      setTimeout(connect, 1000);
    };
  };
  addEventListener("resize", () => { if (by("latency")) Object.keys(charts).forEach(draw); });
  connect();
})();
