"use strict";
(() => {
  const theme = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const now = document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  });

  // Paper cannot be clicked: all tables are opened for it and closed again afterwards.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.values:not([open])")];
    opened.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((details) => { details.open = false; }));

  const panel = document.getElementById("draw");
  const picture = document.getElementById("picture");
  const layer = document.getElementById("drawing");
  const nameField = document.getElementById("draw-name");
  const said = document.getElementById("draw-said");
  const list = document.getElementById("draw-shapes");
  const [, , WIDTH, HEIGHT] = picture.getAttribute("viewBox").split(" ").map(Number);
  const plainLabel = picture.getAttribute("aria-label");
  const shapes = [];
  let points = [];
  let cross = null;
  let made = { line: 0, zone: 0 };
  panel.hidden = false;

  const kind = () => document.querySelector('input[name="shape"]:checked').value;
  const nextName = () => `${kind()}-${made[kind()] + 1}`;
  const clamp = (value) => Math.min(1, Math.max(0, value));
  const fixed = (value) => value.toFixed(3);
  const say = (text) => { said.textContent = text; };
  const at = ([x, y]) => [x * WIDTH, y * HEIGHT];

  function make(tag, attributes, parent) {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    parent.append(node);
    return node;
  }

  // Forward is from the left of a→b to its right, in the true shape of the picture.
  function drawArrow(parent, a, b) {
    const [ax, ay] = at(a), [bx, by] = at(b);
    const long = Math.hypot(bx - ax, by - ay);
    if (!long) return;
    const nx = -(by - ay) / long, ny = (bx - ax) / long;
    const mx = (ax + bx) / 2, my = (ay + by) / 2;
    const hx = mx + nx * 52, hy = my + ny * 52, kx = mx + nx * 32, ky = my + ny * 32;
    for (const look of ["arrow-casing", "arrow"]) {
      const group = make("g", { class: look }, parent);
      make("path", { d: `M${mx} ${my}L${kx} ${ky}` }, group);
      const d = `M${hx} ${hy}L${kx - ny * 12} ${ky + nx * 12}L${kx + ny * 12} ${ky - nx * 12}Z`;
      make("path", { d, class: "head" }, group);
    }
    parent.dataset.forward = `${nx.toFixed(2)} ${ny.toFixed(2)}`;
  }

  function drawShape(shape, done) {
    const group = make("g", { class: shape.kind }, layer);
    const d = shape.points.map((p) => at(p).join(" ")).join("L");
    const closed = shape.kind === "zone" && done ? "Z" : "";
    if (closed) make("path", { d: `M${d}Z`, class: "area" }, group);
    for (const look of ["casing", "stroke"]) make("path", { d: `M${d}${closed}`, class: look }, group);
    if (shape.kind === "line" && shape.points.length > 1) drawArrow(group, ...shape.points);
    for (const p of done ? [] : points) {
      const [cx, cy] = at(p);
      make("circle", { cx, cy, r: 8, class: "dot" }, layer);
    }
    if (done) {
      const [x, y] = at(shape.points[0]);
      const label = make("g", { class: "label" }, layer);
      const text = make("text", { x: Math.min(x + 12, WIDTH - 160), y: Math.max(30, y - 14) }, label);
      text.textContent = shape.name;
    }
  }

  function draw() {
    layer.replaceChildren();
    shapes.forEach((shape) => drawShape(shape, true));
    const started = points.length ? [...points, ...(cross ? [cross] : [])] : [];
    if (started.length) drawShape({ kind: kind(), points: started }, false);
    if (cross) {
      const [x, y] = at(cross);
      for (const look of ["cross-casing", "cross"]) {
        make("path", { d: `M${x - 16} ${y}H${x + 16}M${x} ${y - 16}V${y + 16}`, class: look }, layer);
      }
    }
  }

  function finish() {
    const name = nameField.value.trim() || nextName();
    const taken = shapes.some((shape) => shape.name === name);
    if (taken || name.includes("=")) {
      const fault = taken ? `There is a shape named ${name} already` : "A name cannot hold an equals sign";
      say(`${fault}. Choose another name, then set the last point again.`);
      points.pop();
      return draw();
    }
    made[kind()] += 1;
    shapes.push({ kind: kind(), name, points });
    say(`${kind()} ${name} is drawn.`);
    points = [];
    cross = null;
    nameField.value = nextName();
    show();
  }

  function add(point) {
    const [x, y] = at(point);
    const near = (other) => Math.hypot(x - at(other)[0], y - at(other)[1]) < 14;
    if (kind() === "zone" && points.length > 2 && near(points[0])) return finish();
    if (points.length && near(points[points.length - 1])) return;
    points.push(point);
    say(`Point ${points.length} at ${fixed(point[0])}, ${fixed(point[1])}.`);
    if (kind() === "line" && points.length === 2) return finish();
    draw();
  }

  function crosses(polygon) {
    const side = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
    const count = polygon.length;
    for (let i = 0; i < count; i += 1) {
      for (let j = i + 2; j < count; j += 1) {
        if (i === 0 && j === count - 1) continue;
        const [a, b, c, d] = [polygon[i], polygon[(i + 1) % count], polygon[j], polygon[(j + 1) % count]];
        if (side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b)) return true;
      }
    }
    return false;
  }

  const button = (text, act) => {
    const node = document.createElement("button");
    node.type = "button";
    node.textContent = text;
    node.addEventListener("click", act);
    return node;
  };

  function field(shape, number, axis) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "number", min: 0, max: 1, step: 0.001, value: fixed(shape.points[number][axis]) });
    input.addEventListener("change", () => {
      shape.points[number][axis] = clamp(Number(input.value) || 0);
      input.value = fixed(shape.points[number][axis]);
      draw();
      write();
    });
    label.append(`${"xy"[axis]}${number + 1} `, input);
    return label;
  }

  function show() {
    list.replaceChildren(...shapes.map((shape, place) => {
      const box = document.createElement("fieldset");
      box.className = "shape";
      const legend = document.createElement("legend");
      legend.textContent = `${shape.kind} ${shape.name}`;
      box.append(legend);
      shape.points.forEach((_, number) => box.append(field(shape, number, 0), field(shape, number, 1)));
      if (shape.kind === "line") {
        box.append(button("Turn arrow round", () => { shape.points.reverse(); show(); }));
      } else if (crosses(shape.points)) {
        const bad = document.createElement("span");
        bad.className = "bad";
        bad.textContent = "Its edges cross: draw it again.";
        box.append(bad);
      }
      box.append(button("Remove", () => { shapes.splice(place, 1); show(); }));
      return box;
    }));
    draw();
    write();
  }

  const flat = (shape) => shape.points.flat().map(fixed).join(",");
  const quoted = (text) => /^[\w.=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
  const key = (name) => /^[A-Za-z_][\w-]*$/.test(name) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(name)
    ? name : JSON.stringify(name);

  function write() {
    document.getElementById("draw-out").hidden = !shapes.length;
    document.getElementById("draw-cli").value = shapes
      .map((shape) => `--${shape.kind} ${quoted(`${shape.name}=${flat(shape)}`)}`).join(" ");
    const yaml = []; // indented as it stands under a camera
    for (const one of ["line", "zone"]) {
      const chosen = shapes.filter((shape) => shape.kind === one);
      if (chosen.length) yaml.push(`    ${one}s:`);
      for (const shape of chosen) {
        const pairs = shape.points.map((p) => `[${p.map(fixed).join(", ")}]`).join(", ");
        yaml.push(`      ${key(shape.name)}: [${pairs}]`);
      }
    }
    document.getElementById("draw-yaml").value = yaml.join("\n");
  }

  function place(event) {
    const box = picture.getBoundingClientRect();
    // The drawing keeps its shape inside its box: where the box is wider, it stands in the middle.
    const scale = Math.min(box.width / WIDTH, box.height / HEIGHT);
    const left = box.left + (box.width - WIDTH * scale) / 2;
    const top = box.top + (box.height - HEIGHT * scale) / 2;
    return [clamp((event.clientX - left) / scale / WIDTH), clamp((event.clientY - top) / scale / HEIGHT)];
  }

  // A still of the reader's own lies over the empty street while it is drawn on. It is an address
  // of this tab's memory and no part of the page: nothing of it is in a copy that is saved.
  const stillField = document.getElementById("draw-still");
  function showStill() {
    const old = document.getElementById("still");
    if (old) {
      URL.revokeObjectURL(old.getAttribute("href"));
      old.remove();
    }
    const [file] = stillField.files;
    if (!file) return;
    const still = make("image", { id: "still", width: WIDTH, height: HEIGHT, preserveAspectRatio: "none" }, picture);
    still.setAttribute("href", URL.createObjectURL(file));
    picture.firstElementChild.after(still);
  }
  stillField.addEventListener("change", showStill);

  panel.addEventListener("toggle", () => {
    picture.classList.toggle("drawing", panel.open);
    if (panel.open) {
      picture.setAttribute("tabindex", "0");
      picture.setAttribute("role", "application");
      picture.setAttribute("aria-label", "Picture to draw on. Arrow keys move the cross, Enter sets a point.");
      picture.setAttribute("aria-describedby", "draw-help");
    } else {
      picture.removeAttribute("tabindex");
      picture.setAttribute("role", "img");
      picture.setAttribute("aria-label", plainLabel);
      picture.removeAttribute("aria-describedby");
      cross = null;
      stillField.value = "";
      showStill();
      draw();
    }
  });
  picture.addEventListener("click", (event) => { if (panel.open) add(place(event)); });
  picture.addEventListener("pointermove", (event) => {
    if (!panel.open || !points.length || event.pointerType === "touch") return;
    cross = place(event);
    draw();
  });
  picture.addEventListener("keydown", (event) => {
    if (!panel.open) return;
    const size = event.shiftKey ? 0.001 : 0.01;
    const moves = { ArrowLeft: [-size, 0], ArrowRight: [size, 0], ArrowUp: [0, -size], ArrowDown: [0, size] };
    if (moves[event.key]) {
      cross = cross || [0.5, 0.5];
      cross = cross.map((value, axis) => clamp(value + moves[event.key][axis]));
      say(`Cross at ${cross.map(fixed).join(", ")}.`);
      draw();
    } else if (event.key === "Enter" || event.key === " ") {
      cross = cross || [0.5, 0.5];
      add([...cross]);
    } else if (event.key === "Backspace") {
      points.pop();
      draw();
    } else if (event.key === "Escape") {
      cross = null;
      points = [];
      draw();
    } else {
      return;
    }
    event.preventDefault();
  });
  document.getElementById("draw-undo").addEventListener("click", () => { points.pop(); draw(); });
  document.getElementById("draw-close").addEventListener("click", () => {
    if (kind() === "zone" && points.length > 2) finish();
    else say("A zone needs three points at least.");
  });
  document.querySelectorAll('input[name="shape"]').forEach((radio) => radio.addEventListener("change", () => {
    points = [];
    nameField.value = nextName();
    draw();
  }));
  document.querySelectorAll("[data-copy]").forEach((node) => node.addEventListener("click", async () => {
    const area = document.getElementById(node.dataset.copy);
    try {
      await navigator.clipboard.writeText(area.value);
    } catch {
      area.select();
      document.execCommand("copy");
    }
    node.textContent = "Copied";
    setTimeout(() => { node.textContent = "Copy"; }, 1500);
  }));
})();
