// What a browser sees of a page that is wrong: called by `looking` in each page. Findings are pairs of a kind and words;
// texts are judged in Python.
() => {
  const root = document.documentElement, width = root.clientWidth, found = [];
  const say = (kind, words) => found.push([kind, words]);
  const short = (text) => text.replace(/\s+/g, " ").trim().slice(0, 60);
  const called = (one) => {
    const classes = [...one.classList].slice(0, 2).map((each) => `.${each}`).join("");
    return `<${one.localName}${classes}>`;
  };

  // Texts that can be seen, with their boxes. What is only for readers, closed, or floats above is left out.
  const clippers = new Map();
  const clipper = (one) => {
    if (!one || one === root || one === document.body) return null;
    if (!clippers.has(one)) {
      const style = getComputedStyle(one);
      const clips = style.overflowX !== "visible" || style.overflowY !== "visible";
      clippers.set(one, clips ? one : clipper(one.parentElement));
    }
    return clippers.get(one);
  };
  const floats = (one) => {
    for (; one && one !== document.body; one = one.parentElement) {
      if (["fixed", "sticky", "absolute"].includes(getComputedStyle(one).position)) return true;
    }
    return false;
  };
  const texts = [], boxes = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, text = node.data.replace(/\s+/g, " ").trim(), one = node.parentElement;
    if (!text || one.closest("script, style, template, noscript")) continue;
    if (!one.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const raw = Boolean(one.closest(".code, code, pre, kbd, samp, .copyable, textarea, [data-raw], option"));
    const own = Boolean(one.closest("bdi, [lang]:not(html), [dir=auto], [translate=no], blockquote"));
    texts.push([text, raw, own]);
    if (one.closest(".hidden, .skip, select, textarea") || floats(one)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const clip = clipper(one)?.getBoundingClientRect();
    for (const box of range.getClientRects()) {
      let { left, right, top, bottom } = box;
      // Letters fill about the inner half of a line's box.
      const air = (bottom - top) / 4;
      top += air;
      bottom -= air;
      if (clip) {
        left = Math.max(left, clip.left);
        right = Math.min(right, clip.right);
        top = Math.max(top, clip.top);
        bottom = Math.min(bottom, clip.bottom);
      }
      if (right - left > 3 && bottom - top > 2) boxes.push({ left, right, top, bottom, node, text });
    }
  }
  for (const one of document.querySelectorAll("[aria-label], [title], [placeholder], [alt]")) {
    for (const name of ["aria-label", "title", "placeholder", "alt"]) {
      if (one.getAttribute(name)) texts.push([one.getAttribute(name), Boolean(one.closest(".code")), false]);
    }
  }
  texts.push([document.title, false, true]);

  // Wider than the window.
  if (root.scrollWidth > width) {
    let culprit = null;
    for (const one of document.querySelectorAll("body *")) {
      const box = one.getBoundingClientRect();
      if (box.width && (box.right > width + 1 || box.left < -1) && !clipper(one) && !one.closest(".skip, .hidden")) culprit = one;
    }
    say("overflow", `${root.scrollWidth - width} px wider than the window: ${culprit ? `${called(culprit)} ${short(culprit.textContent)}` : "?"}`);
  }

  // Text that is cut, and text that leaves its box.
  for (const one of document.querySelectorAll("body *")) {
    if (one.closest("svg, select, .hidden, .skip") || !one.checkVisibility()) continue;
    const style = getComputedStyle(one);
    if (style.display === "inline" || style.display === "contents") continue;
    const words = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!words || one.clientWidth < 2) continue;
    const wide = one.scrollWidth > one.clientWidth + 1, tall = one.scrollHeight > one.clientHeight + 4;
    if (wide && ["hidden", "clip"].includes(style.overflowX)) {
      const told = one.closest("[title], .copyable");
      say(style.textOverflow === "ellipsis" && told ? "shortened" : "cut", `${called(one)} ${short(one.textContent)}`);
    } else if (wide && style.overflowX === "visible") {
      say("leaves", `${called(one)} ${short(one.textContent)}`);
    } else if (tall && ["hidden", "clip"].includes(style.overflowY)) {
      say("cut", `${called(one)} ${short(one.textContent)} (from below)`);
    }
  }

  // The chosen words of a select, which leave no box behind; whoever opens it reads them whole.
  const pen = document.createElement("canvas").getContext("2d"), arrow = 18;
  for (const one of document.querySelectorAll("select")) {
    if (!one.checkVisibility() || !one.selectedOptions.length || one.size > 1) continue;
    const style = getComputedStyle(one), text = short(one.selectedOptions[0].textContent);
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const room = one.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - arrow;
    if (pen.measureText(text).width > room + 1) say("shortened", `${called(one)} ${text}`);
  }

  // Text upon text.
  boxes.sort((a, b) => a.top - b.top);
  const upon = new Set();
  for (let i = 0; i < boxes.length && upon.size < 5; i += 1) {
    for (let j = i + 1; j < boxes.length && boxes[j].top < boxes[i].bottom; j += 1) {
      const a = boxes[i], b = boxes[j];
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - b.top;
      if (a.node !== b.node && across > 3 && down > 2) upon.add(`“${short(a.text)}” and “${short(b.text)}”`);
    }
  }
  for (const both of upon) say("overlap", both);

  // Headings, pictures, links.
  for (const one of document.querySelectorAll("h1, h2, h3, h4, summary, legend, label, th, button, a[href]")) {
    if (!one.checkVisibility() || one.closest("[hidden]")) continue;
    const silent = !one.textContent.trim() && !one.getAttribute("aria-label") && !one.querySelector("img[alt], input, [aria-label], title");
    if (silent) say("empty", `${called(one)} in ${called(one.parentElement)}`);
  }
  if (document.querySelectorAll("h1").length !== 1) say("headings", `${document.querySelectorAll("h1").length} first headings`);
  for (const image of document.images) {
    if (image.complete && !image.naturalWidth && image.loading !== "lazy") say("picture", `${image.getAttribute("src")} is not there`);
    if (!image.hasAttribute("alt")) say("picture", `${image.getAttribute("src")} has no words`);
  }
  for (const link of document.querySelectorAll("a[href]")) {
    const to = link.getAttribute("href");
    if (!to || to === "#" || to.startsWith("javascript:") || (to.startsWith("#") && !document.getElementById(decodeURIComponent(to.slice(1))))) {
      say("nowhere", `${to || "nothing"}: ${short(link.textContent)}`);
    }
  }
  const ids = new Set();
  for (const one of document.querySelectorAll("[id]")) {
    if (ids.has(one.id)) say("id", `“${one.id}” stands twice`);
    ids.add(one.id);
  }

  return {
    found,
    texts,
    language: root.lang,
    direction: getComputedStyle(document.body).direction,
    main: document.querySelector("main")?.innerText ?? "",
    height: root.scrollHeight,
  };
}
