/* What scripts add: copying, a guard against the second click, keys for the desk. Every page works without it. */
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const before = [...button.childNodes];
    button.classList.add("done");
    button.replaceChildren(button.dataset.done);
    setTimeout(() => {
      button.classList.remove("done");
      button.replaceChildren(...before);
    }, 1500);
  });
}

/* A form that makes something is sent once; its key makes a second sending harmless all the same. */
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    const button = form.querySelector("button:not([type=button])");
    if (button.getAttribute("aria-busy") === "true") event.preventDefault();
    button.setAttribute("aria-busy", "true");
  });
}
/* Coming back to a page by the back button finds its forms ready again. */
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

/* A part that goes on by itself is read again, and it alone is changed: what is typed elsewhere stays. */
const lookAgain = (part) => {
  const seconds = Number(part.dataset.again);
  if (seconds) setTimeout(() => (document.hidden ? lookAgain(part) : renew(part)), seconds * 1000);
};
const renew = async (part) => {
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const page = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
    const fresh = page.getElementById(part.id);
    if (fresh && fresh.dataset.stage !== part.dataset.stage) {
      location.reload();
      return;
    }
    if (fresh && !part.contains(document.activeElement)) {
      part.replaceWith(fresh);
      part = fresh;
    }
  } catch {
    /* Without a network it is tried again. */
  }
  lookAgain(part);
};
for (const part of document.querySelectorAll("[data-again]")) lookAgain(part);

/* What the percentages of a pool add up to, while they are typed. */
const addUp = (total) => {
  const fields = total.closest("form").elements;
  let sum = 0;
  let shared = false;
  for (const kind of total.closest("form").querySelectorAll(`[name^="${total.dataset.total}.prizes."][name$=".kind"]`)) {
    if (kind.value !== "share") continue;
    const of = (name) => Number.parseFloat(fields[kind.name.replace(/kind$/, name)].value) || 0;
    const first = of("first") || 1;
    sum += of("worth") * Math.max(0, (of("last") || first) - first + 1);
    shared = true;
  }
  total.hidden = !shared;
  total.className = Math.abs(sum - 100) < 1e-9 ? "strong" : "wrong";
  total.querySelector("[data-sum]").textContent = `${Math.round(sum * 1e6) / 1e6}%`;
};
addEventListener("input", () => document.querySelectorAll("[data-total]").forEach(addUp));

/* Menus close when one looks elsewhere. */
addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(".rail :is(.menu, .more)[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

/* j and k walk through a list, Enter opens, / goes to the first field. */
const rows = () => [...document.querySelectorAll("tbody tr.opens, [data-row]")];
addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll(".rail :is(.menu, .more)[open]")) menu.open = false;
    return;
  }
  const typing = event.target.closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    const field = document.querySelector("main :is(input:not([type=hidden]), select)");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  } else if (event.key === "j" || event.key === "k") {
    const all = rows();
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.max(0, Math.min(all.length - 1, at + (event.key === "j" ? 1 : -1)))];
    next?.querySelector("a, summary, button:not([hidden])")?.focus();
  }
});
